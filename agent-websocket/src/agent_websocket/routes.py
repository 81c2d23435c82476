"""The WebSocket agent's routes."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Literal

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from service_kit.background import BackgroundLoops, LoopStatus
from service_kit.errors import ApiError, error_response
from service_kit.pages import Page
from starlette.responses import Response

from agent_websocket.connection_manager import ConnectionManager


class Health(BaseModel):
    """The agent, what it depends on, and how many sockets are open; for people."""

    status: Literal["healthy", "degraded"]
    service: Literal["websocket-agent"] = "websocket-agent"
    mcp_connected: bool
    mcp_tools: int
    llm_gateway_connected: bool
    active_connections: int
    background: list[LoopStatus]
    version: str


_UPGRADE: dict[int | str, dict[str, Any]] = {
    101: {"description": "The socket is open."},
    426: {"description": "This address speaks WebSocket; the request did not ask for an upgrade."},
}
_PROTOCOL = """\
A WebSocket. The service greets with `{"type": "connected", "connection_id"}`; a question is
`{"type": "message", "content"}`, and events follow, the last of them `complete`. A browser sends its key as the
subprotocol `bearer.BASE64URL` beside `agent.v1`. The whole protocol is in `docs/WEBSOCKET_AGENT.md`."""


def _upgrade_required() -> ApiError:
    return ApiError(
        426, "upgrade_required", "This address speaks WebSocket: open it as ws://, or the chat page at /.",
        spanish="Esta dirección habla WebSocket: ábrela como ws://, o abre la página de chat en /.",
    )  # fmt: skip


ManagerOf = Callable[[], ConnectionManager]


def add_routes(app: FastAPI, manager: ManagerOf, page: Page) -> None:
    """Adds the routes to `app`. `manager` returns the connection manager once the service has started."""

    @app.get("/", tags=["chat"], summary="The chat page", operation_id="get_chat_page", response_class=HTMLResponse)
    async def chat_page(request: Request) -> Response:
        return page.answer(request)

    _add_health(app, manager)
    _add_upgrade_hint(app)

    @app.websocket("/ws")
    async def new_connection(websocket: WebSocket) -> None:
        await manager().serve(websocket, None)

    @app.websocket("/ws/{connection_id}")
    async def named_connection(websocket: WebSocket, connection_id: str) -> None:
        await manager().serve(websocket, connection_id)


def _add_health(app: FastAPI, manager: ManagerOf) -> None:
    @app.get("/health", tags=["health"], summary="The agent and its dependencies", operation_id="get_health")
    async def health() -> Health:
        status = await manager().status()
        loops: BackgroundLoops = app.state.background
        whole = status.mcp_connected and status.llm_gateway_connected and not loops.failing
        return Health(
            status="healthy" if whole else "degraded",
            mcp_connected=status.mcp_connected,
            mcp_tools=status.mcp_tools,
            llm_gateway_connected=status.llm_gateway_connected,
            active_connections=manager().active,
            background=loops.to_health(),
            version=version("agent-websocket"),
        )


def _add_upgrade_hint(app: FastAPI) -> None:
    """Answers plain HTTP requests to the socket's paths with 426."""

    @app.get(
        "/ws",
        tags=["chat"],
        summary="The socket",
        description=_PROTOCOL,
        operation_id="open_socket",
        responses=_UPGRADE,
    )
    @app.get(
        "/ws/{connection_id}",
        tags=["chat"],
        summary="The socket of a conversation",
        operation_id="open_conversation_socket",
        responses=_UPGRADE,
    )
    async def not_a_socket(request: Request) -> Response:
        answer = error_response(_upgrade_required(), request.state.request_id, request.state.language)
        answer.headers["upgrade"] = "websocket"
        return answer
