"""A limiter whose buckets are shared by all replicas, in Redis or Valkey."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import RedisError

from service_kit.limits.limiter import ROUNDING, Decision, Rate
from service_kit.limits.memory import MemoryLimiter
from service_kit.store.errors import StoreAway
from service_kit.store.redis import TIMEOUT_SECONDS, RedisStore, opened_redis
from service_kit.store.redis_address import RedisAddress
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

_PREFIX = "rate:"

_TAKE = f"""
local amount, per_second, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(held[1]) or amount, tonumber(held[2]) or now
left = math.min(amount, left + math.max(0, now - at) * per_second)
if left + {ROUNDING} < cost then
  return {{0, string.format('%.17g', left)}}
end
left = math.min(amount, left - cost)
redis.call('HSET', KEYS[1], 'left', string.format('%.17g', left), 'at', string.format('%.17g', now))
redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil((amount - left) / per_second * 1000)))
return {{1, string.format('%.17g', left)}}
"""
"""One script, so that no two replicas take the same units, and with the server's clock, because the replicas' clocks
may differ. A refused call writes nothing, and a bucket expires when it is full again."""


class RedisLimiter:
    """A `Limiter` whose buckets all replicas share.

    While the store is away, this process counts alone. No call waits longer than `answer_seconds`; after two that
    waited in vain, none waits until the store has been reached again (see `RedisStore`). `clock`, in seconds, is that
    of the buckets in this process.

    Raises:
        ValueError: `url` is not an address of Redis.
    """

    def __init__(
        self,
        url: str,
        *,
        answer_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = RedisAddress.parse(url)
        self._answer_seconds = answer_seconds
        self._alone = MemoryLimiter(clock=clock)
        self._store: RedisStore | None = None
        self._trouble: str | None = None
        self._refused = False

    @property
    def away(self) -> bool:
        return self._store is None or self._store.away is not None or self._refused

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with opened_redis(self._address, timeout_seconds=self._answer_seconds) as self._store:
            try:
                yield
            finally:
                self._store = None

    async def take(self, key: str, rate: Rate, cost: float = 1) -> Decision:
        answer = await self._taken(key, rate, cost)
        if answer is None:
            return await self._alone.take(key, rate, cost)
        allowed, left = answer
        return Decision.of(rate, allowed=bool(allowed), left=float(left), cost=cost)

    async def _taken(self, key: str, rate: Rate, cost: float) -> Any:
        """Returns the script's answer, or None if the store is away or refuses the script."""
        if self._store is None:
            return None
        arguments = [repr(float(rate.amount)), repr(rate.per_second), repr(float(cost))]
        try:
            answer: Any = await self._store.run(
                lambda client: client.register_script(_TAKE)(keys=[_PREFIX + key], args=arguments)
            )
        except RedisError as error:  # the server refuses, for example because this user may not run scripts
            self._refused = True
            self._note(type(error).__name__)
            return None
        if isinstance(answer, StoreAway):
            self._note(answer.reason)
            return None
        self._refused = False
        self._note(None)
        return answer

    def _note(self, trouble: str | None) -> None:
        before, self._trouble = self._trouble, trouble
        if trouble is not None and before is None:
            _log.warning("rates hold in this process alone: Redis is away", reason=trouble)
        elif trouble is None and before is not None:
            _log.info("rates are shared again: Redis is back")
