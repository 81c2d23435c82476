"""`make up`: the whole suite on this machine, in the foreground, without Docker and without a key.

Starts the four services on loopback, waits until they are ready, asks one question as proof, prints where
everything is, and stops everything on Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values
from service_kit.auth.keys import key_and_roles
from service_kit.settings import ServiceSettings, load

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
GRACE_SECONDS = 15.0
QUESTION = "Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas"

_COLORS = ("\x1b[36m", "\x1b[35m", "\x1b[32m", "\x1b[33m", "\x1b[34m")
_RESET = "\x1b[0m"
_CREDENTIAL = re.compile(r"^AWS_|_API_KEY(_FILE)?$|^AZURE_")
_OF_THE_SUITE = {"LLM_GATEWAY_API_KEY", "TOOLBOX_API_KEY", "ADMIN_API_KEY"}
_PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """The suite cannot run; the message says what to do about it."""


@dataclass(frozen=True)
class Service:
    """One child process: `variable` names the variable that its port comes from."""

    name: str
    command: tuple[str, ...]
    port: int
    variable: str
    environment: Mapping[str, str]
    ready_path: str = "/readyz"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def plan(environ: Mapping[str, str]) -> list[Service]:
    """The services as the environment wants them, in the order in which they depend on one another.

    Raises:
        CannotStart: a port variable is not a port, or two of them are the same.
    """
    gateway, toolbox = _port(environ, "PORT", 8003), _port(environ, "TOOLBOX_PORT", 8000)
    http, ws = _port(environ, "AGENT_HTTP_PORT", 8001), _port(environ, "AGENT_WS_PORT", 8002)
    common = {
        **environ,
        "HOST": "127.0.0.1",
        "LOG_FORMAT": environ.get("LOG_FORMAT") or "text",
        "CORS_ALLOWED_ORIGINS": environ.get("CORS_ALLOWED_ORIGINS")
        or f"http://localhost:{ws},http://127.0.0.1:{ws},http://[::1]:{ws}",
        "PYTHONUNBUFFERED": "1",
    }
    # The gateway is the only holder of credentials: the others never see a provider's key.
    keyless = {n: v for n, v in common.items() if not _CREDENTIAL.search(n) or n.removesuffix("_FILE") in _OF_THE_SUITE}
    agents = {
        **keyless,
        "LLM_GATEWAY_URL": f"http://127.0.0.1:{gateway}",
        "MCP_SERVER_URL": f"http://127.0.0.1:{toolbox}",
    }
    toolboxs = {**keyless, "LLM_GATEWAY_URL": agents["LLM_GATEWAY_URL"]}  # for its memory
    model = _local_model(keyless)
    if model is not None:
        common["LOCAL_MODEL_URL"] = f"{model.url}/v1"
    services = [
        _service("llm-gateway", "llm_gateway", gateway, "PORT", common),
        _service("mcp-toolbox", "mcp_toolbox", toolbox, "TOOLBOX_PORT", toolboxs),
        _service("agent-http", "agent_http", http, "AGENT_HTTP_PORT", agents),
        _service("agent-websocket", "agent_websocket", ws, "AGENT_WS_PORT", agents),
    ]
    return _on_ports_of_their_own([model, *services] if model else services)


def _on_ports_of_their_own(services: list[Service]) -> list[Service]:
    first: dict[int, Service] = {}
    for service in services:
        other = first.setdefault(service.port, service)
        if other is not service:
            both = f"{other.name} ({other.variable}) and {service.name} ({service.variable})"
            raise CannotStart(f"port {service.port} is given to {both}")
    return services


def _local_model(environ: Mapping[str, str]) -> Service | None:
    """The server of LOCAL_MODEL_PATH, unless LOCAL_MODEL_URL says that one runs already."""
    path = environ.get("LOCAL_MODEL_PATH")
    if not path or environ.get("LOCAL_MODEL_URL"):
        return None
    port = _port(environ, "LOCAL_MODEL_PORT", 8004)
    script = str(ROOT / "scripts" / "local_model.py")
    command = (sys.executable, script, "--serve", path, "--port", str(port))
    return Service("local-model", command, port, "LOCAL_MODEL_PORT", environ, ready_path="/health")


def _service(name: str, module: str, port: int, variable: str, environment: Mapping[str, str]) -> Service:
    return Service(name, (sys.executable, "-m", module), port, variable, {**environment, "PORT": str(port)})


def _port(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, "").strip() or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotStart(f"{variable}: '{text}' is not a port number")
    return int(text)


def check_ports(services: Sequence[Service]) -> None:
    """Every port must be free.

    Raises:
        CannotStart: names each port that is taken, and the variable that moves it.
    """
    taken = [service for service in services if not _is_free(service.port)]
    if taken:
        lines = [f"  port {s.port} ({s.name}) is taken: stop what uses it, or set {s.variable}" for s in taken]
        raise CannotStart("\n".join(["The suite cannot start:", *lines]))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Suite:
    """The running children."""

    def __init__(self, services: Sequence[Service], *, colored: bool) -> None:
        self._services = services
        self._colored = colored
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[object]] = []
        self._width = max(len(service.name) for service in services)

    async def start(self) -> None:
        for number, service in enumerate(self._services):
            child = await asyncio.create_subprocess_exec(
                *service.command,
                env=dict(service.environment),
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the children in order
                preexec_fn=_die_with_parent,
            )
            self._children[service.name] = child
            self._tasks.append(asyncio.create_task(self._relay(service.name, child, _COLORS[number % len(_COLORS)])))

    async def _relay(self, name: str, child: asyncio.subprocess.Process, color: str) -> None:
        assert child.stdout is not None
        label = f"{name:<{self._width}} │ "
        prefix = f"{color}{label}{_RESET}" if self._colored else label
        while line := await child.stdout.readline():
            say(prefix + line.decode("utf-8", "replace").rstrip())

    async def wait_until_ready(self) -> None:
        """Until every service says that it is ready.

        Raises:
            CannotStart: one of them ended, or was not ready in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        for service in self._services:
            while not await asyncio.to_thread(_answers, f"{service.url}{service.ready_path}"):
                if self._children[service.name].returncode is not None:
                    raise CannotStart(f"{service.name} ended before it was ready; its last lines are above")
                if time.monotonic() > deadline:
                    raise CannotStart(f"{service.name} was not ready within {READY_SECONDS:.0f} s")
                await asyncio.sleep(0.05)

    async def wait_for_the_first_to_end(self) -> str:
        """The name of the first service that ends by itself."""
        waits = {asyncio.create_task(child.wait()): name for name, child in self._children.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for wait in waits:
                wait.cancel()

    async def stop(self) -> None:
        """SIGTERM in reverse order of starting; SIGKILL for what is still there after the grace period."""
        for child in reversed(self._children.values()):
            if child.returncode is None:
                child.terminate()
        waits = [asyncio.create_task(child.wait()) for child in self._children.values()]
        if waits:
            await asyncio.wait(waits, timeout=GRACE_SECONDS)
        for child in self._children.values():
            if child.returncode is None:
                child.kill()
                await child.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _die_with_parent() -> None:
    """On Linux, have the kernel stop the child when we are killed without a chance to stop it ourselves."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def ask(url: str, key: str | None) -> str:
    """The proof: one real question through agent, gateway and toolbox; says how it was answered.

    Raises:
        CannotStart: there was no answer.
    """
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"{url}/process", json.dumps({"input": QUESTION}).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise CannotStart(
            f"the first question failed: {error.code} {error.read().decode('utf-8', 'replace')}"
        ) from error
    except (urllib.error.URLError, OSError) as error:
        raise CannotStart(f"the first question failed: {error}") from error
    tools = [tool for step in answer["steps"] if step["node"] == "tool_execution" for tool in step["tools"]]
    calls = "; ".join(f"{tool['name']}({_arguments(tool['args'])}) → {tool['result']}" for tool in tools)
    stand_in = f", in place of {answer['fallback_from']}" if answer.get("fallback_from") else ""
    lines = [f"  › {QUESTION}", f"  {calls}", f"  ‹ {answer['result']}"]
    return "\n".join([*lines, f"  ({answer['model']}{stand_in}, {answer['latency_ms']:.0f} ms)"])


def _arguments(args: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in args.items())


def welcome(services: Sequence[Service], proof: str, seconds: float) -> str:
    """What a person sees when everything runs."""
    url = {service.name: service.url for service in services}
    return f"""
The suite is up ({seconds:.1f} s). Its first answer:
{proof}

  Chat page     {url["agent-websocket"]}/
  HTTP agent    {url["agent-http"]}/docs
  LLM gateway   {url["llm-gateway"]}/docs
  MCP toolbox   {url["mcp-toolbox"]}/mcp   (REST: {url["mcp-toolbox"]}/docs)

Try:
  curl -X POST {url["agent-http"]}/process -H 'Content-Type: application/json' -d '{{"input": "suma 10 y 5"}}'
  curl {url["llm-gateway"]}/mcp/llm/list
  make chat

Without a provider's key the embedded planner answers; it is not a language model, and says so.
Put a key into .env (see .env.example), or run `make local-model`. Ctrl-C stops everything.
"""


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a terminal program


async def run(environ: Mapping[str, str]) -> int:
    """Run until a signal, or until a service ends by itself; the exit code."""
    started = time.monotonic()
    services = plan(environ)
    check_ports(services)
    suite = Suite(services, colored=sys.stdout.isatty())
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sig, stop.set)
    stopping = asyncio.create_task(stop.wait())
    living = asyncio.create_task(_live(suite, services, environ, started))
    try:
        await asyncio.wait({stopping, living}, return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
            return 1
        say("\nStopping …")
        return 0
    finally:
        for task in (living, stopping):
            task.cancel()
            with suppress(asyncio.CancelledError, CannotStart):
                await task
        await suite.stop()
        say("Stopped.")


def _accepted_key(environ: Mapping[str, str]) -> str | None:
    """A key that the services take, None where none is set."""
    settings = load(ServiceSettings, environ)
    if settings.api_keys:
        return key_and_roles(settings.api_keys[0].get_secret_value())[0]
    return settings.admin_api_key.get_secret_value() if settings.admin_api_key else None


async def _live(suite: Suite, services: Sequence[Service], environ: Mapping[str, str], started: float) -> None:
    """From the start until a service ends by itself."""
    await suite.start()
    await suite.wait_until_ready()
    key = _accepted_key(environ)
    agent = next(service for service in services if service.name == "agent-http")
    proof = await asyncio.to_thread(ask, agent.url, key)
    say(welcome(services, proof, time.monotonic() - started))
    ended = await suite.wait_for_the_first_to_end()
    raise CannotStart(f"{ended} ended by itself; its last lines are above")


def environment() -> dict[str, str]:
    """The process's environment over `.env`; what a shell sets wins."""
    from_file = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    return {**from_file, **os.environ}


def main() -> int:
    try:
        return asyncio.run(run(environment()))
    except CannotStart as error:
        print(error, file=sys.stderr)  # noqa: T201 - a terminal program
        return 1


if __name__ == "__main__":
    sys.exit(main())
