"""What a database can be asked, the same for every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mcp_toolbox.packs.sql.rows import Rows


class QueryRefused(Exception):
    """The database refused the query; the text is the database's own."""


class DatabaseAway(Exception):
    """The database cannot be reached, or answered nothing in time. The text is for the log."""


class RoleTooStrong(Exception):
    """The database's role can do more than read tables: a query could read and write the server's files."""


class QueryTooSlow(Exception):
    """The query was stopped at its limit."""


@dataclass(frozen=True)
class Column:
    """A column of a table; `type` is the database's own word, `key` whether it belongs to the primary key."""

    table: str
    kind: str
    name: str
    type: str
    nullable: bool
    key: bool


class Reader(Protocol):
    """A database that is read. Both methods raise QueryRefused, QueryTooSlow, RoleTooStrong and
    DatabaseAway."""

    dialect: str

    async def query(self, text: str, most_rows: int) -> Rows: ...

    async def columns(self) -> Sequence[Column]: ...
