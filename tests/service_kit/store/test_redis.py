"""Redis with a real Valkey: killed, frozen, absent, with a wrong password, and back again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from redis.exceptions import ResponseError
from service_kit.background import BackgroundLoops
from service_kit.store.errors import StoreAway
from service_kit.store.redis import RedisStore, opened_redis
from service_kit.store.redis_address import RedisAddress

from tests.stores import OwnValkey, valkey

__all__ = ["valkey"]  # a fixture


def address_of(server: OwnValkey, credentials: str = "") -> RedisAddress:
    return RedisAddress.parse(f"redis://{credentials}127.0.0.1:{server.port}/0")


async def write(redis: RedisStore, value: str = "v"):
    return await redis.run(lambda client: client.set("k", value))


async def read(redis: RedisStore):
    return await redis.run(lambda client: client.get("k"))


async def until_back(redis: RedisStore) -> None:
    async with asyncio.timeout(10):
        while isinstance(await read(redis), StoreAway):
            await asyncio.sleep(0.02)


async def until_away(redis: RedisStore) -> None:
    async with asyncio.timeout(10):
        while redis.away is None:
            await read(redis)


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p@h:1/2", "redis://:p@h/0", "unix:///run/valkey.sock"])
def test_addresses_are_taken_and_shown_without_password(url: str):
    address = RedisAddress.parse(url)
    assert address.url == url
    assert "p@" not in address.shown


@pytest.mark.parametrize("url", ["", "h:6379", "http://:hidden@h", "redis://", "redis://:hidden@h:port/0", "redis://["])
def test_what_is_no_address_is_refused_without_repeating_it(url: str):
    with pytest.raises(ValueError, match="is not an address") as refused:
        RedisAddress.parse(url)
    assert "hidden" not in str(refused.value)


async def test_what_was_written_is_read(valkey: OwnValkey):
    async with opened_redis(address_of(valkey), timeout_seconds=2) as redis:
        assert await write(redis) is True
        assert await read(redis) == b"v"


async def test_a_wrong_command_is_not_a_server_that_is_away(valkey: OwnValkey):
    async with opened_redis(address_of(valkey), timeout_seconds=2) as redis:
        await write(redis)
        for _ in range(3):
            with pytest.raises(ResponseError):
                await redis.run(lambda client: client.lpush("k", "x"))
        assert await read(redis) == b"v"


async def test_a_timeout_of_the_caller_stays_the_callers(valkey: OwnValkey):
    async with opened_redis(address_of(valkey), timeout_seconds=5) as redis:
        valkey.freeze()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await read(redis)
        valkey.thaw()
        await until_back(redis)


async def test_a_killed_server_is_away_and_found_again(valkey: OwnValkey):
    async with opened_redis(address_of(valkey), timeout_seconds=1) as redis:
        await write(redis)
        valkey.kill()
        assert isinstance(await read(redis), StoreAway)
        await until_away(redis)
        valkey.start()
        await until_back(redis)


async def test_a_frozen_server_costs_the_limit_twice_and_then_nothing(valkey: OwnValkey):
    async with opened_redis(address_of(valkey), timeout_seconds=0.2) as redis:
        await write(redis)
        valkey.freeze()
        began = time.monotonic()
        for _ in range(2):
            assert isinstance(await read(redis), StoreAway)
        assert 0.39 < time.monotonic() - began < 4
        began = time.monotonic()
        for _ in range(1000):
            assert isinstance(await read(redis), StoreAway)
        assert time.monotonic() - began < 4  # each at the limit would take 200
        valkey.thaw()
        await until_back(redis)


async def test_one_late_answer_does_not_shut_the_server_out(valkey: OwnValkey):
    async with opened_redis(address_of(valkey), timeout_seconds=0.3) as redis:
        late = await redis.run(lambda client: client.blpop(["nothing"], timeout=1))  # type: ignore[arg-type,return-value]
        assert isinstance(late, StoreAway)
        assert redis.away is None
        assert await write(redis) is True


async def test_a_server_that_is_not_there_at_the_start_does_not_hold_it(valkey: OwnValkey):
    valkey.kill()
    loops = BackgroundLoops()
    began = time.monotonic()
    with loops.collecting():
        async with opened_redis(address_of(valkey), timeout_seconds=1) as redis:
            assert time.monotonic() - began < 2
            assert isinstance(await read(redis), StoreAway)
            async with asyncio.timeout(5):
                while not loops.failing:
                    await asyncio.sleep(0.01)
            valkey.start()
            await until_back(redis)
            async with asyncio.timeout(5):
                while loops.failing:
                    await asyncio.sleep(0.01)


@pytest.fixture
def guarded_valkey() -> Iterator[OwnValkey]:
    server = OwnValkey("--requirepass", "right-word")
    server.start()
    yield server
    server.kill()


async def test_a_wrong_password_is_away_and_said_nowhere(guarded_valkey: OwnValkey):
    async with opened_redis(address_of(guarded_valkey, ":hidden-word@"), timeout_seconds=1) as redis:
        away = await read(redis)
        assert isinstance(away, StoreAway)
        assert "hidden-word" not in str(away)
    async with opened_redis(address_of(guarded_valkey, ":right-word@"), timeout_seconds=1) as redis:
        assert await write(redis) is True


async def test_more_commands_at_once_than_connections_wait_their_turn(valkey: OwnValkey):
    async with opened_redis(address_of(valkey), timeout_seconds=2, connections=2) as redis:
        assert await asyncio.gather(*(write(redis, str(number)) for number in range(50))) == [True] * 50
