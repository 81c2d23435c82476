"""The program that reads a SQLite file: `python -m mcp_toolbox.packs.sql.sqlite_program FILE SECONDS ROWS BYTES`.

It reads a query from standard input (nothing: the columns of all tables) and writes `{"columns", "rows", "cut"}` as
JSON, or `{"error": "refused" | "slow" | "away", "text"}`. It is a process of its own, because some functions of SQLite
take hours over arguments of a few megabytes, in one instruction that nothing in SQLite interrupts.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from contextlib import closing
from typing import Any
from urllib.parse import quote

from mcp_toolbox.packs._process_limits import limit_this_process
from mcp_toolbox.packs.sql.rows import QueryLimits, Rows

_MEMORY_BYTES = 512 * 1024 * 1024
_STEPS = 1000
"""Between two looks at the clock, in SQLite's own instructions."""

_LONGEST_VALUE = 8 * 1024 * 1024
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,  # matching takes one instruction
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_COLUMNS = """
    SELECT t.name, t.type, c.name, c.type, NOT c."notnull", c.pk > 0
    FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c
    WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid
"""


def main(arguments: list[str]) -> int:
    file, seconds, rows, most_bytes = arguments
    limits = QueryLimits(int(rows), int(most_bytes), float(seconds))
    limit_this_process(_MEMORY_BYTES, int(limits.seconds) + 2)
    answer = _answer(file, sys.stdin.buffer.read().decode(), limits)
    sys.stdout.buffer.write(json.dumps(answer).encode())
    return 0


def _answer(file: str, query: str, limits: QueryLimits) -> dict[str, Any]:
    deadline = time.monotonic() + limits.seconds

    def over() -> bool:
        return time.monotonic() > deadline

    try:
        address = f"file:{quote(file)}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=limits.seconds)) as connection:
            _restrict(connection)
            connection.set_progress_handler(over, _STEPS)
            return _selected(connection, query, limits) if query else _columns(connection)
    except (sqlite3.Error, sqlite3.Warning, MemoryError) as error:  # a warning: several statements, in some Pythons
        if over():
            return {"error": "slow"}
        away = isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error)
        return {"error": "away" if away else "refused", "text": str(error) or "out of memory"}


def _restrict(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")


def _columns(connection: sqlite3.Connection) -> dict[str, Any]:
    return {"rows": connection.execute(_COLUMNS).fetchall()}


def _judge(action: int, _first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _selected(connection: sqlite3.Connection, text: str, limits: QueryLimits) -> dict[str, Any]:
    connection.set_authorizer(_judge)
    cursor = connection.execute(text)
    if cursor.description is None:  # a comment, or REINDEX where there is no index
        return {"error": "refused", "text": "not a query"}
    found = Rows(limits, [name for name, *_ in cursor.description or ()])
    for row in cursor:
        if not found.take(row):
            break
    return {"columns": found.columns, "rows": found.rows, "cut": found.cut}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
