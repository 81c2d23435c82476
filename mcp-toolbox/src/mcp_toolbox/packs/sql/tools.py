"""The tools of the pack *sql*."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

from pydantic import Field
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.packs._texts import Texts
from mcp_toolbox.packs.sql.query import Column, DatabaseAway, QueryRefused, QueryTooSlow, Reader, RoleTooStrong
from mcp_toolbox.registry.tool import Hints, Tool, from_function

_log = get_logger(__name__)
_MOST_TABLES = 100

TEXTS = {
    "refused": ("La base de datos rechaza la consulta: {reason}", "The database refuses the query: {reason}"),
    "empty": ("No hay ninguna consulta.", "There is no query."),
    "slow": (
        "La consulta se paró porque tardaba demasiado; pide menos, con un filtro o un límite.",
        "The query was stopped because it took too long; ask for less, with a filter or a limit.",
    ),
    "away": (
        "La base de datos no responde ahora mismo; inténtalo más tarde.",
        "The database is away at the moment; try again later.",
    ),
    "strong": (
        "El rol de la base de datos puede más que leer tablas, así que no se pregunta nada. Quien opera el servicio "
        "tiene que darle otro (SQL_URL).",
        "The database's role can do more than read tables, so nothing is asked. The operator has to give it another "
        "one (SQL_URL).",
    ),
    "no_table": (
        "No hay ninguna tabla «{table}». Las que hay: {tables}",
        "There is no table “{table}”. There are: {tables}",
    ),
}


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, with the database's own name of its type."""

    name: str
    type: str
    nullable: bool
    primary_key: bool


@dataclass(frozen=True)
class Table:
    """A table or a view; `columns` is empty in a list that is too long to have them."""

    name: str
    kind: str
    columns: list[TableColumn]


@dataclass(frozen=True)
class Schema:
    """What can be asked; `dialect` is the language of queries."""

    dialect: str
    tables: list[Table]
    total: int


@dataclass(frozen=True)
class Answer:
    """A query's rows, each with a value per column. `truncated` says that there are more than these."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool


class SqlTools:
    """The pack's tools over one database."""

    def __init__(self, reader: Reader, texts: Texts) -> None:
        self._reader = reader
        self._texts = texts

    def tools(self) -> list[Tool]:
        describes = Hints(title="Describe the database", read_only=True, idempotent=True, open_world=False)
        asks = Hints(title="Query the database", read_only=True, idempotent=True, open_world=False)
        return [from_function(self.sql_schema, describes), from_function(self.sql_query, asks)]

    async def sql_schema(
        self,
        table: Annotated[
            Annotated[str, Field(min_length=1, max_length=200)] | None,
            Field(description="Only this table or view; leave it out for all."),
        ] = None,
    ) -> Schema:
        """List the tables and views of the database with their columns, before a query is written. When there are very
        many, the list holds their names alone: ask for one of them by its name."""
        with self._told():
            columns = await self._reader.columns()
        tables = _tables(columns)
        if table is not None:
            wanted = [each for each in tables if each.name.lower() == table.lower()]
            if not wanted:
                raise self._texts.failed("no_table", table=table, tables=", ".join(each.name for each in tables[:50]))
            return Schema(self._reader.dialect, wanted, len(tables))
        if len(tables) > _MOST_TABLES:
            tables = [Table(each.name, each.kind, []) for each in tables]
        return Schema(self._reader.dialect, tables[: 10 * _MOST_TABLES], len(tables))

    async def sql_query(
        self,
        query: Annotated[str, Field(min_length=1, max_length=20_000, description="One SELECT statement.")],
        max_rows: Annotated[int, Field(ge=1, le=10_000, description="How many rows at most.")] = 100,
    ) -> Answer:
        """Run one SELECT over the database and return its rows; nothing can be changed. Numbers that JSON would round,
        dates and binary values come as text. sql_schema says which tables there are and in which dialect to ask."""
        if not query.strip().strip(";").strip() or "\x00" in query:
            raise self._texts.failed("empty")
        with self._told():
            found = await self._reader.query(query, max_rows)
        return Answer(list(found.columns), found.rows, found.cut)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except QueryRefused as error:
            raise self._texts.failed("refused", reason=error) from None
        except QueryTooSlow:
            raise self._texts.failed("slow") from None
        except RoleTooStrong:
            _log.error("SQL_URL has the role of a superuser, or of one that reaches files; give it one that only reads")
            raise self._texts.failed("strong") from None
        except DatabaseAway as error:
            _log.warning("database of the sql pack is away", error=str(error))
            raise self._texts.failed("away") from None


def _tables(columns: Sequence[Column]) -> list[Table]:
    def place(column: Column) -> tuple[str, str]:
        return column.table, column.kind

    return [
        Table(name, kind, [TableColumn(each.name, each.type, each.nullable, each.key) for each in of_table])
        for (name, kind), of_table in groupby(columns, place)
    ]
