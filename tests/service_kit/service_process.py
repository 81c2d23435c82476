"""A service as a process of its own, for what only a process can show: signals, exit codes, one worker.

`python tests/service_kit/service_process.py` is that process; `ServiceProcess` starts and watches it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
from service_kit.service import create_service, run_main, serve
from service_kit.settings import ServiceSettings, load


class ServiceProcess:
    """The running child; `url` where it answers, its standard output and error in `output`."""

    def __init__(self, port: int, environ: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
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


def main() -> int:
    settings = load(ServiceSettings, os.environ)
    app = create_service(name="small", title="Small", settings=settings)

    @app.get("/slow")
    async def slow(seconds: float) -> dict[str, bool]:
        await asyncio.sleep(seconds)
        return {"finished": True}

    @app.get("/pid")
    async def pid() -> int:
        return os.getpid()

    return serve(app, settings)


if __name__ == "__main__":
    sys.exit(run_main(main))
