"""Buckets that all replicas share, in Redis or Valkey."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service_kit.limits.limiter import ROUNDING, Decision, Rate
from service_kit.limits.memory import MemoryLimiter
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
"""One call, so that no two replicas see the same units; the server's clock, so that theirs may differ. A refused call
writes nothing, and a bucket that is full again expires."""

_CONNECT_SECONDS = 1.0
"""At the start alone, where a connection may take its time; later the store is asked within `answer_seconds`."""


class RedisLimiter:
    """A `Limiter` whose buckets all replicas share.

    While the store does not answer within `answer_seconds` this process counts alone, and the store is asked again
    every `pause_seconds`, by one call: whatever happens to it, no caller waits longer than `answer_seconds`.
    """

    def __init__(
        self,
        url: str,
        *,
        answer_seconds: float = 0.05,
        pause_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # redis-py's own retries would make a store that hangs cost seconds.
        self._client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=_CONNECT_SECONDS)
        self._script = self._client.register_script(_TAKE)
        self._alone = MemoryLimiter(clock=clock)
        self._answer_seconds = answer_seconds
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._away = False
        self._ask_again_at = 0.0

    @property
    def away(self) -> bool:
        return self._away

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self._asked(self._client.ping(), _CONNECT_SECONDS)
        try:
            yield
        finally:
            await self._client.aclose()

    async def take(self, key: str, rate: Rate, cost: float = 1) -> Decision:
        if self._away:
            if self._clock() < self._ask_again_at:
                return await self._alone.take(key, rate, cost)
            self._ask_again_at = self._clock() + self._pause_seconds
        arguments = [repr(float(rate.amount)), repr(rate.per_second), repr(float(cost))]
        answer = await self._asked(self._script(keys=[_PREFIX + key], args=arguments), self._answer_seconds)
        if answer is None:
            return await self._alone.take(key, rate, cost)
        allowed, left = answer
        return Decision.of(rate, allowed=bool(allowed), left=float(left), cost=cost)

    async def _asked(self, question: Any, seconds: float) -> Any:
        """The store's answer, or None where it gave none in time."""
        try:
            async with asyncio.timeout(seconds):
                answer = await question
        except (RedisError, OSError, TimeoutError) as error:
            self._ask_again_at = self._clock() + self._pause_seconds
            if not self._away:
                self._away = True
                _log.warning("rates hold in this process alone: Redis is away", reason=type(error).__name__)
            return None
        if self._away:
            self._away = False
            _log.info("rates are shared again: Redis is back")
        return answer
