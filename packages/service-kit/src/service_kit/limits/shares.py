"""Fair shares of a bounded resource, such as sockets, conversations or bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Shares:
    """Counts how much of a bounded resource each owner holds; `total` is enough for all owners together.

    A single owner may hold all of it. When all of it is held, each owner may still take up to an equal share, and the
    caller makes room by taking from the largest holder, so that no owner can use up or push out what belongs to
    another. All owners together hold less than `total` × (1 + ln owners) plus one for each owner.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._held: dict[str, int] = {}
        self._sum = 0

    def __len__(self) -> int:
        """Returns the number of owners that hold anything."""
        return len(self._held)

    @property
    def sum(self) -> int:
        """The amount that all owners hold together."""
        return self._sum

    def held(self, owner: str) -> int:
        """Returns the amount that `owner` holds."""
        return self._held.get(owner, 0)

    def equal_share(self, owner: str) -> int:
        """Returns the amount that each owner is entitled to, with `owner` counted among them."""
        owners = len(self._held) + (owner not in self._held)
        return max(1, self.total // owners)

    def may_take(self, owner: str) -> bool:
        """Returns whether `owner` may take one more."""
        return self._sum < self.total or self.held(owner) < self.equal_share(owner)

    def gives_way(self, owner: str) -> bool:
        """Returns whether `owner` must give something up when too much is held: it holds more than an equal share, or
        as much as any other owner."""
        held = self.held(owner)
        return held > 0 and (held > self.equal_share(owner) or held == max(self._held.values()))

    def largest(self) -> str | None:
        """Returns the owner that holds most, or None if nothing is held."""
        return max(self._held, key=self._held.__getitem__, default=None)

    def take(self, owner: str, amount: int = 1) -> None:
        """Counts `amount` more for `owner`, without a check; the caller asks `may_take` first."""
        self._held[owner] = self.held(owner) + amount
        self._sum += amount

    def give_back(self, owner: str, amount: int = 1) -> None:
        """Counts `amount` less for `owner`."""
        self._sum -= amount
        left = self._held[owner] - amount
        if left > 0:
            self._held[owner] = left
        else:
            del self._held[owner]

    @contextmanager
    def holding(self, owner: str) -> Iterator[None]:
        """Holds one for `owner` until the block ends. The caller asks `may_take` first."""
        self.take(owner)
        try:
            yield
        finally:
            self.give_back(owner)
