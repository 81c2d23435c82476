"""A SQLite file, opened so that it cannot be written."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from mcp_toolbox.packs.sql.query import Column, DatabaseAway, QueryLimits, QueryRefused, QueryTooSlow, Rows

_T = TypeVar("_T")
_MOST_AT_ONCE = 4
_STEPS = 1000
"""Between two looks at the clock, in SQLite's own instructions."""

_LONGEST_VALUE = 8 * 1024 * 1024
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,  # matching takes one instruction, which no clock interrupts
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_COLUMNS = """
    SELECT t.name, t.type, c.name, c.type, NOT c."notnull", c.pk > 0
    FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c
    WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid
"""


class SqliteReader:
    """A `Reader` of a file. It is opened anew for each query, read-only, and each statement is judged while it is
    compiled: nothing but SELECT passes, whatever the file's permissions are."""

    dialect = "SQLite"

    def __init__(self, file: Path, limits: QueryLimits) -> None:
        self._file = file
        self._limits = limits
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def query(self, text: str, most_rows: int) -> Rows:
        limits = QueryLimits(min(most_rows, self._limits.rows), self._limits.bytes, self._limits.seconds)
        return await self._run(lambda connection: _selected(connection, text, limits))

    async def columns(self) -> Sequence[Column]:
        def read(connection: sqlite3.Connection) -> list[Column]:
            found = connection.execute(_COLUMNS).fetchall()
            return [Column(*names, nullable=bool(null), key=bool(key)) for *names, null, key in found]

        return await self._run(read)

    async def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        stopped = threading.Event()
        async with self._turns:
            task = asyncio.ensure_future(asyncio.to_thread(self._opened, work, stopped))
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                stopped.set()  # the thread sees it within a thousand instructions; it is not left behind
                await asyncio.wait({task}, timeout=self._limits.seconds)
                if task.done() and not task.cancelled():
                    task.exception()
                raise

    def _opened(self, work: Callable[[sqlite3.Connection], _T], stopped: threading.Event) -> _T:
        deadline = time.monotonic() + self._limits.seconds

        def over() -> bool:
            return stopped.is_set() or time.monotonic() > deadline

        try:
            address = f"file:{quote(str(self._file.absolute()))}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=self._limits.seconds)) as connection:
                _restrict(connection)
                connection.set_progress_handler(over, _STEPS)
                return work(connection)
        except sqlite3.Error as error:
            if over():
                raise QueryTooSlow from None
            if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
                raise DatabaseAway(str(error)) from None
            raise QueryRefused(str(error)) from None
        except sqlite3.Warning as error:  # several statements, in some versions of Python
            raise QueryRefused(str(error)) from None


def _restrict(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")


def _judge(action: int, _first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _selected(connection: sqlite3.Connection, text: str, limits: QueryLimits) -> Rows:
    connection.set_authorizer(_judge)
    cursor = connection.execute(text)
    if cursor.description is None:  # a comment, or REINDEX where there is no index
        raise QueryRefused("not a query")
    found = Rows(limits, [name for name, *_ in cursor.description or ()])
    for row in cursor:
        if not found.take(row):
            break
    return found
