"""The health check, run as images run it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from service_kit.testing import running

from tests.service_kit.harness import small_service


async def _exit_code(*arguments: str, **environ: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service_kit.healthcheck", *arguments, env={"PATH": os.environ["PATH"], **environ}
    )
    return await process.wait()


async def test_ready_is_0_and_draining_1():
    app = small_service({})
    async with running(app) as url:
        port = url.rpartition(":")[2]
        assert await _exit_code(PORT=port) == 0
        assert await _exit_code(port, PORT="1") == 0
        app.state.lifecycle.drain()
        assert await _exit_code(PORT=port) == 1


async def test_nobody_there_is_1():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert await _exit_code(PORT=str(unused.getsockname()[1])) == 1
