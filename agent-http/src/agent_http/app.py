"""The HTTP agent, composed; the only reader of its environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from agent_core.agent import Agent
from agent_core.compose import open_agent
from fastapi import FastAPI
from service_kit.docs_page import lead_home_to_docs
from service_kit.service import Service, create_service, serve
from service_kit.settings import load

from agent_http.routes import add_routes
from agent_http.schemas import complete_openapi
from agent_http.settings import HttpAgentSettings


def create_app(settings: HttpAgentSettings, agent: Callable[[], AbstractAsyncContextManager[Agent]]) -> Service:
    """The service over the agent that `agent()` opens when the service starts."""
    opened: list[Agent] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        async with agent() as running:
            opened.append(running)
            yield
            opened.clear()

    app = create_service(
        docs_as="agent",
        name="agent-http",
        title="HTTP agent",
        description="Ask an agent that uses tools: one answer with its steps, or the run as server-sent events."
        " The chat page is the WebSocket agent's (http://127.0.0.1:8002/ under `make up`).",
        settings=settings,
        version=version("agent-http"),
        lifespan=lifespan,
    )
    add_routes(app, lambda: opened[0])
    lead_home_to_docs(app)
    complete_openapi(app)
    return app


def from_environment(environ: Mapping[str, str]) -> tuple[Service, HttpAgentSettings]:
    """The HTTP agent that `environ` describes."""
    settings = load(HttpAgentSettings, environ)
    return create_app(settings, lambda: open_agent(settings)), settings


def main() -> int:
    """Run the service until it is told to stop; the exit code."""
    app, settings = from_environment(os.environ)
    return serve(app, settings)
