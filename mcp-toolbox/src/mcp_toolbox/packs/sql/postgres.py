"""A PostgreSQL database, read in a transaction that the server itself keeps from writing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.rows import tuple_row
from pydantic_core import to_json

from mcp_toolbox.packs.sql.query import Column, DatabaseAway, QueryRefused, QueryTooSlow, RoleTooStrong
from mcp_toolbox.packs.sql.rows import QueryLimits, Rows, exact

_MOST_AT_ONCE = 4
_CONNECT_SECONDS = 5
_GRACE_SECONDS = 1.0
_LONGEST_INTEGER = 17
"""In characters, of one that JSON's readers keep exact."""

_AT_A_TIME = 20
_AWAY = ("08", "28", "3D", "53", "57")
"""Classes of errors that are not the query's: connection, credentials, catalog, resources, shutdown."""

_ASKS_FOR_VALUES = "08P01"
"""A query with `$1` in it is answered like that."""

_TOO_STRONG = """
    SELECT FROM pg_catalog.pg_roles AS r WHERE pg_has_role(session_user, r.oid, 'MEMBER') AND (r.rolsuper
        OR r.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')) LIMIT 1
"""
_COLUMNS = """
    SELECT CASE WHEN c.table_schema = current_schema() THEN c.table_name ELSE c.table_schema || '.' || c.table_name END,
           CASE t.table_type WHEN 'BASE TABLE' THEN 'table' ELSE lower(t.table_type) END,
           c.column_name, CASE c.data_type WHEN 'USER-DEFINED' THEN c.udt_name ELSE c.data_type END,
           c.is_nullable = 'YES', EXISTS (
               SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS a
                 ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
               WHERE i.indisprimary AND a.attname = c.column_name
                 AND i.indrelid = to_regclass(quote_ident(c.table_schema) || '.' || quote_ident(c.table_name)))
    FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
    WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY c.table_schema <> current_schema(), c.table_schema, c.table_name, c.ordinal_position LIMIT 20000
"""


class PostgresReader:
    """A `Reader` of a database. Each query has a connection of its own, so that nothing it sets outlives it."""

    dialect = "PostgreSQL"

    def __init__(self, address: str, limits: QueryLimits) -> None:
        self._address = address
        self._limits = limits
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def query(self, text: str, most_rows: int) -> Rows:
        limits = QueryLimits(min(most_rows, self._limits.rows), self._limits.bytes, self._limits.seconds)
        async with self._reading() as connection:
            return await _selected(connection, text, limits)

    async def columns(self) -> Sequence[Column]:
        async with self._reading() as connection:
            return [Column(*row) for row in await (await connection.execute(_COLUMNS)).fetchall()]

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        seconds = self._limits.seconds
        try:
            async with (
                self._turns,
                asyncio.timeout(_CONNECT_SECONDS + seconds + _GRACE_SECONDS),
                _connected(self._address) as connection,
            ):
                await _restrict(connection, seconds)
                yield connection
                await connection.rollback()
        except TimeoutError:
            raise QueryTooSlow from None
        except (errors.QueryCanceled, errors.LockNotAvailable):
            raise QueryTooSlow from None
        except psycopg.Error as error:
            if error.sqlstate is None or (error.sqlstate.startswith(_AWAY) and error.sqlstate != _ASKS_FOR_VALUES):
                raise DatabaseAway(" ".join(str(error).split())[:300]) from None
            raise QueryRefused(_told(error)) from None


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[AsyncConnection]:
    connecting = asyncio.ensure_future(
        AsyncConnection.connect(
            address,
            connect_timeout=_CONNECT_SECONDS,
            row_factory=tuple_row,
            application_name="mcp-toolbox sql",
            client_encoding="utf8",
        )
    )
    try:
        connection = await asyncio.shield(connecting)
    except asyncio.CancelledError:
        # Left half made, it would stay open at the server until it is collected; its own limit bounds this wait.
        await asyncio.wait({connecting})
        if not connecting.cancelled() and connecting.exception() is None:
            await connecting.result().close()
        raise
    async with connection:
        yield connection


async def _restrict(connection: AsyncConnection, seconds: float) -> None:
    await connection.set_read_only(True)
    milliseconds = max(int(seconds * 1000), 1)
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        await connection.execute("SELECT set_config(%s, %s, true)", (name, str(milliseconds)))
    # These statements have taken the transaction's snapshot: from now on the server refuses READ WRITE for it.
    if (await connection.execute(_TOO_STRONG)).rowcount:
        raise RoleTooStrong


async def _selected(connection: AsyncConnection, text: str, limits: QueryLimits) -> Rows:
    """A prepared statement is one statement, and a cursor's query can only select. The rows come as the server's own
    JSON, in which numbers are exact, and those that are too large do not come at all."""
    query = text.strip().rstrip(";").rstrip()
    # On a line of its own, the bracket is not part of a comment at the query's end.
    selected = f"SELECT row_to_json(q)::text AS j FROM (\n{query}\n) AS q"
    cut = f"SELECT CASE WHEN octet_length(j) <= {limits.bytes} THEN j END FROM ({selected}) AS r"
    async with connection.cursor() as cursor:
        # Prepared by itself first: a bracket in the query that closes ours would make it another one.
        await cursor.execute(_statement(f"DECLARE alone NO SCROLL CURSOR FOR {query}"), prepare=True)
        await cursor.execute(_statement("FETCH 0 FROM alone"), prepare=True)
        found = Rows(limits, [column.name for column in cursor.description or ()])
        await cursor.execute(_statement("CLOSE alone"))
        await cursor.execute(_statement(f"DECLARE rows NO SCROLL CURSOR FOR {cut}"), prepare=True)
        while True:
            await cursor.execute(_statement(f"FETCH {_AT_A_TIME} FROM rows"))
            batch = await cursor.fetchall()
            for (row,) in batch:
                if row is None:
                    found.cut = True
                if row is None or not found.take(_values(row)):
                    return found
            if len(batch) < _AT_A_TIME:
                return found


def _statement(text: str) -> Any:
    return cast("Any", text.encode("utf-8", "replace"))


def _values(row: str) -> list[Any]:
    """Returns a row's values; names may stand there twice, so it is no dictionary.

    Raises:
        QueryRefused: one holds more levels than an answer can.
    """
    try:
        pairs: Any = json.loads(row, parse_int=_integer, parse_float=_number, object_pairs_hook=_Pairs)
        values = [_plain(value) for _, value in pairs]
        to_json(values)  # which has a limit of its own
    except (RecursionError, ValueError):
        raise QueryRefused("a value of the type json is nested too deeply; ask for it as text (value::text)") from None
    return values


class _Pairs(list):
    """An object of JSON as its names and values."""


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {name: _plain(inner) for name, inner in value}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _integer(text: str) -> int | str:
    return text if len(text) > _LONGEST_INTEGER else exact(int(text))  # Python refuses to read very long ones


def _number(text: str) -> float | str:
    """Returns a decimal as a float where that is the same number, else as it is written."""
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text


def _told(error: psycopg.Error) -> str:
    diagnosis = error.diag
    hint = f" ({diagnosis.message_hint})" if diagnosis.message_hint else ""
    return f"{diagnosis.message_primary or error}{hint}"[:1000]
