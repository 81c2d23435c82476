"""What a store says when it cannot be used."""

from __future__ import annotations

from service_kit.background import Unavailable


class StoreAway(Unavailable):
    """The store cannot be used now; what was asked of it may or may not have happened.

    SQL raises it out of a transaction, Redis gives it back as a value. `store` is its address without the password,
    `reason` the driver's own words; neither is for clients.
    """

    def __init__(self, store: str, reason: str) -> None:
        super().__init__(f"{store} is away: {reason}")
        self.store = store
        self.reason = reason
