"""The suite as `docker compose up --build -d` brings it, on ports of its own."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PROJECT = "agent-suite-test"
CANARY = "canary.of-the-builders-machine.invalid"
"""A name that only the build's settings have: it must be found in no image."""
BUILD_SECONDS = 900
READY_SECONDS = 180


def run(*command: str, timeout: float = 60, env: dict[str, str] | None = None) -> str:
    """Output of a command; raises AssertionError with everything that it said when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, (
        f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )
    return done.stdout


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Suite:
    """The four services in containers; a service is named as in docker-compose.yml."""

    SERVICES = ("llm-gateway", "toolbox", "agent-http", "agent-websocket")
    IMAGES = ("llm-gateway", "mcp-toolbox", "agent-http", "agent-websocket")
    _HOST_PORTS = ("PORT", "TOOLBOX_PORT", "AGENT_HTTP_PORT", "AGENT_WS_PORT", "METRICS_PORT", "GRPC_PORT")

    def __init__(self) -> None:
        self._ports = dict(zip(self._HOST_PORTS, free_ports(len(self._HOST_PORTS)), strict=True))
        # Only what finds Docker: no key of whoever runs the tests comes in.
        passed = {
            name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG") if name in os.environ
        }
        # pip asks nobody at a host for trusting it.
        self._env = passed | {name: str(port) for name, port in self._ports.items()} | {"PIP_TRUSTED_HOST": CANARY}

    def compose(self, *arguments: str, timeout: float = READY_SECONDS) -> str:
        files = ("-f", "docker-compose.yml", "-f", "tests/images/compose.test.yaml")
        return run(
            "scripts/docker-engine",
            "run",
            "docker",
            "compose",
            "--env-file",
            "/dev/null",
            "-p",
            PROJECT,
            *files,
            *arguments,
            timeout=timeout,
            env=self._env,
        )

    def up(self) -> None:
        self.compose("up", "--build", "-d", "--wait", "--wait-timeout", str(READY_SECONDS), timeout=BUILD_SECONDS)

    def url(self, service: str) -> str:
        return f"http://localhost:{self._ports[self._HOST_PORTS[self.SERVICES.index(service)]]}"

    @property
    def metrics_url(self) -> str:
        return f"http://localhost:{self._ports['METRICS_PORT']}"

    def inspect(self, service: str) -> dict[str, Any]:
        (container,) = json.loads(run("docker", "inspect", self.container(service)))
        return container

    def container(self, service: str) -> str:
        return f"{PROJECT}-{service}-1"

    def sh(self, service: str, command: str) -> str:
        return run("docker", "exec", self.container(service), "sh", "-c", command)

    def wait_healthy(self, service: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while (state := self.inspect(service)["State"])["Status"] != "running" or state["Health"][
            "Status"
        ] != "healthy":
            assert time.monotonic() < deadline, f"{service} is not healthy again: {state}"
            time.sleep(0.5)

    def crash(self, service: str) -> None:
        """SIGKILL to the service's process, from outside its container: `docker kill` would count as a wish to stop."""
        pid = self.inspect(service)["State"]["Pid"]
        kill = f"import os; os.kill({pid}, 9)"
        run("docker", "run", "--rm", "--pid=host", "--network=none", "python:3.11-slim", "python", "-c", kill)

    def ask(self, question: str, timeout: float = 30, **more: str) -> httpx.Response:
        return httpx.post(f"{self.url('agent-http')}/process", json={"input": question, **more}, timeout=timeout)


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    run("docker", "version")  # make test-images brings an engine: scripts/docker-engine up
    suite = Suite()
    try:
        suite.up()
        yield suite
    finally:
        suite.compose("down", "--volumes")


@pytest.fixture(params=Suite.SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return request.param


class Image:
    """One of the images that the suite was built into; `folder` is where its Dockerfile stands."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.name = f"agent-suite/{folder}:0.1.0"

    def history(self) -> str:
        """Every command that made it, in full."""
        return run("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", self.name)

    def save(self, file: Path) -> None:
        """Write all its layers and its configuration into `file`."""
        run("docker", "save", "--output", str(file), self.name, timeout=300)

    def inspect(self) -> dict[str, Any]:
        (image,) = json.loads(run("docker", "image", "inspect", self.name))
        return image

    def python(self, code: str) -> str:
        """Output of `code`, run in a container of this image as the image's user."""
        return run("docker", "run", "--rm", "--network=none", self.name, "python", "-c", code)

    def start(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the image as it is, until it ends by itself."""
        variables = [argument for pair in environment.items() for argument in ("-e", "=".join(pair))]
        command = ["docker", "run", "--rm", "--network=none", *variables, self.name]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(params=Suite.IMAGES)
def image(request: pytest.FixtureRequest, suite: Suite) -> Image:
    return Image(request.param)


@pytest.fixture(scope="session")
def base_bytes(suite: Suite) -> int:
    """Size of what the images start from."""
    (base,) = json.loads(run("docker", "image", "inspect", "python:3.11-slim"))
    return base["Size"]
