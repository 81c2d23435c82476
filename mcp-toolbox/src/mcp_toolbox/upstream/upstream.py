"""One server: connected in the background, its tools in the registry while it is there, reconnected when it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import anyio
from mcp import Client, types
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.time_limits import later_of
from mcp_toolbox.registry.tool import ToolResult
from mcp_toolbox.upstream.account import Account
from mcp_toolbox.upstream.closings import Closings
from mcp_toolbox.upstream.connection import Connection
from mcp_toolbox.upstream.errors import UpstreamUnavailable, reason_of
from mcp_toolbox.upstream.forward import ConnectionLost, NotRun, forward
from mcp_toolbox.upstream.offers import Offer, OfferMore, Offers
from mcp_toolbox.upstream.pauses import End, Pauses
from mcp_toolbox.upstream.pins import Pins
from mcp_toolbox.upstream.questions import Questions
from mcp_toolbox.upstream.resources_and_prompts import ResourcesAndPrompts
from mcp_toolbox.upstream.schema_check import SchemaCheck
from mcp_toolbox.upstream.spec import ServerSpec
from mcp_toolbox.upstream.translate import Translator
from mcp_toolbox.upstream.transport import Transport, transport_to

_log = get_logger(__name__)

_SENDINGS = 2
"""How often a call is sent that was not run, the first time included."""

_SSE_SECONDS = 10.0
"""The time for the older transport to answer where it is only tried."""

_FIRST = asyncio.FIRST_COMPLETED

Status = Literal["connected", "connecting", "failed", "disabled"]


class Upstream:
    """One server of the file; `run` keeps it connected."""

    def __init__(
        self,
        spec: ServerSpec,
        environ: Mapping[str, str],
        pins: Pins,
        offer: Offer,
        offer_more: OfferMore,
        *,
        account: Account | None = None,
        toolbox: str = "",
    ) -> None:
        self.spec = spec
        self._environ = environ
        self._account = account
        self._toolbox = toolbox
        self._questions = Questions(spec)
        self._more = ResourcesAndPrompts(spec, lambda: self._client)
        self._offers = Offers(spec, pins, Translator(spec, self._called, toolbox), offer, offer_more)
        self._client: Client | None = None
        self._connection: Connection | None = None
        self._renewal = asyncio.Event()
        self._renewal.set()
        self._over_sse = False
        self._closings = Closings()
        self._turns = asyncio.Semaphore(spec.limits.calls)
        self._calls = 0
        self._restarts = -1
        self._error: str | None = None
        self._status: Status = "disabled" if spec.disabled else "connecting"
        self.settled = asyncio.Event()
        """Set once it is known whether the server can be used: after the first attempt to connect."""
        if spec.disabled:
            self.settled.set()
        self._since = datetime.now(UTC)

    @property
    def away(self) -> bool:
        """Whether it should be connected and is not."""
        return self._status in ("connecting", "failed")

    @property
    def changed(self) -> bool:
        """Whether a tool differs from its pin."""
        return bool(self._offers.changed)

    @property
    def changed_names(self) -> frozenset[str]:
        """The names in the toolbox of the tools that differ from their pins and are offered all the same."""
        return self._offers.changed_names

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with what the server offers."""
        return self._offers.problems

    @property
    def error(self) -> str | None:
        """Why it is away."""
        return self._error

    @property
    def status(self) -> Status:
        """How it is."""
        return self._status

    def to_health(self) -> dict[str, Any]:
        """Returns its entry in `/health`."""
        entry: dict[str, Any] = {
            "status": self._status,
            "transport": "sse" if self._over_sse else self.spec.target.kind,
            "tools": len(self._offers.tools),
            "since": self._since.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "restarts": max(self._restarts, 0),
        }
        offers = self._offers
        details = {"error": self._error, "changed_tools": list(offers.changed), "problems": list(offers.problems)}
        return entry | {name: value for name, value in details.items() if value}

    # --- the loop that keeps it connected, in one task ---

    async def run(self) -> None:
        """Connects and reconnects until it is cancelled, or until a reason is final."""
        if self.spec.disabled:
            return
        pauses = Pauses()
        try:
            while True:
                started = asyncio.get_running_loop().time()
                end = await self._attempt()
                lasted = asyncio.get_running_loop().time() - started
                if end == "final":
                    return
                pause = pauses.renewal(end, lasted)
                if pause is None:
                    if end == "renew":
                        self._give_up("ends every session at once")
                    pause = pauses.reconnection(steady=self._error is not None, lasted=lasted)
                await asyncio.sleep(pause)
        finally:
            self._withdraw()
            self._renewal.set()
            await self._closings.ended()

    async def _attempt(self) -> End:
        """Connects once and stays as long as it lasts. Returns whether to try again after a pause, whether to renew a
        session that was lost, or whether another attempt would be pointless."""
        self._restarts += 1
        self._become("failed" if self._error else "connecting", self._error)
        end: End = "pause"
        try:
            await self._connect_by_any_transport()
            reason = "closed the connection"
        except UpstreamUnavailable as gone:
            reason = str(gone)
            end = "final" if gone.final else "renew" if gone.renew else "pause"
        level = _log.info if reason == self._error else _log.warning
        level("server away", server=self.spec.name, reason=reason, attempt=self._restarts + 1)
        if end == "renew":
            self._lose()
        else:
            self._give_up(reason)
        return end

    def _give_up(self, reason: str) -> None:
        self._withdraw()
        self._become("failed", reason)
        self._renewal.set()

    def _lose(self) -> None:
        """Notes that the session is gone. The tools stay on offer: the next attempt is made at once, and calls wait for
        its end."""
        self._client = self._connection = None
        self._renewal.clear()
        self._become("connecting", None)

    async def _connect_by_any_transport(self) -> None:
        """Connects over the transport of the file; where a server refuses the handshake as one of the older HTTP+SSE
        does, over that."""
        if not self._over_sse:
            transport = transport_to(self.spec, self._environ, account=self._account)
            try:
                return await self._connect_and_stay(transport, self.spec.limits.connect_seconds)
            except UpstreamUnavailable as gone:
                if gone.renew or not transport.may_be_sse:
                    raise
                refused = gone
        else:
            refused = None
        self._over_sse = True
        transport = transport_to(self.spec, self._environ, over_sse=True)
        try:
            await self._connect_and_stay(transport, min(self.spec.limits.connect_seconds, _SSE_SECONDS))
        except UpstreamUnavailable as gone:
            if not gone.renew:
                self._over_sse = False
                raise refused or gone from None
            raise

    async def _connect_and_stay(self, transport: Transport, seconds: float) -> None:
        listed = asyncio.Event()

        async def heard(client: Client, tools: list[types.Tool]) -> None:
            if transport.lost.is_set():
                return  # a later connection has taken over
            self._connection = connection
            problems = await self._take(client, tools, connection.problems)
            listed.set()
            await self._take_more(client, problems)

        answered = self._questions.answered if self.spec.elicits else None
        connection = Connection(
            transport, heard, self.spec.limits.connect_seconds, lambda: self._calls > 0, answered, self._toolbox
        )
        life = asyncio.create_task(connection.live(), name=f"upstream {self.spec.name}")
        first = asyncio.create_task(listed.wait())
        lost = asyncio.create_task(transport.lost.wait())
        try:
            await asyncio.wait({life, first, lost}, timeout=seconds, return_when=_FIRST)
            if not listed.is_set() and not life.done() and not lost.done():
                raise UpstreamUnavailable(f"did not list its tools within {seconds:g} s")
            await asyncio.wait({life, lost}, return_when=_FIRST)
        finally:
            first.cancel()
            if self._status == "connected":
                self._become("connecting", None)
            self._client = self._connection = None
            draining = lost.done() and not lost.cancelled() and not life.done()
            lost.cancel()
            left = connection if draining else None
            closing = self._closings.begin(life, transport, left, self.spec.limits.call_seconds)
            if self.spec.target.kind == "stdio":  # there are never two processes of one server
                await asyncio.shield(closing)
        error = life.exception() if life.done() and not life.cancelled() else None
        reason = transport.trouble or (reason_of(error) if error else "closed the connection")
        raise UpstreamUnavailable(reason, renew=listed.is_set() and self.spec.target.kind != "stdio")

    async def _take(self, client: Client, listed: list[types.Tool], normalized: Iterable[str]) -> tuple[str, ...]:
        """Offers the tools of a list, and returns what is wrong with others."""
        translated = await self._offers.translated(listed, normalized)
        self._client = client
        problems = self._offers.put(translated)
        self._renewal.set()
        if self._status != "connected":
            self._become("connected", None)
            _log.info("server connected", server=self.spec.name, tools=len(self._offers.tools))
        return problems

    async def _take_more(self, client: Client, problems: tuple[str, ...]) -> None:
        """Offers its resources and prompts; the tools are there even if this takes long."""
        more = await self._more.listed(client)
        if client is self._client:  # else a later connection has taken over, or the server has left
            self._offers.put_more(more, problems)

    def _withdraw(self) -> None:
        self._client = self._connection = None
        self._offers.withdraw()

    def _become(self, status: Status, error: str | None) -> None:
        if status != self._status:
            self._since = datetime.now(UTC)
        self._status, self._error = status, error
        if status != "connecting":
            self.settled.set()

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
        with anyio.move_on_after(seconds) as limit, context.time_limits.holding(later_of(limit)):
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
        for _ in range(_SENDINGS):
            await self._renewal.wait()
            client, connection = self._client, self._connection
            if client is None or connection is None:
                break
            try:
                with connection.calling(), self._questions.during(context):
                    answer, doubtful = await forward(
                        client, self.spec, self._questions, tool, arguments, context, result
                    )
            except NotRun:
                if client is self._client:  # the first call to notice; others find the renewal under way
                    self._lose()
                    connection.end()
                continue
            except ConnectionLost:
                if self.spec.target.kind == "stdio":  # its process has ended; over HTTP one answer may be lost alone
                    self._become("connecting", None)
                answer, doubtful = self._failed("left before it had answered"), True
            if doubtful:
                connection.wake()
            return answer
        return self._failed("is away; it is being connected again")

    def _failed(self, what: str) -> ToolResult:
        return ToolResult.of(f"The MCP server '{self.spec.name}' {what}.", is_error=True)
