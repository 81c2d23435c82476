"""The pack *companies*: companies in SQL, and the documents that the pack *memory* stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from service_kit.store.database import opened_database
from service_kit.store.migrations import Migrations

from mcp_toolbox.database import address_of
from mcp_toolbox.packs import memory
from mcp_toolbox.packs.companies.companies import Companies
from mcp_toolbox.packs.companies.tools import CompanyTools
from mcp_toolbox.packs.memory.documents import Documents
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.settings import ToolboxSettings

MIGRATIONS = Migrations("companies", Path(__file__).parent / "migrations")


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tools over the database that `settings` names."""
    remembers = "memory" in settings.tool_packs
    migrations = [MIGRATIONS, Migrations("memory", memory.MIGRATIONS_FOLDER)] if remembers else [MIGRATIONS]
    async with opened_database(address_of(settings), migrations) as database:
        yield CompanyTools(Companies(database), Documents(database) if remembers else None).tools()
