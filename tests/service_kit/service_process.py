"""A service in its own process, for tests of signals, exit codes and workers.

`python tests/service_kit/service_process.py` is that process; `ServiceProcess` starts and watches it.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

import httpx
from fastapi import Request, WebSocket
from service_kit.edge.limits import ConnectionLimits
from service_kit.service import create_service, run_main, serve
from service_kit.settings import ServiceSettings, load
from starlette.responses import StreamingResponse


class ServiceProcess:
    """The running child; `url` where it answers, its standard output and error in `output`."""

    def __init__(self, port: int, environ: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        own = {"PATH": os.environ["PATH"], "PORT": str(port), "LOG_FORMAT": "json", **environ}
        self.process = subprocess.Popen(
            [sys.executable, __file__], env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def lines(self, message: str) -> list[dict[str, Any]]:
        """The log's lines with this message so far."""
        found = [json.loads(line) for line in list(self._lines) if line.startswith("{")]
        return [line for line in found if line["message"] == message]

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)

    def wait(self, seconds: float = 30.0) -> int:
        """The exit code, with all output read."""
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code


@contextmanager
def process(port: int, **environ: str) -> Iterator[ServiceProcess]:
    one = ServiceProcess(port, environ)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
        one.wait()


def limits_of(environ: Mapping[str, str]) -> ConnectionLimits:
    """The usual limits, but for those that a variable names: `head_seconds=0.5`."""
    given = {field.name: environ[field.name] for field in fields(ConnectionLimits) if field.name in environ}
    whole = {"max_connections", "head_fields", "head_bytes"}
    return replace(
        ConnectionLimits(), **{name: int(value) if name in whole else float(value) for name, value in given.items()}
    )


def main() -> int:
    descriptors = int(os.environ.get("DESCRIPTORS", "1024"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    settings = load(ServiceSettings, os.environ)
    app = create_service(name="small", title="Small", settings=settings)
    working = 0

    @app.get("/slow")
    async def slow(seconds: float) -> dict[str, bool]:
        nonlocal working
        working += 1
        await asyncio.sleep(seconds)
        return {"finished": True}

    @app.get("/working")
    async def count() -> int:
        """How often /slow was asked."""
        return working

    @app.get("/pid")
    async def pid() -> int:
        return os.getpid()

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        return StreamingResponse(_endless())

    @app.get("/broken")
    async def broken(after: float) -> StreamingResponse:
        return StreamingResponse(_broken(after))

    @app.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    @app.websocket("/ws/echo")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    return serve(app, settings, limits_of(os.environ))


async def _broken(after: float) -> AsyncIterator[bytes]:
    yield b"begun"
    await asyncio.sleep(after)
    raise ZeroDivisionError


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65536
        await asyncio.sleep(0)


if __name__ == "__main__":
    sys.exit(run_main(main))
