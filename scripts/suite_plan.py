"""Which processes the suite is, on which ports, and which variables each of them gets."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from agent_http.settings import HttpAgentSettings
from agent_websocket.settings import WebSocketAgentSettings
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from llm_gateway.settings import GatewaySettings
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import ServiceSettings, secret_variables

ROOT = Path(__file__).resolve().parent.parent

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


def environment() -> dict[str, str]:
    """The process's environment over `.env`; what a shell sets wins.

    Raises:
        CannotStart: `.env` is not a text file in UTF-8, or a line of it is no setting.
    """
    return {**_from_file(ROOT / ".env"), **os.environ}


def _from_file(file: Path) -> dict[str, str]:
    try:
        # Windows' editors begin a file with a byte order mark, which would be a part of the first variable's name.
        text = file.read_text("utf-8-sig") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8; save it again as such"
        raise CannotStart(f"{file} cannot be read: {reason}") from None
    for found in parse_stream(StringIO(text)):
        if found.error or "\0" in found.original.string:
            raise CannotStart(f"{file}, line {found.original.line}: this is not NAME=VALUE; see to its quotes")
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}


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
        "SUITE_URLS": environ.get("SUITE_URLS")
        or ",".join(
            f"{page}=http://127.0.0.1:{port}"
            for page, port in (("chat", ws), ("toolbox", toolbox), ("agent", http), ("gateway", gateway))
        ),
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
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise CannotStart(f"{variable}: {text[:20]!r} is not a port number")
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
