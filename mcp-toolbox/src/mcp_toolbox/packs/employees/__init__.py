"""The pack *employees*: a register of employees in SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from service_kit.store.database import opened_database
from service_kit.store.migrations import Migrations

from mcp_toolbox.database import address_of
from mcp_toolbox.packs.employees.register import Register
from mcp_toolbox.packs.employees.tools import EmployeeTools
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.settings import ToolboxSettings

MIGRATIONS = Migrations("employees", Path(__file__).parent / "migrations")


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tools over the database that `settings` names."""
    async with opened_database(address_of(settings), [MIGRATIONS]) as database:
        yield EmployeeTools(Register(database)).tools()
