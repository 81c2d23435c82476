"""A dependency that goes away and comes back: a clear error, and recovery without a restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.e2e.suite import ROOT, clean_environment
from tests.ports import free_ports

READY_SECONDS = 40.0


class Part:
    """One service as a process of its own, which can be killed and started again on its port."""

    def __init__(self, module: str, port: int, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._module = module
        self._environment = clean_environment(PORT=str(port), LOG_LEVEL="WARNING", **environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", self._module], env=self._environment, cwd=ROOT)
        _eventually(lambda: httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200)

    def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)


def _eventually(holds: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


class Parts:
    def __init__(self) -> None:
        gateway, toolbox, agent = free_ports(3)
        self.gateway = Part("llm_gateway", gateway)
        self.toolbox = Part("mcp_toolbox", toolbox)
        self.agent = Part(
            "agent_http",
            agent,
            LLM_GATEWAY_URL=self.gateway.url,
            MCP_SERVER_URL=self.toolbox.url,
            RUN_TIMEOUT_SECONDS="10",
        )

    def ask(self, question: str = "suma 10 y 5") -> httpx.Response:
        return httpx.post(f"{self.agent.url}/process", json={"input": question}, timeout=20)

    def health(self) -> dict[str, object]:
        return httpx.get(f"{self.agent.url}/health", timeout=10).json()


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    three = Parts()
    every = (three.gateway, three.toolbox, three.agent)
    try:
        for part in every:
            part.start()
        yield three
    finally:
        for part in reversed(every):
            part.stop()


def _error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


@pytest.mark.parametrize(
    ("name", "code", "sign"),
    [
        ("gateway", "llm_gateway_unavailable", "llm_gateway_connected"),
        ("toolbox", "toolbox_unavailable", "mcp_connected"),
    ],
)
def test_an_outage_is_a_503_and_ends_by_itself(parts: Parts, name: str, code: str, sign: str) -> None:
    _eventually(lambda: parts.ask().status_code == 200)
    part: Part = getattr(parts, name)
    part.kill()
    began = time.monotonic()
    response = parts.ask()
    assert _error(response) == (503, code)
    assert "retry-after" in response.headers
    assert time.monotonic() - began < 11
    # What it says of the gateway may be half a second old.
    _eventually(lambda: (parts.health()["status"], parts.health()[sign]) == ("degraded", False), 5)
    part.start()
    _eventually(lambda: parts.ask().status_code == 200)
    _eventually(lambda: parts.health()["status"] == "healthy")


def test_the_agent_starts_without_its_dependencies_and_finds_them_later() -> None:
    parts = Parts()
    try:
        parts.agent.start()
        assert parts.ask().status_code == 503
        assert parts.health()["status"] == "degraded"
        parts.toolbox.start()
        parts.gateway.start()
        _eventually(lambda: parts.ask().status_code == 200)
    finally:
        for part in (parts.agent, parts.gateway, parts.toolbox):
            part.stop()
