"""The limiter that the settings ask for."""

from __future__ import annotations

from service_kit.limits.limiter import Limiter
from service_kit.limits.memory import MemoryLimiter


def limiter_of(redis_url: str | None) -> Limiter:
    """A limiter that shares its buckets at `redis_url`, or keeps them in this process where that is None."""
    if redis_url is None:
        return MemoryLimiter()
    from service_kit.limits.redis import RedisLimiter  # the client takes memory, and is loaded where it is wanted

    return RedisLimiter(redis_url)
