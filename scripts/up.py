"""`make up`: the whole suite on this machine, in the foreground, without Docker and without a key.

Starts the four services on loopback, waits until they are ready, asks one question as proof, prints where
everything is, and stops everything on Ctrl-C or SIGTERM. A question that fails stops nothing: it says what to mend.
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

from agent_http.settings import HttpAgentSettings
from agent_websocket.settings import WebSocketAgentSettings
from dotenv import dotenv_values
from llm_gateway.settings import GatewaySettings
from mcp_toolbox.settings import ToolboxSettings
from service_kit.auth.keys import key_and_roles
from service_kit.settings import ServiceSettings, load, secret_variables
from service_kit.undumpable import close_to_other_processes

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
GRACE_SECONDS = 15.0
FIRST_ANSWER_SECONDS = 60.0
QUESTION = "Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas"

_COLORS = ("\x1b[36m", "\x1b[35m", "\x1b[32m", "\x1b[33m", "\x1b[34m")
_RESET = "\x1b[0m"
_PR_SET_PDEATHSIG = 1

_ANY_PROGRAMS = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV",
        "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR", "FORCE_COLOR",
    }
)  # fmt: skip
"""What any program may need of its environment, beside what begins with one of `_ANY_PROGRAMS_PREFIXES`."""
_ANY_PROGRAMS_PREFIXES = ("LC_", "PYTHON", "XDG_", "OMP_", "OPENBLAS_")
_MODEL_SERVER_PREFIXES = ("CUDA_", "GGML_", "LLAMA_")
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
_REFERENCE = re.compile(r"\$\{(?:env:)?(\w+)|\{env:(\w+)|\"bearer_token_env_var\"\s*:\s*\"(\w+)")


class CannotStart(Exception):
    """The suite cannot run; the message says what to do about it."""


class NotAnswered(Exception):
    """The first question failed though the services run; `code` is that of the error envelope, or empty."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


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
    gateway = _port(environ, "PORT" if environ.get("PORT", "").strip() else "HTTP_PORT", 8003)
    toolbox = _port(environ, "TOOLBOX_PORT", 8000)
    http, ws = _port(environ, "AGENT_HTTP_PORT", 8001), _port(environ, "AGENT_WS_PORT", 8002)
    common = {
        "HOST": "127.0.0.1",
        "LOG_FORMAT": environ.get("LOG_FORMAT") or "text",
        "CORS_ALLOWED_ORIGINS": environ.get("CORS_ALLOWED_ORIGINS")
        or f"http://localhost:{ws},http://127.0.0.1:{ws},http://[::1]:{ws}",
        "PYTHONUNBUFFERED": "1",
    }
    to_gateway = {"LLM_GATEWAY_URL": f"http://127.0.0.1:{gateway}"}  # the toolbox asks it for its memory's embeddings
    to_both = {**to_gateway, "MCP_SERVER_URL": f"http://127.0.0.1:{toolbox}"}
    model = _local_model(environ)
    to_model = {"LOCAL_MODEL_URL": f"{model.url}/v1"} if model else {}
    of_toolbox = {**_read_by(ToolboxSettings, environ), **_toolboxs_own(environ), **common, **to_gateway}
    services = [
        _service("llm-gateway", "llm_gateway", gateway, "PORT", {**_gateways(environ), **common, **to_model}),
        _service("mcp-toolbox", "mcp_toolbox", toolbox, "TOOLBOX_PORT", of_toolbox),
        _service(
            "agent-http", "agent_http", http, "AGENT_HTTP_PORT",
            {**_read_by(HttpAgentSettings, environ), **common, **to_both},
        ),
        _service(
            "agent-websocket", "agent_websocket", ws, "AGENT_WS_PORT",
            {**_read_by(WebSocketAgentSettings, environ), **common, **to_both},
        ),
    ]  # fmt: skip
    return _on_ports_of_their_own([model, *services] if model else services)


# --- which variables a service gets: secrets go to those alone that use them ---


def _read_by(settings: type[ServiceSettings], environ: Mapping[str, str]) -> dict[str, str]:
    """What a service reads, and what any program may need."""
    names = _names_of(settings)
    return {name: value for name, value in environ.items() if name in names or _is_any_programs(name)}


def _names_of(settings: type[ServiceSettings]) -> set[str]:
    """The variables of `settings`, and for each secret the one that names its file."""
    names = {str(field.alias) for field in settings.model_fields.values()}
    return names | {f"{name}_FILE" for name in secret_variables(settings)}


def _is_any_programs(name: str) -> bool:
    return name in _ANY_PROGRAMS or name.startswith(_ANY_PROGRAMS_PREFIXES)


def _gateways(environ: Mapping[str, str]) -> dict[str, str]:
    """All but what is others' alone: a catalog may take a provider's key from a variable of any name."""
    others = set().union(*map(_names_of, (ToolboxSettings, HttpAgentSettings, WebSocketAgentSettings)))
    not_its = (others - _names_of(GatewaySettings)) | {"AGENT_API_KEY", "AGENT_API_KEY_FILE"}
    return {name: value for name, value in environ.items() if name not in not_its}


