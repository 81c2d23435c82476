"""Connections that are used again, with a bound on all of them and a smaller one for each origin.

The smaller bound is a bulkhead: an origin that hangs fills its own share and leaves the rest to the others.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque

from llm_gateway.net.connecting import Connector
from llm_gateway.net.errors import PoolTimeout
from llm_gateway.net.http1 import Connection
from llm_gateway.net.proxy import Route

_LEEWAY_SECONDS = 0.01
"""How much later than due the idle are looked at, as timers may fire a little early."""


class _Share:
    """What one route has of the pool."""

    __slots__ = ("idle", "used", "waiting")

    def __init__(self) -> None:
        self.used = 0
        self.idle: deque[Connection] = deque()  # the one that was used last is at the end, and is used first
        self.waiting: deque[asyncio.Future[None]] = deque()

    @property
    def empty(self) -> bool:
        return not (self.used or self.idle or self.waiting)


class Pool:
    """At most `limit` connections in use, at most `share` of them by one route (half of them, if that is not said),
    and at most `limit` idle ones, each for `keepalive` seconds. Certificates are checked against the system's
    authorities, or as `tls` says."""

    def __init__(
        self, limit: int, keepalive: float, tls: ssl.SSLContext | None = None, *, share: int | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._share = min(share or max(1, limit // 2), limit)
        self._most_waiting = max(64, 4 * self._share)
        self._keepalive = keepalive
        self._connector = Connector(tls)
        self._shares: dict[Route, _Share] = {}
        self._used: dict[Connection, Route] = {}
        self._places = limit  # that are free, those of connections that are being made not among them
        self._hungry: dict[Route, _Share] = {}  # shares with waiting calls, in the order of their turns
        self._idle = 0
        self._reaper: asyncio.TimerHandle | None = None

    async def acquire(self, route: Route, seconds: float, *, fresh: bool = False) -> Connection:
        """Returns a connection that is the caller's alone until it is given to `release`; `fresh` asks for a new one.
        `seconds` limits the wait for a place, and then the wait for a connection.

        Raises:
            PoolTimeout: no place became free in time.
            ConnectFailed: the peer cannot be reached.
            ConnectTimeout: not in time.
        """
        share = self._shares.get(route)
        if share is None:
            share = self._shares[route] = _Share()
        if self._places and share.used < self._share and not share.waiting:
            self._places -= 1
            share.used += 1
        else:
            await self._wait(route, share, seconds)
        try:
            connection = None if fresh else self._find_idle(share)
            if connection is None:
                connection = await self._connector.connect(route, seconds)
        except BaseException:
            self._give_back(route, share)
            raise
        self._used[connection] = route
        return connection

    def release(self, connection: Connection) -> None:
        """Takes a connection back. It is kept if its answer was read to the end, else it is closed. A second call does
        nothing."""
        route = self._used.pop(connection, None)
        if route is None:
            return
        share = self._shares[route]
        if connection.reusable and self._idle < self._limit:
            connection.idle_since, connection.used_before = self._loop.time(), True
            share.idle.append(connection)
            self._idle += 1
            if self._reaper is None:
                self._reap_at(connection.idle_since + self._keepalive)
        else:
            connection.abort()
        self._give_back(route, share)

    def close(self) -> None:
        """Closes all connections; calls that wait for one are refused."""
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        idle = [connection for share in self._shares.values() for connection in share.idle]
        for connection in [*self._used, *idle]:
            connection.abort()
        for share in self._shares.values():
            share.idle.clear()
            for waiter in share.waiting:
                _refuse(waiter, "the pool is closed")
        self._idle = 0

    @property
    def idle(self) -> int:
        """How many connections are open and unused."""
        return self._idle

    # --- places ---

    async def _wait(self, route: Route, share: _Share, seconds: float) -> None:
        """Waits until a place is free. A place that is given back is handed to a waiting call directly, so that no
        other call can take it in between."""
        if len(share.waiting) >= self._most_waiting:
            raise PoolTimeout(f"{len(share.waiting)} requests wait for a connection already")
        waiter = self._loop.create_future()
        share.waiting.append(waiter)
        self._hungry[route] = share
        text = f"no connection free within {seconds} s, {share.used} are in use there and {len(self._used)} in all"
        timer = self._loop.call_later(seconds, _refuse, waiter, text)
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give_back(route, share)  # cancelled after the place had been handed over
            else:
                share.waiting.remove(waiter)
                self._forget_if_empty(route, share)
            raise
        finally:
            timer.cancel()

    def _give_back(self, route: Route, share: _Share) -> None:
        self._places += 1
        share.used -= 1
        if self._hungry:
            self._hand_over()
        self._forget_if_empty(route, share)

    def _hand_over(self) -> None:
        """Gives free places to waiting calls, one route after the other, so that no route keeps the others out."""
        for _ in range(len(self._hungry)):
            if not self._places:
                return
            route = next(iter(self._hungry))
            share = self._hungry.pop(route)
            waiter = next((one for one in share.waiting if not one.done()), None)
            if waiter is None:
                continue
            if share.used < self._share:
                share.waiting.remove(waiter)
                self._places -= 1
                share.used += 1
                waiter.set_result(None)
            if share.waiting:
                self._hungry[route] = share  # behind the others

    def _forget_if_empty(self, route: Route, share: _Share) -> None:
        if not share.waiting:
            self._hungry.pop(route, None)
            if share.empty and self._shares.get(route) is share:
                del self._shares[route]

    # --- the idle ---

    def _find_idle(self, share: _Share) -> Connection | None:
        oldest = self._loop.time() - self._keepalive
        while share.idle:
            connection = share.idle.pop()
            self._idle -= 1
            if connection.closed:
                continue
            if connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def _reap_at(self, when: float) -> None:
        self._reaper = self._loop.call_at(when + _LEEWAY_SECONDS, self._reap)

    def _reap(self) -> None:
        """Closes connections of any route that were idle for too long, and forgets those that their peer closed."""
        self._reaper = None
        oldest = self._loop.time() - self._keepalive
        next_one = None
        for route, share in list(self._shares.items()):
            while share.idle and (share.idle[0].closed or share.idle[0].idle_since <= oldest):
                share.idle.popleft().abort()
                self._idle -= 1
            if share.idle:
                since = share.idle[0].idle_since
                next_one = since if next_one is None else min(next_one, since)
            self._forget_if_empty(route, share)
        if next_one is not None:
            self._reap_at(next_one + self._keepalive)


def _refuse(waiter: asyncio.Future[None], reason: str) -> None:
    if not waiter.done():
        waiter.set_exception(PoolTimeout(reason))
