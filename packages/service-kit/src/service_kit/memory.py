"""A loop that returns free memory to the system.

glibc keeps the memory that a program frees, so a service that once held a few large answers would keep its size for the
rest of its life, both in its resident size and against a memory limit. The loop returns free memory every few seconds,
in a thread, if there is enough of it to matter.
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
"""Less than this is not worth walking every page of the heap."""
_STATM = Path("/proc/self/statm")
_PAGE_BYTES = mmap.PAGESIZE


class _Statistics(ctypes.Structure):
    """glibc's `struct mallinfo2`; the sizes are in bytes. Source: mallinfo(3)."""

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
        """Returns the bytes that the program has freed, including those that were already returned to the system."""
        return self._statistics().fordblks

    def trim(self) -> None:
        """Returns free memory to the system, in whole pages."""
        self._trim(ctypes.c_size_t(0))


def find_allocator() -> Allocator | None:
    """Returns glibc's allocator, or None if the process does not use glibc 2.33 or newer on Linux."""
    if not _STATM.is_file():
        return None
    try:
        return Allocator(ctypes.CDLL(None))
    except (OSError, AttributeError):
        return None


def resident_bytes() -> int:
    """Returns the resident size of the process in bytes."""
    return int(_STATM.read_text().split()[1]) * _PAGE_BYTES


class MemoryReleaser:
    """Returns memory to the system when `worth` bytes are free and about as many can be gained.

    They can if, since the lowest values seen, the process has grown by `worth` bytes or that many more are free. Growth
    alone would miss a load that ends after its memory was measured. Free bytes alone would miss one that comes and goes
    between two measurements, because memory that was returned still counts as free.
    """

    def __init__(self, allocator: Allocator, worth: int = WORTH_BYTES) -> None:
        self._allocator = allocator
        self._worth = worth
        self._free = allocator.free_bytes()
        self._resident = resident_bytes()

    async def turn(self) -> bool:
        """Measures once, and returns whether memory was returned to the system."""
        free, resident = self._allocator.free_bytes(), resident_bytes()
        self._free, self._resident = min(self._free, free), min(self._resident, resident)
        if free < self._worth or max(free - self._free, resident - self._resident) < self._worth:
            return False
        await asyncio.to_thread(self._allocator.trim)  # takes some milliseconds, without holding the GIL
        self._free, self._resident = self._allocator.free_bytes(), resident_bytes()
        return True


@asynccontextmanager
async def releasing_memory(every_seconds: float = EVERY_SECONDS) -> AsyncIterator[None]:
    """Returns free memory to the system every `every_seconds` until the block ends. Does nothing without glibc."""
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
