"""The pack *sql*: questions to a database of the operator's, which cannot change anything there.

Its modules are imported when it is opened: the process that reads a SQLite file imports this package too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_toolbox.packs.sql.query import Reader
    from mcp_toolbox.packs.sql.rows import QueryLimits
    from mcp_toolbox.registry.tool import Tool
    from mcp_toolbox.settings import ToolboxSettings


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tools over the database that `settings` names. It is reached when a tool is called."""
    from mcp_toolbox.packs._texts import Texts
    from mcp_toolbox.packs.sql.rows import QueryLimits
    from mcp_toolbox.packs.sql.tools import TEXTS, SqlTools

    limits = QueryLimits(settings.sql_max_rows, settings.sql_max_bytes, settings.sql_timeout_seconds)
    yield SqlTools(reader_of(settings, limits), Texts(TEXTS, settings.ui_language)).tools()


def reader_of(settings: ToolboxSettings, limits: QueryLimits) -> Reader:
    """Returns the reader of the database at SQL_URL; only the driver that it needs is imported."""
    url = settings.sql_url.get_secret_value() if settings.sql_url else ""
    if url.startswith("sqlite:///"):
        from pathlib import Path

        from mcp_toolbox.packs.sql.sqlite import SqliteReader

        return SqliteReader(Path(url.removeprefix("sqlite:///")).expanduser(), limits)
    from mcp_toolbox.packs.sql.postgres import PostgresReader

    return PostgresReader(url, limits)
