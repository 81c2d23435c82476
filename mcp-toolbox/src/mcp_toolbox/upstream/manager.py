"""The manager of all servers of the file: each runs in its own task, and the file may change meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from service_kit.telemetry.logs import get_logger
from service_kit.watch import FileWatch

from mcp_toolbox.errors import ToolDefinitionError
from mcp_toolbox.registry.prompts import Prompts
from mcp_toolbox.registry.resources import Resources
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.upstream.account import Account
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.pins import Pins
from mcp_toolbox.upstream.resources_and_prompts import Listed
from mcp_toolbox.upstream.servers_file import Pasted, Servers, parse_pasted, parse_servers, read_servers
from mcp_toolbox.upstream.spec import Limits, ServerSpec
from mcp_toolbox.upstream.upstream import Upstream

_log = get_logger(__name__)

_POLL_SECONDS = 1.0


class UpstreamManager:
    """Manages the servers that the file at `path` describes; None means that there are none but those that are added
    while it runs. `running` starts and ends them.

    References in the file are filled in from `environ`; a server's process gets only what any program needs of it.
    `account` is the user of the servers' processes, None for the toolbox's own.

    Raises:
        ServersFileError: the file is wrong at the start. A file that is wrong later is logged, and the servers stay.
    """

    def __init__(
        self,
        path: Path | None,
        environ: Mapping[str, str],
        *,
        defaults: Limits | None = None,
        pins: Pins | None = None,
        account: Account | None = None,
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        self.path = path
        self.environ = environ
        self.account = account
        self._defaults = defaults or Limits()
        self._pins = pins or Pins()
        self._poll_seconds = poll_seconds
        self._watch = FileWatch(path) if path else None
        self._servers = read_servers(path, self._defaults) if path else Servers({})
        self._upstreams: dict[str, Upstream] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._turns: dict[str, asyncio.Lock] = {}
        self._registry: ToolRegistry | None = None
        self._resources = Resources()
        self._prompts = Prompts()
        self.file_error: str | None = None

    @property
    def degraded(self) -> bool:
        """Whether the operator should look: a server is away or has changed its tools, or the file is wrong."""
        upstreams = self._upstreams.values()
        return self.file_error is not None or any(upstream.away or upstream.changed for upstream in upstreams)

    def to_health(self) -> dict[str, Any]:
        """Returns the `servers` of `/health`: an entry for each server of the file, by name."""
        return {name: self._upstreams[name].to_health() for name in sorted(self._upstreams)}

    @asynccontextmanager
    async def running(
        self, registry: ToolRegistry, resources: Resources | None = None, prompts: Prompts | None = None
    ) -> AsyncIterator[None]:
        """Keeps the servers connected, and what they offer in `registry`, `resources` and `prompts`, until the block
        ends, without waiting for any of them to connect. No process of theirs is left afterwards."""
        self._registry = registry
        self._resources = Resources() if resources is None else resources
        self._prompts = Prompts() if prompts is None else prompts
        watch = self._watch
        watching = watch.running("servers file", self._changed, self._poll_seconds) if watch else nullcontext()
        with _quiet_sdk():
            self._apply(self._servers)
            try:
                async with watching:
                    yield
            finally:
                for name in list(self._lives):
                    self._end(name)
                await asyncio.gather(*self._leaving, return_exceptions=True)
                self._registry = None

    # --- what an operator changes while it runs ---

    @property
    def names(self) -> frozenset[str]:
        """The names of the servers."""
        return frozenset(self._upstreams)

    def changed_tools(self) -> frozenset[str]:
        """Returns the names of the tools that differ from how they were first seen."""
        return frozenset().union(*(upstream.changed_names for upstream in self._upstreams.values()))

    async def reconnect(self, name: str, seconds: float) -> dict[str, Any]:
        """Drops the connection to a server and connects anew. Returns the server's entry in `/health` once the first
        attempt has ended, or after `seconds`.

        Raises:
            KeyError: there is no such server.
        """
        spec = self._upstreams[name].spec
        self._end(name)
        self._start(spec)
        return await self.settled(name, seconds)

    async def settled(self, name: str, seconds: float) -> dict[str, Any]:
        """Returns a server's entry in `/health` once its first attempt to connect has ended, or after `seconds`.

        Raises:
            KeyError: there is no such server.
        """
        upstream = self._upstreams[name]
        with suppress(TimeoutError):
            await asyncio.wait_for(upstream.settled.wait(), seconds)
        return self._upstreams.get(name, upstream).to_health()

    def parsed(self, text: str) -> Servers:
        """Returns the servers of a text in the place of the file's.

        Raises:
            ServersFileError: the text is wrong.
        """
        return parse_servers(text, self._folder, self._defaults)

    def pasted(self, config: str) -> Pasted:
        """Returns the servers of a pasted config.

        Raises:
            ServersFileError: no servers can be read from it.
        """
        return parse_pasted(config, self._folder, self._defaults)

    def take(self, servers: Servers) -> None:
        """Starts and ends servers, so that those of `servers` run. The file, if there is one, must already say so."""
        self.file_error = None
        if self._registry is None:
            self._servers = servers
        else:
            self._apply(servers)

    @property
    def _folder(self) -> Path:
        return self.path.resolve().parent if self.path else Path.cwd()

    # --- the file ---

    async def _changed(self) -> None:
        self.reload()

    def reload(self) -> None:
        """Reads the file again and applies it. A wrong file is refused as a whole."""
        if self.path is None:
            return
        try:
            servers = read_servers(self.path, self._defaults)
        except ServersFileError as error:
            self.file_error = str(error)
            _log.error("servers file refused; the servers stay as they are", reason=self.file_error)
            return
        self.file_error = None
        _log.info("servers file reloaded", servers=len(servers.specs))
        self._apply(servers)

    # --- the servers ---

    def _apply(self, servers: Servers) -> None:
        """Ends the servers that are no longer in the file, starts the new ones, and restarts those that have
        changed."""
        for warning in servers.warnings:
            _log.warning("servers file", note=warning)
        specs = servers.specs
        for name in [name for name, upstream in self._upstreams.items() if specs.get(name) != upstream.spec]:
            self._end(name)
        for name, spec in specs.items():
            if name not in self._upstreams:
                self._start(spec)

    def _start(self, spec: ServerSpec) -> None:
        toolbox = self._registry.id if self._registry else ""
        upstream = Upstream(
            spec, self.environ, self._pins, self._offer, self._offer_more, account=self.account, toolbox=toolbox
        )
        turn = self._turns.setdefault(spec.name, asyncio.Lock())
        self._upstreams[spec.name] = upstream
        self._lives[spec.name] = asyncio.create_task(_in_turn(turn, upstream), name=f"server {spec.name}")

    def _end(self, name: str) -> None:
        self._upstreams.pop(name).settled.set()  # which frees those that wait for it
        life = self._lives.pop(name)
        self._leaving.add(life)
        life.add_done_callback(self._leaving.discard)
        life.cancel()

    def _offer(self, server: str, tools: list[Tool]) -> list[str]:
        """Puts a server's tools into the registry. Returns the names that another tool already has; that tool stays."""
        source = f"upstream:{server}"
        if self._registry is None:
            return []
        try:
            self._registry.replace(source, tools)
        except ToolDefinitionError:
            self._registry.replace(source, [])
            clashes = [tool.name for tool in tools if self._registry.get(tool.name) is not None]
            self._registry.replace(source, [tool for tool in tools if tool.name not in clashes])
            return clashes
        return []

    def _offer_more(self, server: str, listed: Listed) -> list[str]:
        """Puts a server's resources and prompts into theirs. Returns a problem for each kind of which another server
        has one of the same name; none of that kind is then offered."""
        problems: list[str] = []
        source = f"upstream:{server}"
        try:
            self._resources.replace(source, listed.resources)
        except ToolDefinitionError as error:
            self._resources.replace(source, ())
            problems.append(f"its resources are left out: {error}")
        try:
            self._prompts.replace(source, listed.prompts)
        except ToolDefinitionError as error:
            self._prompts.replace(source, ())
            problems.append(f"its prompts are left out: {error}")
        return problems


@contextmanager
def _quiet_sdk() -> Iterator[None]:
    """Silences the SDK's reports of failing servers, with stack traces and the servers' texts; the toolbox logs a line
    for each."""
    logger = logging.getLogger("mcp.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


async def _in_turn(turn: asyncio.Lock, upstream: Upstream) -> None:
    """Runs `upstream` after the previous one of the same name has ended, so that there are never two processes of one
    server."""
    async with turn:
        await upstream.run()
