"""Both levels of the cache as the pipeline uses them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from service_kit.background import supervised

from llm_gateway.cache.invalidation import FOLLOW_SECONDS, Invalidation
from llm_gateway.cache.kept import NO_LABELS, Kept, Labels, Selector
from llm_gateway.cache.lease import BUSY, Lease
from llm_gateway.cache.memory import MemoryCache

if TYPE_CHECKING:  # its client is large: it is loaded only if used
    from llm_gateway.cache.redis import RedisCache

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.01, 0.2


class LevelStats(msgspec.Struct, frozen=True, kw_only=True):
    """The look-ups of one level since the start of this process. `entries` and `bytes` are None where counting them
    would cost a walk through a store; `away` says why a level is passed by."""

    hits: int
    misses: int
    entries: int | None = None
    bytes: int | None = None
    failures: int = 0
    away: str | None = None


class SharedFound(msgspec.Struct, frozen=True):
    """An entry of the shared level. `waited` says that another replica made it meanwhile."""

    entry: bytes
    waited: bool


class CacheLevels:
    """Entries in memory, and in the store that replicas share if there is one. `clock` gives seconds since 1970."""

    def __init__(
        self, memory: MemoryCache, shared: RedisCache | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._memory = memory
        self._shared = shared
        self._clock = clock
        self._invalidation = Invalidation(memory, shared) if shared is not None else None
        self._hits = self._misses = self._shared_hits = self._shared_misses = 0
        self.invalidated = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens the shared level for the length of the block."""
        async with AsyncExitStack() as stack:
            if self._shared is not None and self._invalidation is not None:
                await stack.enter_async_context(self._shared.running())
                follow = supervised("cache invalidation", self._invalidation.follow, every_seconds=FOLLOW_SECONDS)
                await stack.enter_async_context(follow)
            yield

    @property
    def is_shared(self) -> bool:
        """Whether there is a second level."""
        return self._shared is not None

    # --- what calls do ---

    def find(self, key: bytes, max_age: float | None = None) -> bytes | None:
        """Returns the entry under `key` in this process, if it is not older than `max_age` seconds."""
        entry = self._fresh(self._memory.get(key), max_age)
        if entry is None:
            self._misses += 1
        else:
            self._hits += 1
        return entry

    async def find_shared(
        self, key: bytes, max_age: float | None, patience: float, *, lead: bool = True
    ) -> SharedFound | Lease | None:
        """Returns the shared entry under `key`, or a lease on making it, for a caller that will keep it (`lead`).

        While another replica makes it, this waits for it, at most `patience` seconds. None means that the caller makes
        it without a lease: the store is away, the patience has ended, or what is kept is older than `max_age`.
        """
        assert self._shared is not None
        waiting_since, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
        found = await self._shared.look_up(key, lead=lead and max_age is None)
        waited = False
        while found is BUSY and time.monotonic() - waiting_since < patience:
            waited = True
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            found = await self._shared.look_up(key)
        if isinstance(found, Kept):
            entry = self._fresh(found, max_age)
            if entry is not None:
                self._shared_hits += 1
                self._memory.put(key, found, found.stored_at + found.ttl - self._clock())
                return SharedFound(entry, waited)
        self._shared_misses += 1
        return found if isinstance(found, Lease) and found is not BUSY else None

    async def keep(self, key: bytes, entry: bytes, seconds: float, labels: Labels = NO_LABELS) -> None:
        """Stores an entry on both levels for so many seconds; it may take until the shared level has it."""
        if seconds <= 0:
            return
        kept = Kept.of(entry, self._clock(), seconds, labels)
        self._memory.put(key, kept, seconds)
        if self._shared is not None:
            await self._shared.put(key, kept)

    async def release(self, lease: Lease) -> None:
        """Gives a lease back."""
        if self._shared is not None:
            await self._shared.release(lease)

    def _fresh(self, kept: Kept | None, max_age: float | None) -> bytes | None:
        if kept is None or (max_age is not None and self._clock() - kept.stored_at > max_age):
            return None
        return kept.entry()

    # --- what operators do ---

    async def remove(self, selector: Selector) -> int:
        """Removes the entries that are meant, on both levels and in every replica. Returns how many were found."""
        removed = (
            self._memory.remove(selector) if self._invalidation is None else await self._invalidation.remove(selector)
        )
        self.invalidated += removed
        return removed

    def size(self) -> int:
        """Returns the number of entries in this process."""
        return self._memory.size()

    def stats(self) -> dict[str, LevelStats]:
        """Returns the figures of each level by its name."""
        levels = {
            "memory": LevelStats(
                hits=self._hits, misses=self._misses, entries=self._memory.size(), bytes=self._memory.bytes
            )
        }
        if self._shared is not None:
            levels["redis"] = LevelStats(
                hits=self._shared_hits, misses=self._shared_misses, failures=self._shared.failures,
                away=self._shared.away,
            )  # fmt: skip
        return levels
