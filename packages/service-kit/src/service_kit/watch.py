"""Files that may change while a service runs, looked at now and then.

Polling, because it is the one way that works for every file that a service is given: edited in place, replaced by a
rename, mounted from the host, or a Kubernetes ConfigMap, whose files are links that are swung round as one.
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
"""What tells one state of a file, or of a folder's files, from another; None for one that is not there."""


class FileWatch:
    """A file or folder, as it was when it was last taken up; made before it is read for the first time, so that no
    change in between is missed.

    Whatever lies behind a link counts. Of a folder, the files directly in it whose names do not begin with a dot.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._taken = stamp_of(path)

    def take_up(self) -> bool:
        """Whether it has changed since it was last taken up; it counts as taken up from now on."""
        before, self._taken = self._taken, stamp_of(self.path)
        return self._taken != before

    @asynccontextmanager
    async def running(
        self, name: str, changed: Changed, poll_seconds: float = POLL_SECONDS, settle_seconds: float = SETTLE_SECONDS
    ) -> AsyncIterator[None]:
        """Until the block ends, await `changed` after every change, once the file has stayed the same for
        `settle_seconds`, so that one that is still being written is not read.

        A file that goes on changing is told of after five seconds all the same. When `changed` raises, the loop `name`
        is failing, and it is called again.
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
    """The state of `path`, whatever links lead to it; None also for what may not be read."""
    try:
        if not path.is_dir():
            return _stamp(path.stat())
        entries = [entry for entry in os.scandir(path) if not entry.name.startswith(".")]
        return tuple((entry.name, *(_stamp(Path(entry).stat()))) for entry in sorted(entries, key=lambda e: e.name))
    except OSError:
        return None


def _stamp(stat: os.stat_result) -> tuple[object, ...]:
    # The time of change as well as that of modification: the latter may be set, as by `cp -p` and `tar`.
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev)
