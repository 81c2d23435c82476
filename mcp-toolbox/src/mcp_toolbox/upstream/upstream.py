"""One server: connected in the background, its tools in the registry while it is there, reconnected when it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import anyio
from mcp import Client, types
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Tool, ToolResult
from mcp_toolbox.upstream.connection import Connection
from mcp_toolbox.upstream.errors import UpstreamUnavailable, reason_of
from mcp_toolbox.upstream.forward import ConnectionLost, forward
from mcp_toolbox.upstream.pins import Pins
from mcp_toolbox.upstream.resources_and_prompts import Listed, ResourcesAndPrompts
from mcp_toolbox.upstream.sanitize import cleaned
from mcp_toolbox.upstream.schema_check import SchemaCheck
from mcp_toolbox.upstream.spec import ServerSpec
from mcp_toolbox.upstream.translate import Translator
from mcp_toolbox.upstream.transport import Transport, transport_to

_log = get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_STEADY_SECONDS = 30.0
"""A server that was connected for this long is reconnected soon after it leaves; otherwise the pauses grow each
time."""

_CLOSE_SECONDS, _CLOSE_TRIES = 12.0, 2

Status = Literal["connected", "connecting", "failed", "disabled"]
Offer = Callable[[str, list[Tool]], list[str]]
"""Puts a server's tools into the registry, and returns the names that are taken by other tools."""

OfferMore = Callable[[str, Listed], list[str]]
"""Puts a server's resources and prompts into theirs, and returns what is wrong with them."""


