"""What may be added to the servers while the toolbox runs, and what is wrong with a pasted config."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from service_kit.public_addresses import is_public, resolve

from mcp_toolbox.upstream.errors import UpstreamUnavailable
from mcp_toolbox.upstream.references import References, variables_in
from mcp_toolbox.upstream.servers_file import Pasted
from mcp_toolbox.upstream.spec import Address, Command, ServerSpec

MOST_SERVERS = 20
"""How many servers one config may add."""

_RESOLVE_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Rules:
    """What an operator may add over HTTP: servers with a command, addresses in these networks that are not public, and
    references to these variables of the toolbox's environment."""

    commands: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    variables: frozenset[str] = frozenset()


class Problem(NamedTuple):
    """Why a server cannot be added: a stable code, and the text in English and in Spanish."""

    code: str
    message: str
    spanish: str


@dataclass(frozen=True)
class Candidate:
    """A server of a pasted config. `spec` is None if its entry is wrong."""

    name: str
    entry: Any
    spec: ServerSpec | None
    problems: tuple[Problem, ...] = field(default=())


class Judge:
    """Judges pasted configs by `rules`. References are filled in from `environ`."""

    def __init__(self, rules: Rules, environ: Mapping[str, str]) -> None:
        self.rules = rules
        self._environ = environ

    async def candidates(self, pasted: Pasted, taken: Collection[str]) -> list[Candidate]:
        """Returns the servers of a config with what is wrong with each. `taken` are the names that are in use."""
        names = list(pasted.entries)
        found = await asyncio.gather(*(self._problems(pasted, name, taken) for name in names[:MOST_SERVERS]))
        return [
            Candidate(name, pasted.entries[name], pasted.specs.get(name), tuple(problems))
            for name, problems in zip(names, found, strict=False)
        ]

    async def _problems(self, pasted: Pasted, name: str, taken: Collection[str]) -> list[Problem]:
        problems = [Problem("invalid_entry", text, text) for text in pasted.mistakes.get(name, ())]
        if name in taken:
            problems.append(_EXISTS)
        spec = pasted.specs.get(name)
        if spec is None or problems:
            return problems
        variables = self._of_variables(spec)
        problems += variables
        if isinstance(spec.target, Command):
            problems += self._of_command(spec.target)
        elif not variables:
            problems += await self._of_address(spec.target)
        return problems

    def _of_variables(self, spec: ServerSpec) -> list[Problem]:
        named = sorted({name for text in spec.target.texts for name in variables_in(text)})
        problems = [_kept_back(name) for name in named if name not in self.rules.variables]
        if problems:
            return problems
        try:
            spec.target.filled_in(References(self._environ))
        except UpstreamUnavailable as error:
            name = str(error).split()[2]
            return [Problem("variable_not_set", str(error), f"la variable {name} no está definida")]
        return []

    def _of_command(self, target: Command) -> list[Problem]:
        if not self.rules.commands:
            return [_NO_COMMANDS]
        if "${" in target.command or shutil.which(target.command, path=self._environ.get("PATH")):
            return []
        return [
            Problem(
                "command_not_found",
                f"there is no program {target.command!r} on the toolbox's machine",
                f"no hay ningún programa {target.command!r} en la máquina de la toolbox",
            )
        ]

    async def _of_address(self, target: Address) -> list[Problem]:
        try:
            parts = urlsplit(target.filled_in(References(self._environ)).url)
            host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)
        except (UpstreamUnavailable, ValueError):
            return [_NO_URL]
        if not host or not port:
            return [_NO_URL]
        if parts.username is not None or parts.password is not None:
            return [_CREDENTIALS]
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                addresses = await resolve(host, port)
        except (OSError, TimeoutError, UnicodeError):
            return [
                Problem("unknown_host", f"the host {host} is not known", f"el servidor {host} no se conoce"),
            ]
        return [] if all(map(self._may_be_reached, addresses)) else [_NOT_PUBLIC]

    def _may_be_reached(self, address: str) -> bool:
        return is_public(address) or any(ip_address(address) in network for network in self.rules.networks)


def _kept_back(name: str) -> Problem:
    return Problem(
        "variable_not_allowed",
        f"the variable {name} is not in MCP_ADD_VARIABLES, the variables that servers added here may get",
        f"la variable {name} no está en MCP_ADD_VARIABLES, las que pueden recibir los servidores que se añaden aquí",
    )


_EXISTS = Problem(
    "server_exists", "a server of this name is there already", "ya hay un servidor con este nombre"
)  # fmt: skip
_NO_COMMANDS = Problem(
    "commands_not_allowed",
    "it would run a program on the toolbox's machine, which is allowed with MCP_ADD_COMMANDS=true alone",
    "ejecutaría un programa en la máquina de la toolbox, y eso solo se permite con MCP_ADD_COMMANDS=true",
)
_NOT_PUBLIC = Problem(
    "address_not_allowed",
    "its address is not public, and not in MCP_ADD_NETWORKS",
    "su dirección no es pública ni está en MCP_ADD_NETWORKS",
)
_NO_URL = Problem("invalid_entry", "its url is not valid", "su url no es válida")
_CREDENTIALS = Problem(
    "invalid_entry",
    "write the user and password into headers, not into the url",
    "escribe el usuario y la contraseña en headers, no en la url",
)


def described(candidate: Candidate) -> dict[str, Any]:
    """Returns what a server would run or call, as it was written: references are not filled in. Of its environment and
    headers only the names are told, and of its address neither user nor values of the query."""
    spec = candidate.spec
    if spec is None:
        return {"name": candidate.name}
    target = spec.target
    told: dict[str, Any] = {"name": candidate.name, "kind": target.kind, "disabled": spec.disabled}
    if isinstance(target, Command):
        cwd = {"cwd": str(target.cwd)} if target.cwd else {}
        runs = {"command": target.command, "args": list(target.args), "env": sorted(target.env), **cwd}
        return {**told, "runs": runs}
    return {**told, "calls": {"url": _shown(target.url), "headers": sorted(target.headers)}}


def _shown(url: str) -> str:
    base, question, query = url.partition("#")[0].partition("?")
    scheme, slashes, rest = base.partition("://")
    place, slash, path = rest.partition("/")
    base = f"{scheme}{slashes}{place.rpartition('@')[2]}{slash}{path}"
    keys = [f"{part.partition('=')[0]}=…" if "=" in part else part for part in query.split("&")] if question else []
    return f"{base}?{'&'.join(keys)}" if keys else base
