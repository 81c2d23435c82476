"""The hub: every socket of this process, from its handshake to its end."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol, cast

from agent_core.agent import AgentStatus, ModelInfo, RunRequest, ToolInfo
from agent_core.channel import Channel
from agent_core.events import Emit
from agent_core.run_errors import TooManyChannels
from agent_core.runs import Runs
from service_kit.errors import ApiError
from service_kit.limits.shares import Shares
from service_kit.telemetry.logs import get_logger
from starlette.websockets import WebSocket

from agent_websocket.client_socket import Socket, SocketGoneError
from agent_websocket.protocol import Refusal, connection_id, encode
from agent_websocket.session import TRY_AGAIN_LATER, Caller, Session
from agent_websocket.settings import WebSocketAgentSettings

_log = get_logger(__name__)

POLICY_VIOLATION = 1008
_LISTS_WITHIN_SECONDS = 1.0
_GOODBYE_SECONDS = 2.0


class ChatAgent(Protocol):
    """What the hub needs of `agent_core.agent.Agent`."""

    def check(self, request: RunRequest) -> None: ...
    async def run(self, request: RunRequest, emit: Emit) -> Any: ...
    async def models(self) -> list[ModelInfo]: ...
    async def tools(self) -> list[ToolInfo]: ...
    async def status(self) -> AgentStatus: ...


class Hub:
    """Accepts sockets, puts each on its channel, and sends them away when the service stops."""

    def __init__(self, agent: ChatAgent, runs: Runs, settings: WebSocketAgentSettings) -> None:
        self._agent = agent
        self._runs = runs
        self._settings = settings
        self._sessions: dict[Session, asyncio.Task[Any]] = {}
        self._open = 0
        self._places = Shares(settings.max_connections)

    @property
    def active(self) -> int:
        """How many sockets are open."""
        return self._open

    async def status(self) -> AgentStatus:
        """The agent and its dependencies as they are now."""
        return await self._agent.status()

    async def serve(self, websocket: WebSocket, given_id: str | None) -> None:
        """One socket, until it is gone."""
        socket = Socket(websocket, self._settings.send_timeout_seconds)
        caller = _caller(websocket)
        self._open += 1
        try:
            await socket.accept()
            if not self._places.may_take(caller.principal):
                raise TooManyChannels(caller.language)
            with self._places.holding(caller.principal):
                await self._converse(socket, caller, connection_id(given_id))
        except SocketGoneError:
            pass
        except ApiError as refusal:
            await self._refuse(socket, refusal)
        finally:
            self._open -= 1

    async def drain(self, grace_seconds: float) -> None:
        """Take no more questions, let runs end within the grace period, then say goodbye to every socket."""
        await self._runs.drain(grace_seconds)
        for session in self._sessions:
            session.stop()
        if self._sessions:
            await asyncio.wait(list(self._sessions.values()), timeout=_GOODBYE_SECONDS)

    async def _converse(self, socket: Socket, caller: Caller, id_: str) -> None:
        models, tools = await self._lists()
        channel = self._runs.channel(id_, caller.principal, caller.language)
        session = Session(
            socket, channel, caller, self._submit, max_message_bytes=self._settings.max_message_bytes
        )  # fmt: skip
        self._sessions[session] = cast(asyncio.Task[Any], asyncio.current_task())
        started = time.monotonic()
        known = {"requestId": caller.request_id, "sessionId": id_, "userId": caller.principal}
        _log.info("socket open", **known)
        try:
            await session.serve(models, tools)
        finally:
            del self._sessions[session]
            _log.info("socket closed", **known, seconds=round(time.monotonic() - started, 1))

    def _submit(self, channel: Channel, request: RunRequest) -> None:
        self._agent.check(request)
        self._runs.submit(channel, request)

    async def _lists(self) -> tuple[list[ModelInfo], list[ToolInfo]]:
        """For the greeting, which does not wait long for a gateway or a toolbox that is away."""
        try:
            async with asyncio.timeout(_LISTS_WITHIN_SECONDS):
                models, tools = await asyncio.gather(self._agent.models(), self._agent.tools())
                return models, tools
        except TimeoutError:
            return [], []

    @staticmethod
    async def _refuse(socket: Socket, refusal: ApiError) -> None:
        try:
            await socket.send(encode(Refusal(code=refusal.code, message=refusal.message)))
        except SocketGoneError:
            return
        await socket.close(TRY_AGAIN_LATER if refusal.status == 503 else POLICY_VIOLATION, refusal.code)


def _caller(websocket: WebSocket) -> Caller:
    state = websocket.state
    return Caller(state.principal.id, state.language, state.request_id, websocket.headers.get("traceparent"))
