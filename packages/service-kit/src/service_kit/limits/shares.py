"""Fair shares of what is bounded: places, conversations, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Shares:
    """How much of one bounded thing each owner holds, where `total` is enough for all owners together.

    An owner alone may hold all of it. Once that is held, every owner may still take up to an equal share, and what has
    to give way is the largest holder's: so no owner can use up or push out what is another's. What is held in all stays
    below `total` × (1 + ln owners) plus one for each owner.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._held: dict[str, int] = {}
        self._sum = 0

    def __len__(self) -> int:
        """How many owners hold anything."""
        return len(self._held)

    @property
    def sum(self) -> int:
        """What is held in all."""
        return self._sum

    def held(self, owner: str) -> int:
        return self._held.get(owner, 0)

    def equal_share(self, owner: str) -> int:
        """What each owner is entitled to, with `owner` among them."""
        owners = len(self._held) + (owner not in self._held)
        return max(1, self.total // owners)

    def may_take(self, owner: str) -> bool:
        """Whether one more is `owner`'s to take."""
        return self._sum < self.total or self.held(owner) < self.equal_share(owner)

    def gives_way(self, owner: str) -> bool:
        """Whether `owner` holds more than an equal share, or as much as any other owner: when there is too much of
        all, it is this owner's that goes."""
        held = self.held(owner)
        return held > 0 and (held > self.equal_share(owner) or held == max(self._held.values()))

    def largest(self) -> str | None:
        """The owner that holds most, None where nothing is held."""
        return max(self._held, key=self._held.__getitem__, default=None)

    def take(self, owner: str, amount: int = 1) -> None:
        self._held[owner] = self.held(owner) + amount
        self._sum += amount

    def give_back(self, owner: str, amount: int = 1) -> None:
        self._sum -= amount
        left = self._held[owner] - amount
        if left > 0:
            self._held[owner] = left
        else:
            del self._held[owner]

    @contextmanager
    def holding(self, owner: str) -> Iterator[None]:
        """Holds one for the length of the block; whether it may is the caller's to ask."""
        self.take(owner)
        try:
            yield
        finally:
            self.give_back(owner)
