"""The WebSocket agent's routes."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Literal

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from starlette.responses import Response

from agent_websocket.connection_manager import ConnectionManager
from agent_websocket.page import ChatPage


class Health(BaseModel):
    """The agent, what it depends on, and how many sockets are open; for people."""

    status: Literal["healthy", "degraded"]
    service: Literal["websocket-agent"] = "websocket-agent"
    mcp_connected: bool
    mcp_tools: int
    llm_gateway_connected: bool
    active_connections: int
    version: str


def add_routes(app: FastAPI, manager: Callable[[], ConnectionManager], page: ChatPage) -> None:
    """Add the routes to `app`; `manager` returns the connection manager once the service has started."""

    @app.get("/", tags=["chat"], summary="The chat page", response_class=HTMLResponse)
    async def chat_page(request: Request) -> Response:
        return page.answer(request)

    @app.get("/health", tags=["health"], summary="The agent and its dependencies")
    async def health() -> Health:
        status = await manager().status()
        whole = status.mcp_connected and status.llm_gateway_connected
        return Health(
            status="healthy" if whole else "degraded",
            mcp_connected=status.mcp_connected,
            mcp_tools=status.mcp_tools,
            llm_gateway_connected=status.llm_gateway_connected,
            active_connections=manager().active,
            version=version("agent-websocket"),
        )

    @app.websocket("/ws")
    async def new_connection(websocket: WebSocket) -> None:
        await manager().serve(websocket, None)

    @app.websocket("/ws/{connection_id}")
    async def named_connection(websocket: WebSocket, connection_id: str) -> None:
        await manager().serve(websocket, connection_id)
