"""What the user types, line by line, from a terminal, a pipe or a file."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator


async def lines(descriptor: int) -> AsyncIterator[str]:
    """The lines of a file descriptor, without their ends, until it ends.

    Read by a thread of its own with plain `os.read`: an event loop cannot wait for a regular file, and a thread
    that waits inside `sys.stdin` makes the interpreter fail when it shuts down.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        while chunk := _read(descriptor):
            *whole, rest = (rest + decoder.decode(chunk)).split("\n")
            for line in whole:
                _hand_over(loop, queue, line.rstrip("\r"))
        for end in ([rest] if rest else []) + [None]:
            _hand_over(loop, queue, end)

    threading.Thread(target=read, name="terminal input", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the terminal is gone
        return b""


def _hand_over(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[str | None], line: str | None) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(queue.put_nowait, line)
