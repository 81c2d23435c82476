from __future__ import annotations

import asyncio

import pytest
from service_kit.memory import MemoryReleaser, find_allocator, releasing_memory, resident_bytes

from tests.waiting import eventually

ALLOCATOR = find_allocator()
needs_glibc = pytest.mark.skipif(ALLOCATOR is None, reason="not glibc")


def scattered(megabytes: int) -> list[bytes]:
    """So much in small pieces, of which the ones kept hold the heap's end where it is."""
    pieces = [bytes(3000) for _ in range(megabytes * 333)]
    kept = pieces[::100]
    del pieces
    return kept


@needs_glibc
async def test_what_was_freed_is_given_back_once():
    assert ALLOCATOR is not None
    await asyncio.to_thread(ALLOCATOR.trim)
    releaser = MemoryReleaser(ALLOCATOR)
    assert not await releaser.turn()
    kept = scattered(100)
    before = resident_bytes()
    assert await releaser.turn()
    assert resident_bytes() < before - 50_000_000
    assert not await releaser.turn(), "nothing more has become free"
    kept += scattered(100)  # from what was free already
    assert await releaser.turn()


@needs_glibc
async def test_it_looks_by_itself_and_ends_with_its_block():
    async with releasing_memory(0.01):
        kept = scattered(100)
        before = resident_bytes()
        await eventually(lambda: resident_bytes() <= before - 50_000_000)
        assert [task.get_name() for task in asyncio.all_tasks()].count("memory") == 1
    assert all(task.get_name() != "memory" for task in asyncio.all_tasks())
    del kept
