"""Redis or Valkey, with a limit on each command, so that a store that is away does not hold up requests.

async with opened_redis(RedisAddress.parse(url)) as redis:
    found = await redis.run(lambda client: client.get(key))
    if isinstance(found, StoreAway): ...
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from service_kit.background import Wakeup, supervised
from service_kit.store.errors import StoreAway
from service_kit.store.redis_address import RedisAddress
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

T = TypeVar("T")

TIMEOUT_SECONDS = 0.05
CONNECT_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 2.0
_FAILURES_TO_OPEN = 2
"""One late answer, as after a pause of our own garbage collector, does not mean that the server is away."""

# The errors that mean that the server cannot work now, not that the command is wrong. Wrong credentials, and a server
# that is still loading its data, are ConnectionErrors too.
_AWAY = (ConnectionError, RedisTimeout, ReadOnlyError, OutOfMemoryError, OSError, TimeoutError)


class RedisStore:
    """One server; made by `opened_redis`.

    `run` answers within `timeout_seconds`. After two failures in a row it answers at once that the server is away,
    without asking it, until a loop in the background has reached it again.
    """

    def __init__(self, address: RedisAddress, timeout_seconds: float, connections: int) -> None:
        self.address = address
        self._timeout = timeout_seconds
        pool = BlockingConnectionPool.from_url(
            address.url,
            max_connections=connections,
            timeout=timeout_seconds,  # limits the wait for a free connection
            socket_timeout=CONNECT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            # By default the client retries for some seconds, with pauses.
            retry=Retry(NoBackoff(), 0),
        )
        self._client: Redis = Redis(connection_pool=pool)
        self._failures = 0
        self._away: StoreAway | None = StoreAway(address.shown, "it has not been reached yet")
        self._tried = asyncio.Event()
        self._look = Wakeup()

    @property
    def away(self) -> StoreAway | None:
        """Why commands are not sent to the server at the moment, or None."""
        return self._away

    async def run(self, command: Callable[[Redis], Awaitable[T]], seconds: float | None = None) -> T | StoreAway:
        """Returns the result of `command`, or StoreAway; in that case the command may or may not have happened.

        A command that no request waits for may take other `seconds` than the store's own limit.

        Raises:
            redis.exceptions.ResponseError: the server says that the command is wrong.
        """
        if self._away is not None:
            return self._away
        seconds = self._timeout if seconds is None else seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                result = await command(self._client)
        except _AWAY as error:
            if isinstance(error, TimeoutError) and not isinstance(error, RedisTimeout) and not limit.expired():
                raise  # a timeout of the caller's own
            return self._failed(error, f"no answer within {seconds:g} s" if limit.expired() else "")
        self._failures = 0
        return result

    def _failed(self, error: BaseException, said: str) -> StoreAway:
        away = StoreAway(self.address.shown, said or _reason(error))
        self._failures += 1
        if self._failures >= _FAILURES_TO_OPEN and self._away is None:
            self._away = away
            self._look.set()
            _log.warning("redis is away; it is passed by", redis=self.address.shown, error=away.reason)
        return away

    async def look(self) -> None:
        """Waits until a check is due, and checks whether the server answers. Run by one supervised loop.

        Raises:
            StoreAway: the server does not answer.
        """
        if self._away is None:
            await self._look.wait(_LOOK_SECONDS)
        limit = asyncio.timeout(CONNECT_SECONDS)
        try:
            async with limit:
                await _awaited(self._client.ping())
        except (*_AWAY, RedisError) as error:
            self._away = StoreAway(self.address.shown, "no answer" if limit.expired() else _reason(error))
            raise self._away from None
        finally:
            self._tried.set()
        if self._away is not None and self._failures:
            _log.info("redis is there again", redis=self.address.shown)
        self._away, self._failures = None, 0

    async def tried(self) -> None:
        """Waits until the server has been checked once."""
        await self._tried.wait()

    async def close(self) -> None:
        """Closes all connections."""
        with contextlib.suppress(RedisError, OSError):  # a broken connection cannot be closed in order
            await self._client.aclose(close_connection_pool=True)


@asynccontextmanager
async def opened_redis(
    address: RedisAddress, *, timeout_seconds: float = TIMEOUT_SECONDS, connections: int = 50
) -> AsyncIterator[RedisStore]:
    """Opens the server at `address` until the block ends. The start waits at most a second for the server's first
    answer."""
    store = RedisStore(address, timeout_seconds, connections)
    try:
        async with supervised("redis", store.look, every_seconds=0, longest_pause_seconds=_LONGEST_PAUSE_SECONDS):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await store.tried()
            yield store
    finally:
        await store.close()


async def _awaited(answer: Any) -> Any:
    """Awaits an answer that redis-py declares as awaitable or not; those of its asynchronous client always are."""
    return await answer


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
