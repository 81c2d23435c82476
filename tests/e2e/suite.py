"""The real suite as `make up` starts it, on ports of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
PORT_VARIABLES = ("PORT", "TOOLBOX_PORT", "AGENT_HTTP_PORT", "AGENT_WS_PORT")
READY_SECONDS = 60.0


def clean_environment(**more: str) -> dict[str, str]:
    """What a fresh machine's shell has, and `more`."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {**kept, **more}


class UpProcess:
    """`scripts/up.py` as a child, its output read as it comes."""

    def __init__(self, environment: Mapping[str, str], ports: list[int], python: str = sys.executable) -> None:
        self.gateway, self.toolbox, self.http, self.ws = (f"http://127.0.0.1:{port}" for port in ports)
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            [python, str(ROOT / "scripts" / "up.py")],
            env=dict(environment),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def wait_until_up(self) -> float:
        """Seconds until the welcome was printed."""
        return self.wait_for("Ctrl-C stops everything") - self.started_at

    def wait_for(self, text: str, seconds: float = READY_SECONDS) -> float:
        """When `text` was seen in the output; fails when the process ends or time passes without it."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            ended = self.process.poll() is not None
            if ended:
                self._reader.join()
            if (ended or time.monotonic() > deadline) and text not in self.output:
                raise AssertionError(f"no {text!r} in the output:\n{self.output}")
            time.sleep(0.02)
        return time.monotonic()

    def children(self) -> dict[str, int]:
        """The process ids of the services, by their module."""
        found = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
                command = status.with_name("cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            parent = re.search(r"^PPid:\s+(\d+)", text, re.MULTILINE)
            if parent and int(parent[1]) == self.process.pid and len(command) > 2:
                found[command[2].decode()] = int(status.parent.name)
        return found

    def end(self, sig: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """Send `sig` and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code


@contextmanager
def starting(python: str = sys.executable, **more: str) -> Iterator[UpProcess]:
    """`make up` on free ports with `more` in its environment; ended with the block. `python` is the environment's."""
    ports = free_ports(len(PORT_VARIABLES))
    named = dict(zip(PORT_VARIABLES, map(str, ports), strict=True))
    up = UpProcess(clean_environment(**named, **more), ports, python)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.end()


def is_running(pid: int) -> bool:
    """Whether a process lives (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
