"""Both levels with a real Valkey: two replicas, leases, invalidation, and a store that freezes, dies and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from llm_gateway.cache.kept import COMPRESS_FROM_BYTES, EVERYTHING, Kept, Labels, Selector
from llm_gateway.cache.lease import Lease
from llm_gateway.cache.levels import CacheLevels, SharedFound
from llm_gateway.cache.memory import MemoryCache
from llm_gateway.cache.redis import RedisCache
from redis import Redis
from service_kit.store.redis_address import RedisAddress

from tests.stores import OwnValkey, valkey

__all__ = ["valkey"]  # a fixture

KEY, OTHER = b"k" * 16, b"o" * 16
ONE, TWO = Labels("one", b"1" * 8), Labels("two", b"2" * 8)


def replica_of(server: OwnValkey, patience: float) -> CacheLevels:
    memory = MemoryCache(max_entries=100, max_bytes=10**7)
    return CacheLevels(memory, RedisCache(RedisAddress.parse(f"redis://127.0.0.1:{server.port}/0"), patience))


@asynccontextmanager
async def replicas(server: OwnValkey, count: int = 2, patience: float = 5.0) -> AsyncIterator[list[CacheLevels]]:
    """Replicas that wait for their store as long as a busy machine may take, each with its place among the
    announcements."""
    levels = [replica_of(server, patience) for _ in range(count)]
    async with AsyncExitStack() as stack:
        for level in levels:
            await stack.enter_async_context(level.running())
            await _following(level)
        yield levels


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(8):
        while not await condition():
            await asyncio.sleep(0.01)


async def found(levels: CacheLevels, key: bytes = KEY, patience: float = 5.0) -> bytes | None:
    """The shared entry; a lease that is taken on the way is given back. The store's few milliseconds may pass on a busy
    machine, so a store that is away now is asked again."""
    async with asyncio.timeout(8):
        while True:
            entry = await levels.find_shared(key, None, patience)
            if isinstance(entry, Lease):
                await levels.release(entry)
                return None
            if entry is not None:
                return entry.entry
            await asyncio.sleep(0.01)


async def leased(levels: CacheLevels, key: bytes = KEY) -> Lease:
    async with asyncio.timeout(8):
        while not isinstance(lease := await levels.find_shared(key, None, 0.0), Lease):
            await asyncio.sleep(0.01)
    return lease


@pytest.mark.parametrize("size", [10, COMPRESS_FROM_BYTES * 10])
async def test_what_one_replica_keeps_the_other_finds(valkey: OwnValkey, size: int):
    entry = bytes(range(256)) * (size // 256) + b"end"
    async with replicas(valkey) as (a, b):
        await a.keep(KEY, entry, 60, ONE)
        assert b.find(KEY) is None
        assert await found(b) == entry
        assert b.find(KEY) == entry, "the second look-up asks the process alone"
        assert b.stats()["redis"].hits == 1 and b.stats()["memory"].hits == 1
    if size > COMPRESS_FROM_BYTES:
        with Redis(port=valkey.port) as client:
            assert client.memory_usage(client.keys("cache:1:*")[0]) < len(entry) / 2


async def test_an_entry_lives_as_long_on_both_levels(valkey: OwnValkey):
    async with replicas(valkey) as (a, b):
        await a.keep(KEY, b"x", 0.5)
        assert await found(b) == b"x"
        await until(lambda: _gone(a, b))
        assert await found(b) is None


async def _gone(*levels: CacheLevels) -> bool:
    return all(level.find(KEY) is None for level in levels)


async def test_one_leads_and_the_others_wait_for_its_entry(valkey: OwnValkey):
    async with replicas(valkey, 3) as (a, b, c):
        lease = await leased(a)
        waiting = [asyncio.create_task(level.find_shared(KEY, None, 20.0)) for level in (b, c)]
        await asyncio.sleep(0)
        await a.keep(KEY, b"made once", 60)
        await a.release(lease)
        assert [await task for task in waiting] == [SharedFound(b"made once", True)] * 2


async def test_the_next_one_leads_when_the_leader_fails(valkey: OwnValkey):
    async with replicas(valkey) as (a, b):
        lease = await leased(a)
        waiting = asyncio.create_task(b.find_shared(KEY, None, 20.0))
        await asyncio.sleep(0)
        await a.release(lease)
        assert isinstance(await waiting, Lease)


async def test_a_leader_that_died_is_waited_for_only_so_long(valkey: OwnValkey):
    async with replicas(valkey) as (a, b):
        await leased(a)
        began = time.monotonic()
        assert await b.find_shared(KEY, None, 0.1) is None, "its patience ends before the lease"
        assert time.monotonic() - began < 4


async def test_a_lease_is_given_back_by_its_holder_alone(valkey: OwnValkey):
    async with replicas(valkey) as (a, b):
        lease = await leased(a)
        await b.release(lease)
        await b.release(Lease(KEY, "guessed"))
        assert await b.find_shared(KEY, None, 0.0) is None


async def test_a_limit_on_the_age_asks_anew(valkey: OwnValkey):
    async with replicas(valkey) as (a, b):
        await a.keep(KEY, b"x", 60)
        assert await found(b) == b"x"
        assert b.find(KEY, max_age=0.0) is None
        assert await b.find_shared(KEY, 0.0, 1.0) is None


@pytest.mark.parametrize(
    ("selector", "left"),
    [
        (EVERYTHING, set[bytes]()),
        (Selector(key=KEY), {OTHER}),
        (Selector(model="two"), {KEY}),
        (Selector(prompt=ONE.prompt), {OTHER}),
    ],
)
async def test_what_one_replica_removes_is_gone_in_all(valkey: OwnValkey, selector: Selector, left: set[bytes]):
    async with replicas(valkey) as (a, b):
        for key, labels in ((KEY, ONE), (OTHER, TWO)):
            await a.keep(key, key, 60, labels)
            assert await found(b, key) == key
        assert await a.remove(selector) == 2 - len(left)

        async def agreed() -> bool:
            return {key for key in (KEY, OTHER) if b.find(key)} == left

        await until(agreed)
        for key in (KEY, OTHER):
            assert (await found(b, key) is not None) == (key in left)
        assert a.invalidated == 2 - len(left)


async def _following(levels: CacheLevels) -> None:
    """Returns when the replica has its place among the announcements."""

    async def has_place() -> bool:
        return levels._invalidation._seen is not None  # pyright: ignore

    await until(has_place)


async def test_what_is_removed_while_the_store_is_away_does_not_come_back(valkey: OwnValkey):
    async with replicas(valkey, patience=0.1) as (a, b):
        await a.keep(KEY, b"wrong", 60, ONE)
        assert await found(b) == b"wrong"
        valkey.freeze()
        began = time.monotonic()
        assert await a.remove(Selector(model="one")) == 1
        assert time.monotonic() - began < 3
        assert a.find(KEY) is None
        valkey.thaw()
        await until(lambda: _gone(a, b))
        with Redis(port=valkey.port) as client:

            async def removed() -> bool:
                return not client.keys("cache:1:*")

            await until(removed)


async def test_a_replica_that_missed_announcements_forgets_everything(valkey: OwnValkey):
    async with replicas(valkey) as (a, b):
        await b.keep(KEY, b"x", 60)
        valkey.kill()  # and with it what others have announced meanwhile
        valkey.start()
        await until(lambda: _gone(b))
        await a.keep(OTHER, b"y", 60)

        async def shared_again() -> bool:
            await a.keep(OTHER, b"y", 60)
            return isinstance(await b.find_shared(OTHER, None, 0.0), SharedFound)

        await until(shared_again)


async def test_a_store_that_is_away_is_a_miss_at_once(valkey: OwnValkey):
    async with replicas(valkey, patience=0.01) as (a, _):
        valkey.freeze()

        async def away() -> bool:
            assert await a.find_shared(KEY, None, 20.0) is None
            return a.stats()["redis"].away is not None

        await until(away)
        began = time.monotonic()
        for _ in range(100):
            assert await a.find_shared(KEY, None, 20.0) is None
        assert time.monotonic() - began < 1
        await a.keep(KEY, b"x", 60)
        assert a.find(KEY) == b"x", "the process has it all the same"
        valkey.thaw()
        await until(lambda: _there(a))


async def _there(levels: CacheLevels) -> bool:
    await levels.find_shared(OTHER, None, 0.0)
    return levels.stats()["redis"].away is None


async def test_what_another_release_wrote_is_a_miss(valkey: OwnValkey):
    async with replicas(valkey, 1) as (a,):
        with Redis(port=valkey.port) as client:
            client.hset(f"cache:1:{KEY.hex()}", mapping={"kept": b"\xc1 no message", "model": "one", "prompt": b""})
        assert await a.find_shared(KEY, None, 1.0) is None
        broken = Kept(b"no frame", True, time.time(), 60, ONE)
        assert broken.entry() is None


async def test_a_user_that_may_not_run_scripts_has_the_first_level(valkey: OwnValkey):
    with Redis(port=valkey.port) as client:
        client.execute_command("ACL", "SETUSER", "default", "-@scripting")
    async with replicas(valkey, 1) as (a,):
        assert await a.find_shared(KEY, None, 5.0) is None
        await a.keep(KEY, b"x", 60)
        assert a.find(KEY) == b"x" and a.stats()["redis"].failures