class Upstream:
    """One server of the file; `run` keeps it connected."""

    def __init__(
        self, spec: ServerSpec, environ: Mapping[str, str], pins: Pins, offer: Offer, offer_more: OfferMore
    ) -> None:
        self.spec = spec
        self._environ = environ
        self._pins = pins
        self._offer = offer
        self._offer_more = offer_more
        self._more = ResourcesAndPrompts(spec, lambda: self._client)
        self._translator = Translator(spec, self._called)
        self._client: Client | None = None
        self._connection: Connection | None = None
        self._turns = asyncio.Semaphore(spec.limits.calls)
        self._calls = 0
        self._restarts = -1
        self._tools: list[Tool] = []
        self._problems: tuple[str, ...] = ()
        self._changed: tuple[str, ...] = ()
        self._error: str | None = None
        self._status: Status = "disabled" if spec.disabled else "connecting"
        self._since = datetime.now(UTC)

    @property
    def away(self) -> bool:
        """Whether it should be connected and is not."""
        return self._status in ("connecting", "failed")

    @property
    def changed(self) -> bool:
        """Whether a tool differs from its pin."""
        return bool(self._changed)

    def to_health(self) -> dict[str, Any]:
        """Returns its entry in `/health`."""
        entry: dict[str, Any] = {
            "status": self._status,
            "transport": self.spec.target.kind,
            "tools": len(self._tools),
            "since": self._since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "restarts": max(self._restarts, 0),
        }
        details = {"error": self._error, "changed_tools": list(self._changed), "problems": list(self._problems)}
        return entry | {name: value for name, value in details.items() if value}

    # --- the loop that keeps it connected, in one task ---

    async def run(self) -> None:
        """Connects and reconnects until it is cancelled, or until a reason is final."""
        if self.spec.disabled:
            return
        pause = _FIRST_PAUSE
        try:
            while True:
                started = asyncio.get_running_loop().time()
                final = await self._attempt()
                if final:
                    return
                if asyncio.get_running_loop().time() - started > _STEADY_SECONDS and self._error is not None:
                    pause = _FIRST_PAUSE
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._withdraw()

    async def _attempt(self) -> bool:
        """Connects once and stays as long as it lasts. Returns whether another attempt would be pointless."""
        self._restarts += 1
        self._become("failed" if self._error else "connecting", self._error)
        final = False
        try:
            await self._connect_and_stay(transport_to(self.spec, self._environ))
        except UpstreamUnavailable as gone:
            reason, final = str(gone), gone.final
        else:
            reason = "closed the connection"
        level = _log.info if reason == self._error else _log.warning
        level("server away", server=self.spec.name, reason=reason, attempt=self._restarts + 1)
        self._withdraw()
        self._become("failed", reason)
        return final

    async def _connect_and_stay(self, transport: Transport) -> None:
        limits = self.spec.limits
        listed = asyncio.Event()

        async def heard(client: Client, tools: list[types.Tool]) -> None:
            self._connection = connection
            await self._take(client, tools, connection.problems)
            listed.set()

        connection = Connection(transport, heard, limits.connect_seconds, lambda: self._calls > 0)
        life = asyncio.create_task(connection.live(), name=f"upstream {self.spec.name}")
        first = asyncio.create_task(listed.wait())
        try:
            await asyncio.wait({life, first}, timeout=limits.connect_seconds, return_when=asyncio.FIRST_COMPLETED)
            if not listed.is_set() and not life.done():
                raise UpstreamUnavailable(f"did not list its tools within {limits.connect_seconds:g} s")
            await asyncio.wait({life})
        finally:
            first.cancel()
            self._withdraw()
            await _closed(life, transport)
        error = life.exception() if not life.cancelled() else None
        raise UpstreamUnavailable(transport.trouble or (reason_of(error) if error else "closed the connection"))

    async def _take(self, client: Client, listed: list[types.Tool], normalized: Iterable[str]) -> None:
        # In a thread, because compiling a large server's schemas takes long enough to delay other calls.
        translation = await asyncio.to_thread(self._translator.translate, listed)
        changed = self._note_changes([tool for tool in listed if tool.name in translation.tools])
        withheld = set(changed) if self.spec.pin == "strict" else set()
        tools = [tool for name, tool in translation.tools.items() if name not in withheld]
        problems = [
            *normalized,
            *translation.problems,
            *(f"{name}: changed, and withheld" for name in sorted(withheld)),
        ]
        self._client = client
        clashes = self._offer(self.spec.name, tools)
        self._tools = [tool for tool in tools if tool.name not in clashes]
        problems += [f"{name}: another tool has this name" for name in clashes]
        if self._status != "connected":
            self._become("connected", None)
            _log.info("server connected", server=self.spec.name, tools=len(self._tools))
        self._report(tuple(problems))
        more = await self._more.listed(client)  # behind the tools, which are there even if this takes long
        self._report((*problems, *more.problems, *self._offer_more(self.spec.name, more)))

    def _note_changes(self, tools: list[types.Tool]) -> tuple[str, ...]:
        if self.spec.pin == "off":
            return ()
        changed = tuple(cleaned(name)[0] for name in self._pins.changed(self.spec.name, tools))
        for name in set(changed) - set(self._changed):
            _log.warning("tool changed since it was first seen", server=self.spec.name, tool=name, pin=self.spec.pin)
        self._changed = changed
        return changed

    def _report(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            if problem not in self._problems:
                _log.warning("server has a fault", server=self.spec.name, problem=problem)
        self._problems = problems

    def _withdraw(self) -> None:
        self._client = self._connection = None
        self._tools = []
        self._offer(self.spec.name, [])
        self._offer_more(self.spec.name, Listed())

    def _become(self, status: Status, error: str | None) -> None:
        if status != self._status:
            self._since = datetime.now(UTC)
        self._status, self._error = status, error

    # --- calls ---

    async def _called(
        self, tool: str, arguments: dict[str, Any], context: CallContext, result: SchemaCheck | None
    ) -> ToolResult:
        """Calls a tool for a client: resources in its answer have the URIs at which the toolbox offers them."""
        answer = await self.call(tool, arguments, context, result)
        return replace(answer, content=tuple(map(self._more.renamed, answer.content)))

    async def call(
        self, tool: str, arguments: dict[str, Any], context: CallContext, result: SchemaCheck | None
    ) -> ToolResult:
        """Calls one of its tools. If the server is away or takes too long, the result says so."""
        seconds = self.spec.limits.call_seconds
        answer: ToolResult | None = None
        with anyio.move_on_after(seconds):
            async with self._turns:
                self._calls += 1
                try:
                    answer = await self._forwarded(tool, arguments, context, result)
                finally:
                    self._calls -= 1
        return answer or self._failed(f"did not answer within {seconds:g} s")

    async def _forwarded(
        self, tool: str, arguments: dict[str, Any], context: CallContext, result: SchemaCheck | None
    ) -> ToolResult:
        client, connection = self._client, self._connection
        if client is None:
            return self._failed("is away; it is being connected again")
        try:
            answer, doubtful = await forward(client, tool, arguments, context, result, self.spec.limits)
        except ConnectionLost:
            answer, doubtful = self._failed("left before it had answered"), True
        if doubtful and connection is not None:
            connection.wake()
        return answer

    def _failed(self, what: str) -> ToolResult:
        return ToolResult.of(f"The MCP server '{self.spec.name}' {what}.", is_error=True)


async def _closed(life: asyncio.Task[None], transport: Transport) -> None:
    """Ends a connection in order, or abandons it if that takes too long."""
    try:
        for _ in range(_CLOSE_TRIES):  # the SDK sometimes turns a cancellation into an error of its own
            life.cancel()
            await asyncio.wait({life}, timeout=_CLOSE_SECONDS / _CLOSE_TRIES)
            if life.done():
                break
    finally:
        transport.abandon()
    if not life.done():
        _log.error("connection does not close; it is left behind", task=life.get_name())
    with contextlib.suppress(asyncio.CancelledError):
        if life.done():
            life.exception()
