"""The composition of the pack *memory*."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext

import httpx2
from service_kit.background import Unavailable, supervised
from service_kit.store.database import opened_database
from service_kit.store.migrations import Migrations
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.database import address_of
from mcp_toolbox.errors import ToolFailedError
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
    """Returns the migrations of the memory's tables."""
    return Migrations("memory", MIGRATIONS_FOLDER)


@asynccontextmanager
async def opened_memory(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the memory's database, embedder and tools until the block ends."""
    address = address_of(settings)
    index = PgvectorIndex() if address.is_postgres else NumpyIndex()
    async with opened_database(address, [memory_migrations()]) as database, _embedder(settings) as embedder:
        memory = Memory(database, index, embedder)
        renewing = supervised("memory embedded anew", lambda: _renew(memory), longest_pause_seconds=_PAUSE_SECONDS)
        async with renewing if settings.memory_reembed else nullcontext():
            yield MemoryTools(memory, Documents(database)).tools()


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
    async with httpx2.AsyncClient(base_url=settings.llm_gateway_url, headers=headers, timeout=_GATEWAY_SECONDS) as http:
        yield GatewayEmbedder(http, settings.memory_embeddings_model)


async def _renew(memory: Memory) -> None:
    """Computes all vectors again if the model has changed.

    Raises:
        Unavailable: the database or the embedder is away.
    """
    try:
        count = await memory.reembed()
    except ToolFailedError as error:
        raise Unavailable(str(error)) from None
    if count:
        _log.info("memory embedded anew", documents=count)
