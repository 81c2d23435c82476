from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from llm_gateway.net.errors import ConnectFailed, ConnectTimeout, PoolTimeout
from llm_gateway.net.http1 import Connection
from llm_gateway.net.pool import Pool
from llm_gateway.net.proxy import Route
from llm_gateway.net.target import Origin, post_head, target_of

from tests.certificates import Authority
from tests.peers import Peer, listening
from tests.waiting import eventually

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@asynccontextmanager
async def _served(peer: Peer) -> AsyncIterator[Route]:
    async with listening(peer) as port:
        yield Route(Origin("127.0.0.1", port, False))


async def test_tls_works_and_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async def always(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PLAIN)

    authority = Authority(tmp_path)
    async with listening(always, tls=authority.serving("localhost")) as port:
        route = Route(Origin("localhost", port, True))
        trusting = Pool(1, keepalive=10, tls=authority.trusting())
        connection = await trusting.acquire(route, 5)
        connection.send(post_head(target_of("https://localhost"), {}, 0))
        assert await _finish(connection) == b"hello"
        trusting.release(connection)
        trusting.close()
        with pytest.raises(ConnectFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await Pool(1, keepalive=10).acquire(route, 5)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _finish(connection: Connection) -> bytes:
    until = asyncio.get_running_loop().time() + 5
    while not connection.complete and connection.error is None:
        await connection.news(until)
    return connection.take() or b""


async def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PLAIN)
        writer.close()

    async with _served(once) as route:
        pool = Pool(2, keepalive=10)
        for _ in range(3):
            connection = await pool.acquire(route, 1)
            connection.send(post_head(target_of("http://a"), {}, 0))
            assert await _finish(connection) == b"hello"
            pool.release(connection)
            await eventually(lambda: connection.closed)  # noqa: B023 - it is called within this turn
        pool.close()


