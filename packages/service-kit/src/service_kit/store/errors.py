"""The error of a store that cannot be used at the moment."""

from __future__ import annotations

from service_kit.background import Unavailable


class StoreAway(Unavailable):
    """The store cannot be used now; the operation may or may not have happened.

    SQL raises it from a transaction, Redis returns it as a value. `store` is the address without its password, `reason`
    the driver's own message; neither may be shown to clients.
    """

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"{store} is away: {reason}")
        self.store = store
        self.reason = reason
