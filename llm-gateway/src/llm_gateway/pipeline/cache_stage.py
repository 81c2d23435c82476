"""The cache as calls use it: how long they wait for its shared level, and what they leave in it."""

from __future__ import annotations

import asyncio

from llm_gateway.cache.behind import WriteBehind
from llm_gateway.cache.labels import labels_of
from llm_gateway.cache.lease import Lease
from llm_gateway.cache.levels import CacheLevels, SharedFound
from llm_gateway.cache.lifetimes import Lifetimes
from llm_gateway.pipeline.context import CallContext

_WHOLE_PATIENCE_SECONDS, _STREAM_PATIENCE_SECONDS = 30.0, 2.0
"""How long a call waits for the one of another replica. A stream is there to show words as they come, and an entry
comes whole."""


class CacheStage:
    """The levels of the cache, and how long each kind of answer is kept."""

    def __init__(self, cache: CacheLevels, lifetimes: Lifetimes) -> None:
        self._cache = cache
        self._behind = WriteBehind(cache)
        self._lifetimes = lifetimes

    def of(self, context: CallContext) -> CallCaching | None:
        """Returns the cache for the call that `context` begins, or None if the call neither reads nor writes there."""
        key, control = context.key, context.caller.cache_control
        seconds = self._lifetimes.seconds(context.request) if control.write else 0.0
        if key is None or not (control.read or seconds):
            return None
        return CallCaching(self._cache, self._behind, key, context, seconds)


class CallCaching:
    """The cache of one call: its entry of the shared level, its lease there, and what it leaves."""

    __slots__ = ("_behind", "_cache", "_context", "_key", "_lease", "_seconds")

    def __init__(
        self, cache: CacheLevels, behind: WriteBehind, key: bytes, context: CallContext, seconds: float
    ) -> None:
        self._cache = cache
        self._behind = behind
        self._key = key
        self._context = context
        self._seconds = seconds
        self._lease: Lease | None = None

    async def find_shared(self) -> SharedFound | None:
        """Returns the entry that another replica made, or None if this one has to ask a model, with a lease if it
        could be had. It is given back by `done`."""
        context = self._context
        control = context.caller.cache_control
        if not self._cache.is_shared or not control.read:
            return None
        patience = _STREAM_PATIENCE_SECONDS if context.streamed else _WHOLE_PATIENCE_SECONDS
        if context.ends_at is not None:
            patience = min(patience, context.ends_at - asyncio.get_running_loop().time())
        lead = self._seconds > 0  # the others would wait for an entry that never comes
        found = await self._cache.find_shared(self._key, control.max_age, patience, lead=lead)
        if isinstance(found, Lease):
            self._lease = found
            return None
        return found

    async def keep(self, entry: bytes) -> None:
        """Writes the entry, if this kind of answer is kept."""
        meant = self._context.meant
        if self._seconds and meant is not None:
            await self._behind.put(self._key, entry, self._seconds, labels_of(self._context.request, meant))

    async def done(self) -> None:
        """Gives the lease back, if there is one."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await self._cache.release(lease)
