"""A WebSocket agent that does what a test tells it: it serves the page, greets, replays, and says nothing by itself.

A test takes what the page sent with `received`, and answers with `emit`; events and greetings are the service's own
types, so that what the page is tested with is what the service sends.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

from agent_core import events
from agent_core.agent import ModelInfo, ToolInfo
from agent_core.usage import Usage
from agent_websocket import protocol
from service_kit.auth.keys import SUBPROTOCOL, to_subprotocol
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

PAGE = Path(__file__).resolve().parents[3] / "test-websocket.html"
MODELS = [
    ModelInfo(name="bedrock-nova-pro", provider="aws", available=False, description="Amazon Nova Pro"),
    ModelInfo(name="gpt-4o", provider="openai", available=True, description="OpenAI's"),
    ModelInfo(name="gemini-pro", provider="google", available=False, description="Google's"),
    ModelInfo(name="offline", provider="offline", available=True, description="The embedded planner"),
]
TOOLS = [ToolInfo(name=name, description=f"Tool {name}") for name in ("add", "multiply", "uppercase", "count_words")]
ENDS = (events.Complete, events.Cancelled, events.Error)


class FakeAgent:
    """One agent on a loopback port, for one page at a time. Build it with `running_agent`."""

    def __init__(self, token: str | None = None, prefix: str = "") -> None:
        self.token = token
        self.prefix = prefix
        self.epoch = uuid.uuid4().hex
        self._logs: dict[str, list[events.Event]] = {}
        self.answers_pings = True
        self.pings = 0
        self.greets = True
        self.refusals: list[protocol.Refusal] = []
        self.handshakes: list[Request] = []
        self.connection_ids: list[str] = []
        self._sockets: set[ServerConnection] = set()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}{self.prefix}/"

    @property
    def log(self) -> list[events.Event]:
        """What was told on the connection id that came last."""
        return self._logs.setdefault(self.connection_ids[-1], [])

    @property
    def last_seq(self) -> int:
        return len(self.log)

    async def received(self, kind: str) -> dict[str, Any]:
        """The next message of the page, which must be of this type (pings are answered and not shown here)."""
        message = await asyncio.wait_for(self._inbox.get(), timeout=5)
        assert message["type"] == kind, f"expected {kind}, got {message}"
        return message

    @property
    def has_unread(self) -> bool:
        return not self._inbox.empty()

    async def emit(self, *told: events.Event, send: bool = True) -> None:
        """Numbers the events, keeps them for replay and sends them; `send=False` is an event that the page missed."""
        for event in told:
            self.log.append(events.numbered(event, self.last_seq + 1))
            if send:
                await self.send_raw(self.log[-1].to_json().decode())

    async def send_raw(self, text: str) -> None:
        for socket in list(self._sockets):
            with suppress(ConnectionClosed):
                await socket.send(text)

    async def drop(self) -> None:
        """Cuts all connections as a dead network does: without a closing handshake."""
        for socket in list(self._sockets):
            socket.transport.abort()
        while self._sockets:
            await asyncio.sleep(0.005)

    def restart(self) -> None:
        """What a restart of the service does to its memory."""
        self.epoch = uuid.uuid4().hex
        self._logs.clear()

    async def answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """The HTTP side: the page, readiness, and the refusal of a handshake without the token."""
        path = request.path.removeprefix(self.prefix)
        if path.startswith("/ws"):
            self.handshakes.append(request)
            return None if self._admits(request) else connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?\n")
        if path in ("", "/", "/chat"):
            return _response(HTTPStatus.OK, PAGE.read_bytes(), "text/html; charset=utf-8")
        return _response(HTTPStatus.OK if path == "/readyz" else HTTPStatus.NOT_FOUND, b"{}", "application/json")

    def _admits(self, request: Request) -> bool:
        if self.token is None:
            return True
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(", ")
        return to_subprotocol(self.token) in offered

    async def converse(self, socket: ServerConnection) -> None:
        """One connection: greets, then reads until the page leaves."""
        assert socket.request
        self.connection_ids.append(socket.request.path.rsplit("/", 1)[-1])
        self._sockets.add(socket)
        try:
            if self.refusals:
                await socket.send(protocol.encode(self.refusals.pop(0)))
                return
            if self.greets:
                await socket.send(protocol.encode(self._greeting()))
            async for text in socket:
                await self._read(socket, json.loads(text))
        except ConnectionClosed:
            pass  # a dropped connection is what many tests are about
        finally:
            self._sockets.discard(socket)

    @property
    def running(self) -> str | None:
        """The run that started and has not ended."""
        started = [event.run_id for event in self.log if isinstance(event, events.Start)]
        ended = {event.run_id for event in self.log if isinstance(event, ENDS)}
        return next((run_id for run_id in started if run_id not in ended), None)

    def _greeting(self) -> protocol.Connected:
        return protocol.Connected(
            message="Conectado",
            connection_id=self.connection_ids[-1],
            epoch=self.epoch,
            last_seq=self.last_seq,
            running=self.running is not None,
            run_id=self.running,
            models=MODELS,
            tools=TOOLS,
        )

    async def _read(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        if message["type"] == "ping":
            self.pings += 1
            if self.answers_pings:
                await socket.send(protocol.encode(protocol.Pong()))
            return
        if message["type"] == "resume":
            await self._resume(socket, message)
        self._inbox.put_nowait(message)

    async def _resume(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        if message["epoch"] == self.epoch:
            for event in self.log[message["after"] :]:
                await socket.send(event.to_json().decode())
            return
        await socket.send(protocol.encode(protocol.Refusal(message="No se puede continuar", code="resume_failed")))
        await socket.send(protocol.encode(self._snapshot()))

    def _snapshot(self) -> protocol.Snapshot:
        run_id = next((event.run_id for event in reversed(self.log)), None)
        texts = [event.to_json().decode() for event in self.log if event.run_id == run_id]
        return protocol.Snapshot(
            run_id=run_id,
            running=self.running is not None,
            last_seq=self.last_seq,
            epoch=self.epoch,
            events=protocol.raw_events(texts),
        )


def _response(status: HTTPStatus, body: bytes, kind: str) -> Response:
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)


@asynccontextmanager
async def running_agent(token: str | None = None, prefix: str = "", port: int = 0) -> AsyncIterator[FakeAgent]:
    """A fake agent that listens on a loopback port until the end of the block."""
    agent = FakeAgent(token, prefix)
    server: Server = await serve(
        agent.converse,
        "localhost",
        port,
        process_request=agent.answer_request,
        select_subprotocol=lambda _, offered: Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None,
    )
    async with server:
        agent.port = next(iter(server.sockets)).getsockname()[1]
        yield agent


def tokens(run_id: str, pieces: Iterable[str]) -> list[events.Event]:
    """Text as a model streams it."""
    return [events.Token(run_id=run_id, content=piece) for piece in pieces]


def response(run_id: str, content: str, html: str = "", **changes: Any) -> events.Response:
    """An answer of gpt-4o with ordinary figures; `changes` are fields of `agent_core.events.Response`."""
    fields: dict[str, Any] = {
        "content": content,
        "html": html or f"<p>{content}</p>",
        "model": "gpt-4o",
        "provider": "openai",
        "usage": Usage(prompt_tokens=412, completion_tokens=38, total_tokens=450),
        "cost_usd": Decimal("0.00141"),
        "latency_ms": 1834.2,
        "ttft_ms": 312.4,
    }
    return events.Response(run_id=run_id, **(fields | changes))


def offline_response(run_id: str, content: str, html: str = "", **changes: Any) -> events.Response:
    """An answer of the embedded planner."""
    free: dict[str, Any] = {
        "model": "offline",
        "provider": "offline",
        "cost_usd": Decimal(0),
        "latency_ms": 9.4,
        "ttft_ms": 6.1,
    }
    return response(run_id, content, html, **(free | changes))


def opening(run_id: str, model: str = "gpt-4o") -> list[events.Event]:
    """How every run begins: until the model was asked for the first time."""
    return [
        events.Start(run_id=run_id, message="Procesando"),
        events.StepBegun(run_id=run_id, node="process_input", message="Leyendo la petición"),
        events.StepBegun(run_id=run_id, node="llm", message="Consultando al modelo", model=model),
    ]


def tool(run_id: str, name: str, args: dict[str, Any], result: str, **changes: Any) -> list[events.Event]:
    """A call and its result; `changes` are fields of `agent_core.events.ToolResult`."""
    call = f"call-{name}-{len(json.dumps(args))}"
    fields: dict[str, Any] = {"result": result, "duration_ms": 3.2, "is_error": False} | changes
    return [
        events.ToolCall(run_id=run_id, id=call, tool=name, args=args),
        events.ToolResult(run_id=run_id, id=call, tool=name, **fields),
    ]


def sum_run(run_id: str) -> list[events.Event]:
    """ "suma 10 y 5" from its start to its end, as the contract lists it."""
    return [
        *opening(run_id),
        *tool(run_id, "add", {"a": 10, "b": 5}, "15"),
        events.StepBegun(run_id=run_id, node="llm", message="Consultando al modelo", model="gpt-4o"),
        *tokens(run_id, ["La suma ", "de 10 y 5 ", "es **15**."]),
        response(run_id, "La suma de 10 y 5 es **15**.", "<p>La suma de 10 y 5 es <strong>15</strong>.</p>"),
        events.Complete(run_id=run_id, steps=5),
    ]
