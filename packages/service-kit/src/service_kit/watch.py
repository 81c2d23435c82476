"""Files that may change while a service runs, polled at an interval.

Polling is the one way that works for every file that a service is given: edited in place, replaced by a rename, mounted
from the host, or a Kubernetes ConfigMap, whose files are links that are all switched at once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from service_kit.background import supervised

POLL_SECONDS = 1.0
SETTLE_SECONDS = 0.1
_LONGEST_SETTLING_SECONDS = 5.0

Changed = Callable[[], Awaitable[None]]

Stamp = tuple[object, ...] | None
"""A value that differs between two states of a file or folder; None for one that does not exist."""


class FileWatch:
    """Watches a file or folder for changes since it was last read. It must be created before the first read, so that no
    change in between is missed.

    Links are followed. Of a folder, the files directly in it count whose names do not begin with a dot.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._taken = stamp_of(path)

    def take_up(self) -> bool:
        """Returns whether the file has changed since the last call or, before that, since the watch was created. Its
        present state counts as known from now on."""
        before, self._taken = self._taken, stamp_of(self.path)
        return self._taken != before

    @asynccontextmanager
    async def running(
        self, name: str, changed: Changed, poll_seconds: float = POLL_SECONDS, settle_seconds: float = SETTLE_SECONDS
    ) -> AsyncIterator[None]:
        """Awaits `changed` after every change until the block ends. It first waits until the file has stayed the same
        for `settle_seconds`, so that a file that is still being written is not read.

        A file that keeps changing is reported after five seconds all the same. If `changed` raises, the loop `name` is
        failing, and `changed` is called again.
        """

        async def turn() -> None:
            stamp = await asyncio.to_thread(stamp_of, self.path)
            if stamp == self._taken:
                return
            stamp = await self._settled(stamp, settle_seconds)
            if stamp != self._taken:
                await changed()
                self._taken = stamp

        async with supervised(name, turn, every_seconds=poll_seconds):
            yield

    async def _settled(self, stamp: Stamp, settle_seconds: float) -> Stamp:
        until = asyncio.get_running_loop().time() + _LONGEST_SETTLING_SECONDS
        while True:
            await asyncio.sleep(settle_seconds)
            before, stamp = stamp, await asyncio.to_thread(stamp_of, self.path)
            if stamp == before or asyncio.get_running_loop().time() > until:
                return stamp


def stamp_of(path: Path) -> Stamp:
    """Returns the state of `path`, following links; None also for a path that may not be read."""
    try:
        if not path.is_dir():
            return _stamp(path.stat())
        entries = [entry for entry in os.scandir(path) if not entry.name.startswith(".")]
        return tuple((entry.name, *(_stamp(Path(entry).stat()))) for entry in sorted(entries, key=lambda e: e.name))
    except OSError:
        return None


def _stamp(stat: os.stat_result) -> tuple[object, ...]:
    # Both ctime and mtime: programs such as `cp -p` and `tar` set mtime to an old value.
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev)
