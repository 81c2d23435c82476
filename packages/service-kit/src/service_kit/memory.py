"""Gives memory that is free back to the system.

glibc keeps what a program has freed, so that a service which once held a few large answers looks as large for the rest
of its life: to whoever reads its resident size, and to a limit on it. What is free is given back some seconds later,
in a thread, and only when there is enough of it to matter.
"""

from __future__ import annotations

import asyncio
import ctypes
import mmap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from service_kit.background import Unavailable, supervised

EVERY_SECONDS = 10.0
WORTH_BYTES = 16 * 1024 * 1024
"""Less than this is not worth a look into every page."""
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = mmap.PAGESIZE


class _Statistics(ctypes.Structure):
    """glibc's `struct mallinfo2`, in bytes. Source: mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


class Allocator:
    """glibc's allocator."""

    def __init__(self, library: Any) -> None:
        self._trim = library.malloc_trim
        self._statistics = library.mallinfo2
        self._statistics.restype = _Statistics

    def free_bytes(self) -> int:
        """What the program has freed. What was given back to the system of it still counts."""
        return self._statistics().fordblks

    def trim(self) -> None:
        """Give back what is free, in whole pages."""
        self._trim(ctypes.c_size_t(0))


def find_allocator() -> Allocator | None:
    """The allocator, or None where it is another one than glibc's (2.33 or newer) on Linux."""
    if not _STATM.is_file():
        return None
    try:
        return Allocator(ctypes.CDLL(None))
    except (OSError, AttributeError):
        return None


def resident_bytes() -> int:
    """What of the process is in memory."""
    return int(_STATM.read_text().split()[1]) * _PAGE_BYTES


class MemoryReleaser:
    """Trims when `worth` bytes are free and as many may be gained: since the last time the process has grown by them,
    or so many more are free. The first alone would miss a load that ends after its memory was looked at, the second
    one that comes and goes between two looks, since what was given back still counts as free."""

    def __init__(self, allocator: Allocator, worth: int = WORTH_BYTES) -> None:
        self._allocator = allocator
        self._worth = worth
        self._free = allocator.free_bytes()
        self._resident = resident_bytes()

    async def turn(self) -> bool:
        """Look once; returns whether memory was given back."""
        free, resident = self._allocator.free_bytes(), resident_bytes()
        self._free, self._resident = min(self._free, free), min(self._resident, resident)
        if free < self._worth or max(free - self._free, resident - self._resident) < self._worth:
            return False
        await asyncio.to_thread(self._allocator.trim)  # up to some milliseconds, without the interpreter's lock
        self._free, self._resident = self._allocator.free_bytes(), resident_bytes()
        return True


@asynccontextmanager
async def releasing_memory(every_seconds: float = EVERY_SECONDS) -> AsyncIterator[None]:
    """Look every so often for the length of the block."""
    allocator = find_allocator()
    if allocator is None:
        yield
        return
    releaser = MemoryReleaser(allocator)

    async def turn() -> None:
        try:
            await releaser.turn()
        except RuntimeError as error:  # no thread could be started just now
            raise Unavailable(f"memory was not given back: {error}") from error

    async with supervised("memory", turn, every_seconds=every_seconds):
        yield
