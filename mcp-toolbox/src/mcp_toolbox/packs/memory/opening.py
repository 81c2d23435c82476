"""The pack's parts, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import httpx
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs._sql.address import address_of
from mcp_toolbox.packs._sql.database import opened_database
from mcp_toolbox.packs._sql.migrations import Migrations
from mcp_toolbox.packs.memory import MIGRATIONS_FOLDER
from mcp_toolbox.packs.memory.documents import Documents
from mcp_toolbox.packs.memory.embedder import Embedder
from mcp_toolbox.packs.memory.gateway import GatewayEmbedder
from mcp_toolbox.packs.memory.index import NumpyIndex, PgvectorIndex
from mcp_toolbox.packs.memory.local import LocalEmbedder
from mcp_toolbox.packs.memory.memory import Memory
from mcp_toolbox.packs.memory.tools import MemoryTools
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.settings import ToolboxSettings

_log = get_logger(__name__)

_GATEWAY_SECONDS = 30.0
_PAUSE_SECONDS = 15.0


def memory_migrations() -> Migrations:
    return Migrations("memory", MIGRATIONS_FOLDER)


@asynccontextmanager
async def opened_memory(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """The memory's tools."""
    address = address_of(settings)
    index = PgvectorIndex() if address.is_postgres else NumpyIndex()
    async with opened_database(address, [memory_migrations()]) as database, _embedder(settings) as embedder:
        memory = Memory(database, index, embedder)
        renewing = asyncio.create_task(_renew(memory)) if settings.memory_reembed else None
        try:
            yield MemoryTools(memory, Documents(database)).tools()
        finally:
            if renewing is not None:
                renewing.cancel()
                with suppress(asyncio.CancelledError):
                    await renewing


@asynccontextmanager
async def _embedder(settings: ToolboxSettings) -> AsyncIterator[Embedder]:
    if settings.memory_embeddings == "local":
        local = LocalEmbedder()
        local.warm_up()
        try:
            yield local
        finally:
            local.close()
        return
    key = settings.llm_gateway_api_key
    headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    async with httpx.AsyncClient(base_url=settings.llm_gateway_url, headers=headers, timeout=_GATEWAY_SECONDS) as http:
        yield GatewayEmbedder(http, settings.memory_embeddings_model)


async def _renew(memory: Memory) -> None:
    while True:
        try:
            count = await memory.reembed()
        except ToolFailedError as error:
            _log.warning("memory is not embedded anew yet", error=str(error))
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            if count:
                _log.info("memory embedded anew", documents=count)
            return
