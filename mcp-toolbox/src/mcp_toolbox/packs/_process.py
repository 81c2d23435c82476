"""Work that a hostile input can make endless, in a process of its own: it can be killed whatever it is doing."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class ProcessFailed(Exception):
    """The process ended with another code than 0; the text is for the log."""


async def output_of(module: str, *arguments: str, data: bytes, seconds: float) -> bytes:
    """Runs a module of this package without an environment, with `data` as its input, and returns its output. No
    process is left when this ends, however it ends.

    Raises:
        TimeoutError: it takes longer than `seconds`.
        ProcessFailed: it ended in another way than by itself and in order.
    """
    async with asyncio.timeout(seconds), _started(module, *arguments) as process:
        output, _ = await process.communicate(data)
    if process.returncode != 0:
        raise ProcessFailed(f"{module} ended with {process.returncode}")
    return output


@asynccontextmanager
async def _started(module: str, *arguments: str) -> AsyncIterator[Process]:
    printable = [argument.replace("\x00", "") for argument in arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", module, *printable, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended
                process.kill()
            await process.wait()
