"""Fixtures: the packs' databases, in a real PostgreSQL for the whole run with a new database for each test, and in
SQLite files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load

from tests.stores import new_postgres, postgres

__all__ = ["new_postgres", "postgres"]  # fixtures

Packs = Callable[..., AbstractAsyncContextManager[ToolRegistry]]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The variables that name an empty database."""
    if request.param == "postgres":
        return {"POSTGRES_URL": request.getfixturevalue("new_postgres")}
    return {"TOOLBOX_DB": str(tmp_path / "data" / "toolbox.db")}


@pytest.fixture
def packs(database: dict[str, str]) -> Packs:
    """A context manager: the catalog of these packs over that database, with these variables."""

    @asynccontextmanager
    async def opened(*names: str, **environ: str) -> AsyncIterator[ToolRegistry]:
        registry = ToolRegistry()
        settings = load(ToolboxSettings, {**database, "TOOL_PACKS": ",".join(names), **environ})
        async with opened_packs(settings, registry):
            yield registry

    return opened
