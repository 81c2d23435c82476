"""The WebSocket agent, composed; the only reader of its environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from agent_core.compose import open_agent
from agent_core.runs.event_log import MemoryEventLog
from agent_core.runs.runs import Runs
from fastapi import FastAPI
from service_kit.pages import Page
from service_kit.service import Service, create_service, serve
from service_kit.settings import load
from service_kit.telemetry.logs import TextOnly, get_logger

from agent_websocket.connection_manager import ChatAgent, ConnectionManager
from agent_websocket.page import chat_page
from agent_websocket.routes import add_routes
from agent_websocket.settings import WebSocketAgentSettings

_log = get_logger(__name__)

_GRACE_FOR_RUNS = 0.75
"""The part of the grace period in which runs may end by themselves; the rest is for stopping them."""


def create_app(
    settings: WebSocketAgentSettings,
    agent: Callable[[], AbstractAsyncContextManager[ChatAgent]],
    page: Page,
    page_token: str | None,
) -> Service:
    """The service over the agent that `agent()` opens when the service starts.

    `page_token` lets in the page that was opened from disk; it is shown when the service starts, to a person who
    reads text, unless the operator has chosen it. Without one such a page needs a key.
    """
    managers: list[ConnectionManager] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        async with agent() as running:
            manager = ConnectionManager(running, _runs(running, settings), settings)
            managers.append(manager)
            made_up = {"token_for_the_page_opened_from_disk": TextOnly(page_token)} if page_token else {}
            _log.info("chat page", url=_page_url(settings), **({} if settings.page_token else made_up))
            yield
            await manager.drain(0.0)
            managers.clear()

    app = create_service(
        name="agent-websocket",
        title="WebSocket agent",
        description="The agent over a WebSocket (`/ws`), and a chat page. `docs/WEBSOCKET_AGENT.md` has the protocol.",
        settings=settings,
        version=version("agent-websocket"),
        lifespan=lifespan,
        public_paths=frozenset({"/"}),
        page_token=page_token,
    )

    async def say_goodbye() -> None:
        for manager in managers:
            await manager.drain(settings.shutdown_grace_seconds * _GRACE_FOR_RUNS)

    app.state.lifecycle.add_shutdown_hook(say_goodbye)
    add_routes(app, lambda: managers[0], page)
    return app


def _runs(agent: ChatAgent, settings: WebSocketAgentSettings) -> Runs:
    log = MemoryEventLog(
        max_events=settings.event_log_max_events,
        max_bytes=settings.event_log_max_bytes,
        total_bytes=settings.event_log_total_bytes,
    )
    return Runs(agent, log, queue_limit=settings.queue_limit, idle_seconds=settings.connection_idle_seconds)


def _page_url(settings: WebSocketAgentSettings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "[::]") else settings.host
    return f"http://{host}:{settings.port}{settings.root_path}/"


def from_environment(environ: Mapping[str, str]) -> tuple[Service, WebSocketAgentSettings]:
    """The WebSocket agent that `environ` describes."""
    settings = load(WebSocketAgentSettings, environ)
    return create_app(
        settings, lambda: open_agent(settings), chat_page(settings.suite_urls), page_token_of(settings)
    ), settings


def page_token_of(settings: WebSocketAgentSettings) -> str | None:
    """The token that the operator has chosen, else one for this run; none where keys are asked for, beside which a
    token that nobody chose would be one more key."""
    if settings.page_token is not None:
        return settings.page_token.get_secret_value()
    return secrets.token_urlsafe(16) if settings.auth_mode == "none" else None


def main() -> int:
    """Run the service until it is told to stop; the exit code."""
    app, settings = from_environment(os.environ)
    return serve(app, settings, ws_max_size=settings.largest_frame_bytes)