def _toolboxs_own(environ: Mapping[str, str]) -> dict[str, str]:
    """What the file of other MCP servers refers to as ${NAME}, and the way out to those that are elsewhere."""
    text = ""
    if file := environ.get("MCP_SERVERS_FILE"):
        with suppress(OSError):  # the toolbox says what is wrong with it
            text = Path(file).expanduser().read_text("utf-8", "replace")
    names = (
        {name for found in _REFERENCE.findall(text) for name in found if name}
        | _PROXIES
        | {name.lower() for name in _PROXIES}
    )
    return {name: environ[name] for name in names & environ.keys()}


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
    own = {n: v for n, v in environ.items() if _is_any_programs(n) or n.startswith(_MODEL_SERVER_PREFIXES)}
    return Service("local-model", command, port, "LOCAL_MODEL_PORT", own, ready_path="/health")


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
        NotAnswered: there was no answer.
    """
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"{url}/process", json.dumps({"input": QUESTION}).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=FIRST_ANSWER_SECONDS) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise _refused(error.code, error.read()) from error
    except TimeoutError as error:
        raise NotAnswered(f"there was no answer within {FIRST_ANSWER_SECONDS:.0f} s", "upstream_timeout") from error
    except (OSError, ValueError) as error:  # the agent is not there, or what answers is no JSON
        raise NotAnswered(str(error)) from error
    tools = [tool for step in answer["steps"] if step["node"] == "tool_execution" for tool in step["tools"]]
    calls = "; ".join(f"{tool['name']}({_arguments(tool['args'])}) → {tool['result']}" for tool in tools)
    stand_in = f", in place of {answer['fallback_from']}" if answer.get("fallback_from") else ""
    lines = [f"  › {QUESTION}", f"  {calls}", f"  ‹ {answer['result']}"]
    return "\n".join([*lines, f"  ({answer['model']}{stand_in}, {answer['latency_ms']:.0f} ms)"])


def _refused(status: int, body: bytes) -> NotAnswered:
    """What the error envelope says, or the body where it is none."""
    try:
        error = json.loads(body)["error"]
        message, code = str(error["message"]).rstrip("."), str(error["code"])
    except (ValueError, KeyError, TypeError):
        return NotAnswered(f"{status} {body.decode('utf-8', 'replace')[:500]}")
    return NotAnswered(f"{message} ({status} {code})", code)


def _arguments(args: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in args.items())


def welcome(services: Sequence[Service], first: str, seconds: float) -> str:
    """What a person sees when everything runs; `first` tells of the first question."""
    url = {service.name: service.url for service in services}
    return f"""
The suite is up ({seconds:.1f} s). {first}

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


_REMEDIES = {
    "upstream_credentials": "Correct that variable in .env or in your shell, and start again.",
    "upstream_unavailable": "See whether it is up and its address is right (its *_BASE_URL in .env), and ask again.",
    "upstream_timeout": "See whether it is up and its address is right (its *_BASE_URL in .env), and ask again.",
    "upstream_rate_limited": "Ask again in a while, or see to its quota.",
    "provider_not_configured": "Set that variable in .env or in your shell, and start again.",
    "model_not_found": "Correct DEFAULT_MODEL, MODEL_PROVIDER or MODEL_NAME, and start again.",
}


def failure(error: NotAnswered, agent: Service) -> str:
    """What went wrong with the first question, what to do, and how to go on meanwhile."""
    remedy = _REMEDIES.get(error.code, "The lines of the services above say more.")
    return f"""But the first question failed: {error}.
{remedy}
Everything runs, and the embedded planner still answers when it is asked by name:
  curl -X POST {agent.url}/process -H 'Content-Type: application/json' \\
    -d '{{"input": "suma 10 y 5", "model": "offline"}}'"""


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
    say(f"Everything is ready; asking a first question: {QUESTION}")
    try:
        first = "Its first answer:\n" + await asyncio.to_thread(ask, agent.url, key)
    except NotAnswered as error:
        first = failure(error, agent)
    say(welcome(services, first, time.monotonic() - started))
    ended = await suite.wait_for_the_first_to_end()
    raise CannotStart(f"{ended} ended by itself; its last lines are above")


def environment() -> dict[str, str]:
    """The process's environment over `.env`; what a shell sets wins.

    Raises:
        CannotStart: `.env` is not a text file in UTF-8.
    """
    return {**_from_file(ROOT / ".env"), **os.environ}


def _from_file(file: Path) -> dict[str, str]:
    try:
        # Windows' editors begin a file with a byte order mark, which would be a part of the first variable's name.
        values = dotenv_values(file, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8; save it again as such"
        raise CannotStart(f"{file} cannot be read: {reason}") from None
    return {name: value for name, value in values.items() if value is not None}


def main() -> int:
    close_to_other_processes()  # it has every secret of the shell and of .env
    try:
        return asyncio.run(run(environment()))
    except CannotStart as error:
        print(error, file=sys.stderr)  # noqa: T201 - a terminal program
        return 1


if __name__ == "__main__":
    sys.exit(main())
