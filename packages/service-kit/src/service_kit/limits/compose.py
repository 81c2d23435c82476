"""The limiter that the settings choose."""

from __future__ import annotations

from service_kit.limits.limiter import Limiter
from service_kit.limits.memory import MemoryLimiter


def limiter_of(redis_url: str | None) -> Limiter:
    """Returns a limiter that shares its buckets at `redis_url`, or one that keeps them in this process if that is None.

    Raises:
        ValueError: `redis_url` is not an address of Redis.
    """
    if redis_url is None:
        return MemoryLimiter()
    from service_kit.limits.redis import RedisLimiter  # the client is large: it is loaded only if used

    return RedisLimiter(redis_url)
