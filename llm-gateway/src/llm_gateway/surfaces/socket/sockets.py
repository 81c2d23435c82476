"""All sockets of this process: their handshakes, how many there may be, and their end when the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from service_kit.auth.principal import Principal
from service_kit.edge.connections import Connections
from service_kit.edge.limits import ConnectionLimits
from service_kit.errors import ApiError, error_response
from service_kit.ids import request_id_of
from service_kit.limits.shares import Shares
from service_kit.service import Service
from service_kit.side_port import side_port
from service_kit.telemetry.logs import get_logger
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from llm_gateway.dialects.prompt.render import encode, failure_of
from llm_gateway.pipeline.caller import Caller
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.settings import GatewaySettings
from llm_gateway.surfaces.http.raw_endpoint import as_told, in_session
from llm_gateway.surfaces.send_limits import SendLimits
from llm_gateway.surfaces.socket.session import GOING_AWAY, TRY_AGAIN_LATER, PromptSocket
from llm_gateway.surfaces.tls import tls_options

_log = get_logger(__name__)

PATH = "/ws"
SUBPROTOCOL = "prompt.v1"
GRACE_FOR_CALLS = 0.75
"""The part of the grace period in which calls may end by themselves."""

_DESCRIPTION = """\
A WebSocket. A message is the body of `POST /api/v1/generate`, with an `id` if several are under way at once, and
`userId` and `sessionId` in place of the headers; the answer is the chunks of `/api/v1/generate/stream`, each with that
`id`. `{"type": "cancel", "id"}` ends a call. A browser sends its key as the subprotocol `bearer.BASE64URL` beside
`prompt.v1`. `docs/prompt-api.md` has the rest."""


class Sockets:
    """Serves the sockets at `/ws`, of which each principal may hold its share of `most`."""

    def __init__(self, pipeline: Pipeline, limits: SendLimits, most: int) -> None:
        self._pipeline = pipeline
        self._limits = limits
        self._places = Shares(most)
        self._open: set[PromptSocket] = set()
        self._stopping: ApiError | None = None

    @property
    def open(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    def add_routes(self, app: Service) -> None:
        """Adds the socket to `app`, and what says so to those who ask for it as a page."""

        @app.get(
            PATH, tags=["prompt"], summary="The prompt API's socket", description=_DESCRIPTION,
            operation_id="open_prompt_socket",
            responses={
                101: {"description": "The socket is open."},
                426: {"description": "This address speaks WebSocket; the request did not ask for an upgrade."},
            },
        )  # fmt: skip
        async def not_a_socket(request: Request) -> Response:
            answer = error_response(_upgrade_required(), request.state.request_id, request.state.language)
            answer.headers["upgrade"] = "websocket"
            return answer

        app.add_api_websocket_route(PATH, self.serve)

    async def serve(self, websocket: WebSocket) -> None:
        """Serves one socket until it is gone."""
        state = websocket.scope["state"]
        principal: Principal = state["principal"]
        caller = Caller.of(principal, state["request_id"], "prompt.socket")
        try:
            caller = in_session(as_told(caller, principal, websocket.scope["headers"]))
        except ApiError as error:
            return await websocket.send_denial_response(error_response(error, caller.request_id, state["language"]))
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        socket = PromptSocket(websocket, caller, principal, self._pipeline, self._limits)
        if self._stopping is not None or not self._places.may_take(principal.id):
            return await self._turn_away(websocket, socket, caller)
        self._open.add(socket)
        try:
            with self._places.holding(principal.id):
                await socket.serve()
        finally:
            self._open.discard(socket)

    async def _turn_away(self, websocket: WebSocket, socket: PromptSocket, caller: Caller) -> None:
        error = self._stopping or ApiError(503, "too_many_sockets", "There is no room for another socket now.")
        with suppress(RuntimeError, OSError):
            await websocket.send_text(encode({**failure_of(error, caller.request_id), "finished": True}).decode())
        await socket.close(GOING_AWAY if self._stopping else TRY_AGAIN_LATER, error.code)

    async def drain(self, grace_seconds: float) -> None:
        """Takes no more prompts, lets those under way end within `grace_seconds`, and closes the sockets."""
        self._stopping = ApiError(503, "stopping", "The service is stopping.")
        sockets = list(self._open)
        for socket in sockets:
            socket.stop(self._stopping)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await asyncio.gather(*(socket.idle() for socket in sockets))
        await asyncio.gather(*(socket.close(GOING_AWAY, "the service restarts; connect again") for socket in sockets))


@asynccontextmanager
async def socket_port(service: Service, settings: GatewaySettings) -> AsyncIterator[int | None]:
    """Serves the sockets on WS_PORT too for the length of the block; nothing where that is not set. Yields the real
    port.

    Raises:
        OSError: the port is taken.
    """
    if settings.ws_port is None:
        yield None
        return
    connections = Connections(ConnectionLimits().within_descriptors(), service.refusals, settings.ui_language)
    app = _SocketsAlone(service, settings.root_path)
    tls = tls_options(settings)
    async with side_port(app, settings, settings.ws_port, connections, "socket port", **tls) as port:
        _log.info("prompt sockets", host=settings.host, port=port)
        yield port


class _SocketsAlone:
    """The service as far as its sockets go: the rest of it has a port of its own."""

    def __init__(self, service: Service, root_path: str) -> None:
        self._service = service
        self._paths = frozenset({PATH, f"{root_path}{PATH}", "/healthz", "/readyz"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" or scope["path"] in self._paths:
            return await self._service(scope, receive, send)
        error = ApiError(404, "not_found", "This port serves the WebSocket /ws alone.")
        return await error_response(error, request_id_of(scope))(scope, receive, send)


def _upgrade_required() -> ApiError:
    return ApiError(
        426, "upgrade_required", "This address speaks WebSocket: open it as ws://.",
        spanish="Esta dirección habla WebSocket: ábrela como ws://.",
    )  # fmt: skip