async def test_an_idle_connection_is_not_kept_for_longer_than_agreed() -> None:
    async def always(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(PLAIN)

    async with _served(always) as route:
        for keepalive, kept in ((60, True), (0.01, False)):
            pool = Pool(2, keepalive=keepalive)
            first = await _use(pool, route)
            pool.release(first)
            await asyncio.sleep(0 if kept else 0.05)  # time is what this is about; more of it changes nothing
            second = await _use(pool, route)
            assert (second is first) is kept
            pool.release(second)
            pool.close()


async def test_no_more_connections_than_allowed_and_a_wait_is_bounded() -> None:
    async with _served(_silent) as route:
        pool = Pool(1, keepalive=10)
        first = await pool.acquire(route, 1)
        with pytest.raises(PoolTimeout):
            await pool.acquire(route, 0.05)
        pool.release(first)
        pool.release(await pool.acquire(route, 1))
        pool.close()


async def test_nobody_there_is_a_failure_and_gives_its_place_back() -> None:
    pool = Pool(1, keepalive=10)
    for _ in range(3):
        with pytest.raises(ConnectFailed):
            await pool.acquire(Route(Origin("127.0.0.1", 1, False)), 1)
    pool.close()


async def test_waiting_ends_in_time() -> None:
    async with _served(_silent) as route:
        pool = Pool(1, keepalive=10)
        connection = await pool.acquire(route, 1)
        connection.send(b"POST / HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            await connection.news(asyncio.get_running_loop().time() + 0.05)
        pool.release(connection)
        pool.close()


async def _always(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(PLAIN)


async def _use(pool: Pool, route: Route) -> Connection:
    connection = await pool.acquire(route, 5)
    connection.send(post_head(target_of("http://a"), {}, 0))
    assert await _finish(connection) == b"hello"
    return connection


async def test_a_route_that_fills_its_share_leaves_the_rest_to_the_others() -> None:
    async with _served(_silent) as hung, _served(_always) as healthy:
        pool = Pool(4, keepalive=10)
        held = [await pool.acquire(hung, 5) for _ in range(2)]
        waiting = [asyncio.ensure_future(pool.acquire(hung, 60)) for _ in range(10)]
        await asyncio.sleep(0)
        for _ in range(3):
            pool.release(await _use(pool, healthy))
        assert not any(one.done() for one in waiting)
        with pytest.raises(PoolTimeout):
            await pool.acquire(hung, 0.01)
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
        for connection in held:
            pool.release(connection)
        pool.close()


async def test_two_routes_that_hang_fill_the_pool_and_a_place_that_comes_free_goes_round() -> None:
    async with _served(_silent) as one, _served(_silent) as two, _served(_always) as healthy:
        pool = Pool(2, keepalive=10)
        first, second = await pool.acquire(one, 5), await pool.acquire(two, 5)
        more = asyncio.ensure_future(pool.acquire(one, 5))
        await asyncio.sleep(0)
        answered = asyncio.ensure_future(_use(pool, healthy))
        await asyncio.sleep(0)
        assert not answered.done()
        pool.release(second)  # which leaves a place in the pool, and none in the share of the first
        pool.release(await asyncio.wait_for(answered, 5))
        assert not more.done()
        pool.release(first)
        pool.release(await asyncio.wait_for(more, 5))
        pool.close()


async def test_a_share_can_be_said() -> None:
    async with _served(_silent) as route:
        pool = Pool(4, keepalive=10, share=3)
        held = [await pool.acquire(route, 5) for _ in range(3)]
        with pytest.raises(PoolTimeout):
            await pool.acquire(route, 0.02)
        for connection in held:
            pool.release(connection)
        pool.close()


async def test_those_who_wait_are_served_in_order_and_those_who_left_are_passed_over() -> None:
    async with _served(_silent) as route:
        pool = Pool(1, keepalive=10)
        held = await pool.acquire(route, 5)
        order: list[int] = []

        async def ask(number: int) -> None:
            connection = await pool.acquire(route, 5)
            order.append(number)
            pool.release(connection)

        tasks = [asyncio.ensure_future(ask(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        pool.release(held)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [0, 2, 3]
        pool.close()


async def test_a_place_that_was_handed_to_one_who_has_just_left_is_not_lost() -> None:
    async with _served(_silent) as route:
        pool = Pool(1, keepalive=10)
        for _ in range(20):
            held = await pool.acquire(route, 5)
            waiting = asyncio.ensure_future(pool.acquire(route, 5))
            await asyncio.sleep(0)
            pool.release(held)
            waiting.cancel()  # the place is already its own
            with pytest.raises(asyncio.CancelledError):
                await waiting
        pool.release(await pool.acquire(route, 1))
        pool.close()


async def test_no_more_may_wait_than_makes_sense() -> None:
    async with _served(_silent) as route:
        pool = Pool(1, keepalive=10)
        held = await pool.acquire(route, 5)
        waiting = [asyncio.ensure_future(pool.acquire(route, 5)) for _ in range(64)]
        await asyncio.sleep(0)
        with pytest.raises(PoolTimeout, match="64 requests wait"):
            await pool.acquire(route, 5)
        pool.close()
        for failure in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(failure, PoolTimeout)
        pool.release(held)


async def test_releasing_twice_frees_one_place() -> None:
    async with _served(_silent) as route:
        pool = Pool(1, keepalive=10)
        connection = await pool.acquire(route, 5)
        pool.release(connection)
        pool.release(connection)
        held = await pool.acquire(route, 5)
        with pytest.raises(PoolTimeout):
            await pool.acquire(route, 0.02)
        pool.release(held)
        pool.close()


async def test_idle_connections_are_hung_up_though_nobody_calls() -> None:
    async with _served(_always) as one, _served(_always) as two:
        pool = Pool(8, keepalive=0.1)
        used = [await _use(pool, route) for route in (one, one, two)]
        for connection in used:
            pool.release(connection)
        assert pool.idle == 3 and not any(connection.closed for connection in used)
        await eventually(lambda: not pool.idle)
        assert all(connection.closed for connection in used)
        pool.close()


async def test_there_is_a_cap_on_idle_connections() -> None:
    async with _served(_always) as one, _served(_always) as two:
        pool = Pool(2, keepalive=10, share=2)
        for route in (one, two):
            used = [await _use(pool, route) for _ in range(2)]
            for connection in used:
                pool.release(connection)
        assert pool.idle == 2
        pool.close()


async def test_a_peer_that_never_shakes_hands_is_a_connect_timeout() -> None:
    async with _served(_silent) as plain:
        pool = Pool(1, keepalive=10)
        secure = Route(Origin("127.0.0.1", plain.origin.port, True))
        with pytest.raises(ConnectTimeout):
            await pool.acquire(secure, 0.1)
        pool.release(await pool.acquire(plain, 1))  # the place came back
        pool.close()
