"""One client without a key against each of the four services: others do not notice, memory stays, the log says it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from mcp_toolbox.server.sessions import PER_PRINCIPAL

from tests.ports import free_port
from tests.service_kit.hostile import connected, everything, resident_megabytes, send_all
from tests.service_kit.others import unnoticed_by_others

DESCRIPTORS = 256
MEMORY_MB = 200
"""Of the process, all its life: an attack shows in it even when it is over."""

MODULES = {
    "llm_gateway": "/mcp/llm/generate",
    "mcp_toolbox": "/mcp/tools/call",
    "agent_http": "/process",
    "agent_websocket": "/nowhere",
}


class Running:
    def __init__(self, port: int, pid: int, log: Path) -> None:
        self.port, self.pid, self._log = port, pid, log
        self.url = f"http://127.0.0.1:{port}"

    def refused(self, *reasons: str, seconds: float = 5.0) -> int:
        """How many lines say that it refused for one of `reasons`, once there is one."""
        deadline = time.monotonic() + seconds
        while True:
            lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
            found = [line for line in lines if line["message"] == "refused" and line["reason"] in reasons]
            if found or time.monotonic() > deadline:
                return len(found)
            time.sleep(0.05)

    def refused_bodies(self) -> int:
        """How many requests the log says were refused for their body, or for what they asked of it."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        answered = [line for line in lines if line.get("method") == "POST" and line["status"] in (404, 413)]
        return len(answered) + self.refused("too_many_bytes_in_flight", seconds=0 if answered else 5)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Asserts that others are answered as usual for the length of the block, and memory is as it should be."""
        with unnoticed_by_others(self.port):
            yield
        assert resident_megabytes(self.pid) < MEMORY_MB


def _few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


@contextmanager
def service(module: str, folder: Path, **environ: str) -> Iterator[Running]:
    port = free_port()
    log = folder / f"{module}.log"
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PORT": str(port), "LOG_FORMAT": "json", **environ}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=environ, cwd=folder, stdout=output, stderr=subprocess.STDOUT,
            preexec_fn=_few_descriptors,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            yield Running(port, process.pid, log)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module", params=MODULES)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Running]]:
    with service(request.param, tmp_path_factory.mktemp("hostile")) as running:
        yield MODULES[request.param], running


def _pieces(whole: bytes) -> Iterator[bytes]:
    return (whole[start : start + 65536] for start in range(0, len(whole), 65536))


@pytest.mark.parametrize("head", [b"A:\r\n" * 5_000_000, b"X-Endless: " + b"a" * 20_000_000], ids=["many", "endless"])
def test_a_head_of_20_megabytes(target: tuple[str, Running], head: bytes):
    _, running = target
    whole = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + head
    with running.holding():
        for _ in range(5):
            with connected(running.port) as one:
                assert send_all(one, _pieces(whole)) < 10_000_000
                everything(one)
    assert running.refused("head_too_large")


def test_300_requests_that_are_half_sent(target: tuple[str, Running]):
    _, running = target
    with running.holding(), ExitStack() as stack:
        for _ in range(300):
            send_all(stack.enter_context(connected(running.port)), [b"GET / HTTP/1.1\r\nHost: local"])
        # While they are open: a connection that was closed before it was accepted would need nobody to give way.
        assert 0 < running.refused("gave_way") < 30


def test_24_bodies_that_are_never_finished(target: tuple[str, Running]):
    path, running = target
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with running.holding(), ExitStack() as stack:
        for _ in range(24):
            one = stack.enter_context(connected(running.port))
            one.settimeout(0.5)
            send_all(one, [f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), b"1218c00\r\n"])  # 19 MB
            send_all(one, _pieces(b" " * 18_900_000))
    assert running.refused_bodies()


def test_4000_sessions_of_the_toolbox(tmp_path: Path):
    opening = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a" * 1000, "version": "1"},
        },
    }  # fmt: skip
    accept = {"accept": "application/json, text/event-stream"}
    with service("mcp_toolbox", tmp_path) as running, httpx.Client(base_url=running.url, timeout=30) as http:

        def open_sessions(count: int) -> float:
            for _ in range(count):
                assert http.post("/mcp", json=opening, headers=accept).status_code == 200
            return resident_megabytes(running.pid)

        with running.holding():
            full = open_sessions(2 * PER_PRINCIPAL)
            assert open_sessions(4000 - 2 * PER_PRINCIPAL) < full + 10  # 27 more if what has ended stayed
        assert 0 < running.refused("session_gave_way") < 200
