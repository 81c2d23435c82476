"""The agent, put together from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service_kit.settings import Secret

from agent_core.agent import Agent
from agent_core.clients.chat_model import GatewayChatModel
from agent_core.clients.gateway import open_gateway
from agent_core.clients.models import Models
from agent_core.clients.toolbox import open_toolbox
from agent_core.graph import build_graph
from agent_core.memory import MemoryRetriever
from agent_core.nodes import Nodes
from agent_core.settings import AgentSettings
from agent_core.threads.threads import Threads
from agent_core.tools.selector import ToolSelector


@asynccontextmanager
async def open_agent(settings: AgentSettings) -> AsyncIterator[Agent]:
    """The agent with its connections, which are closed with the block; starts without its dependencies too."""
    async with (
        open_gateway(settings.llm_gateway_url, _value(settings.llm_gateway_api_key)) as gateway,
        open_toolbox(settings.mcp_endpoint, _value(settings.toolbox_api_key), settings.tool_timeout_seconds) as toolbox,
    ):
        models = Models(gateway, settings.default_model)
        memory = MemoryRetriever(toolbox, passages=settings.memory_passages, min_score=settings.memory_min_score)
        selector = ToolSelector(toolbox, settings.tool_search_threshold)
        nodes = Nodes(GatewayChatModel(gateway=gateway), models, toolbox, selector, memory, settings.max_steps)
        threads = Threads(
            max_threads=settings.max_threads,
            max_messages=settings.max_thread_messages,
            max_chars=settings.max_thread_chars,
        )
        yield Agent(
            graph=build_graph(nodes),
            models=models,
            toolbox=toolbox,
            threads=threads,
            settings=settings,
        )


def _value(secret: Secret | None) -> str | None:
    return secret.get_secret_value() if secret else None
