from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_toolbox.app import from_environment
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.packs.sql.rows import exact
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import SettingsError, load

from tests.stores import backends_of
from tests.waiting import eventually

TABLES = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, salary NUMERIC(10, 2))",
    "INSERT INTO people VALUES (1, 'Ana', 1000.5), (2, 'José', NULL), (3, 'Zoë', 9007199254740993)",
    "CREATE VIEW names AS SELECT name FROM people",
)


@asynccontextmanager
async def tools(url: str, **environ: str) -> AsyncIterator[ToolRegistry]:
    registry = ToolRegistry()
    given = {"TOOL_PACKS": "sql", "SQL_URL": url, "UI_LANGUAGE": "en", **environ}
    async with opened_packs(load(ToolboxSettings, given), registry):
        yield registry


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data base?.db"
    with sqlite3.connect(path) as connection:
        for statement in TABLES:
            connection.execute(statement.replace("NUMERIC(10, 2)", "REAL"))
    connection.close()
    return path


@pytest.fixture
def server(new_postgres: str) -> Iterator[str]:
    """A database whose tables belong to the role of the address, which may write them."""
    role = f"owner_{uuid4().hex}"
    with psycopg.connect(new_postgres, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute(f"GRANT ALL ON SCHEMA public TO {role}".encode())
    address = new_postgres.replace("postgres:@", f"{role}:@")
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in TABLES:
            connection.execute(statement.replace("(10, 2)", "").encode())
    yield address
    with psycopg.connect(new_postgres, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
        connection.execute(f"DROP ROLE {role}".encode())


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("server")
    return f"sqlite:///{request.getfixturevalue('file')}"


async def rows(registry: ToolRegistry, query: str, **more: Any) -> Any:
    answer = await registry.call("sql_query", {"query": query, **more})
    assert not answer.is_error, answer.text
    assert answer.structured is not None
    return answer.structured["result"]


async def refused(registry: ToolRegistry, query: str) -> str:
    answer = await registry.call("sql_query", {"query": query})
    assert answer.is_error, answer.text
    return answer.text


@pytest.mark.parametrize("value", ["", "mysql://h/d", "sqlite://x", "postgres:", "data.db"])
def test_the_address_has_to_be_one(value: str):
    with pytest.raises(SettingsError, match="SQL_URL"):
        from_environment({"TOOL_PACKS": "sql", "SQL_URL": value})


async def test_the_schema(url: str):
    async with tools(url) as registry:
        answer = await registry.call("sql_schema", {})
        assert answer.structured is not None
        schema = answer.structured["result"]
        assert schema["dialect"] in ("SQLite", "PostgreSQL")
        assert [(table["name"], table["kind"]) for table in schema["tables"]][::-1] == [
            ("people", "table"),
            ("names", "view"),
        ]
        people = schema["tables"][1]["columns"]
        assert [(each["name"], each["type"].lower(), each["primary_key"]) for each in people][:2] == [
            ("id", "integer", True), ("name", "text", False),
        ]  # fmt: skip
        assert not people[1]["nullable"]
        one = await registry.call("sql_schema", {"table": "People"})
        assert one.structured is not None
        assert [table["name"] for table in one.structured["result"]["tables"]] == ["people"]
        assert "There are: names, people" in (await registry.call("sql_schema", {"table": "nope"})).text


async def test_a_query(url: str):
    async with tools(url) as registry:
        answer = await rows(registry, "SELECT id, name FROM people WHERE name LIKE '%a%' ORDER BY id; ")
        assert answer == {"columns": ["id", "name"], "rows": [[1, "Ana"]], "truncated": False}
        assert (await rows(registry, "WITH x AS (SELECT 1 AS n) SELECT n, n FROM x -- and a comment"))["rows"] == [
            [1, 1]
        ]
        assert (await rows(registry, "SELECT name FROM people WHERE id > 9"))["columns"] == ["name"]
        assert (await rows(registry, "SELECT '50%' AS a, ';' AS b, '/*' AS c"))["rows"] == [["50%", ";", "/*"]]
        assert (await rows(registry, "VALUES (1), (2)"))["rows"] == [[1], [2]]


async def test_rows_and_bytes_are_limited(url: str):
    many = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 500) SELECT n, 'x' FROM r"
    async with tools(url, SQL_MAX_ROWS="50", SQL_MAX_BYTES="1024") as registry:
        answer = await rows(registry, many)
        assert (len(answer["rows"]), answer["truncated"]) == (50, True)
        assert len((await rows(registry, many, max_rows=3))["rows"]) == 3
        wide = await rows(registry, many.replace("'x'", "'" + "x" * 200 + "'"))
        assert (0 < len(wide["rows"]) <= 5, wide["truncated"]) == (True, True)
        one = await rows(registry, many.replace("'x'", "'" + "x" * 2000 + "'"))
        assert (one["rows"], one["truncated"]) == ([], True)


WRITES = [
    "INSERT INTO people VALUES (4, 'x', 1)", "UPDATE people SET name = 'x'", "DELETE FROM people", "DROP TABLE people",
    "CREATE TABLE x (a int)", "CREATE TEMP TABLE x (a int)", "ALTER TABLE people ADD COLUMN x int", "VACUUM", "REINDEX",
    "BEGIN", "COMMIT", "ROLLBACK", "COMMIT; DELETE FROM people", "SELECT 1; DELETE FROM people", "SELECT 1;;SELECT 2",
    "SELECT 1) AS q; DELETE FROM people; --", "SELECT 1) AS q) AS r; COMMIT; DELETE FROM people --", "",
    ";", "-- nothing", "/*", "SELECT 'open", "WITH d AS (DELETE FROM people RETURNING *) SELECT * FROM d",
    "EXPLAIN ANALYZE DELETE FROM people", "SELECT 1 \x00 DELETE FROM people",
]  # fmt: skip


@pytest.mark.parametrize("query", WRITES)
async def test_nothing_is_written(url: str, query: str):
    async with tools(url) as registry:
        answer = await registry.call("sql_query", {"query": query}) if query else None
        assert answer is None or answer.is_error
        assert (await rows(registry, "SELECT count(*), max(name) FROM people"))["rows"] == [[3, "Zoë"]]


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH 'x.db' AS x", "ATTACH ':memory:' AS x", "DETACH main", "PRAGMA query_only = OFF", "PRAGMA journal_mode",
        "PRAGMA writable_schema = ON", "SELECT load_extension('x')", "VACUUM INTO 'x.db'", "SELECT writefile('x', 'y')",
        "SELECT fts3_tokenizer('x')", "SAVEPOINT x", "REPLACE INTO people VALUES (1, 'x', 1)",
        "SELECT * FROM pragma_journal_mode", "CREATE VIRTUAL TABLE x USING fts5(a)", "ANALYZE",
    ],
)  # fmt: skip
async def test_sqlite_does_nothing_else(file: Path, query: str):
    before = file.read_bytes()
    async with tools(f"sqlite:///{file}") as registry:
        await refused(registry, query)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "query",
    [
        "COPY people TO '/tmp/x'", "COPY people TO PROGRAM 'id'", "COPY (SELECT 1) TO STDOUT", "DO $$ BEGIN END $$",
        "CALL x()", "SET transaction_read_only = off", "SET TRANSACTION READ WRITE", "RESET ALL", "LISTEN x",
        "PREPARE x AS SELECT 1", "LOCK TABLE people", "SHOW ALL", "TRUNCATE people", "GRANT ALL ON people TO public",
        "SELECT set_config('transaction_read_only', 'off', true)", "SELECT nextval('numbers')",
        "SELECT lo_create(0)", "SELECT * FROM people FOR UPDATE", "SELECT * INTO x FROM people", "DISCARD ALL",
        "SELECT pg_notify('a', 'b') FROM (SELECT set_config('transaction_read_only', 'off', false)) AS x",
    ],
)  # fmt: skip
async def test_postgres_does_nothing_else(server: str, query: str):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE numbers")
    async with tools(server) as registry:
        await refused(registry, query)
        assert (await rows(registry, "SELECT count(*), max(name) FROM people"))["rows"] == [[3, "Zoë"]]


async def test_what_a_query_sets_does_not_outlive_it(server: str):
    async with tools(server) as registry:
        await rows(registry, "SELECT set_config('search_path', 'x', false)")
        await rows(registry, "SELECT count(*) FROM people")
        assert await rows(registry, "SELECT current_setting('transaction_read_only') AS x") == {
            "columns": ["x"], "rows": [["on"]], "truncated": False,
        }  # fmt: skip


ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"


async def test_a_long_query_is_stopped(url: str):
    async with tools(url, SQL_TIMEOUT_SECONDS="0.3") as registry:
        began = time.monotonic()
        assert "took too long" in await refused(registry, ENDLESS)
        assert time.monotonic() - began < 5


async def test_a_caller_who_leaves_ends_the_query_in_sqlite(file: Path):
    async with tools(f"sqlite:///{file}", SQL_TIMEOUT_SECONDS="60") as registry:
        task = asyncio.ensure_future(rows(registry, ENDLESS))
        await asyncio.sleep(0)
        await asyncio.sleep(0.1)  # any moment of it
        task.cancel()
        began = time.monotonic()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
        assert time.monotonic() - began < 3


def asleep(address: str) -> bool:
    with psycopg.connect(address, autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'")
        return found.rowcount > 0


@pytest.mark.parametrize("moment", [lambda address: backends_of(address) != [], asleep], ids=["connecting", "asking"])
async def test_a_caller_who_leaves_ends_the_query_in_postgres(server: str, moment: Callable[[str], bool]):
    async with tools(server, SQL_TIMEOUT_SECONDS="60") as registry:
        task = asyncio.ensure_future(rows(registry, "SELECT pg_sleep(50)"))
        await eventually(lambda: moment(server))
        task.cancel()
        await asyncio.wait({task}, timeout=8)
        assert task.cancelled()
        await eventually(lambda: backends_of(server) == [])


async def test_a_huge_value_does_not_come_here(server: str):
    async with tools(server) as registry:
        answer = await rows(registry, "SELECT repeat('x', 100000000)")
        assert (answer["rows"], answer["truncated"]) == ([], True)


async def test_a_huge_value_is_refused_by_sqlite(file: Path):
    async with tools(f"sqlite:///{file}") as registry:
        assert "too big" in await refused(registry, "SELECT zeroblob(1000000000)")
        assert "too complex" in await refused(registry, f"SELECT 1 WHERE 'x' LIKE '{'%a' * 100}'")


async def test_values_are_exact(server: str):
    query = """SELECT 9007199254740993::bigint, 1.10::numeric, 0.1::float8, 12345678901234567890.123::numeric,
        'NaN'::float8, true, NULL, '2026-03-29 02:30:00.5'::timestamp, 'infinity'::date, '\\x00ff'::bytea,
        '{"a": [1, 2.5, 1.00000000000000000001]}'::jsonb, ARRAY[1, NULL], '1 day 02:00'::interval, 'ñ"\\'"""
    async with tools(server) as registry:
        assert (await rows(registry, query))["rows"] == [[
            "9007199254740993", 1.1, 0.1, "12345678901234567890.123", "NaN", True, None, "2026-03-29T02:30:00.5",
            "infinity", "\\x00ff", {"a": [1, 2.5, "1.00000000000000000001"]}, [1, None], "1 day 02:00:00", 'ñ"\\',
        ]]  # fmt: skip


async def test_values_are_exact_in_sqlite(file: Path):
    query = "SELECT 9007199254740993, 0.1, 9e999, -9e999, x'00ff', NULL, 'ñ', CAST(x'ff' AS TEXT)"
    async with tools(f"sqlite:///{file}") as registry:
        assert (await rows(registry, query))["rows"] == [
            ["9007199254740993", 0.1, "Infinity", "-Infinity", "\\x00ff", None, "ñ", "�"]
        ]


@given(st.integers() | st.floats() | st.text() | st.binary() | st.none() | st.booleans())
def test_a_number_stays_the_same_number(value: Any):
    told = exact(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert str(told) == str(value) or float(told) == value or str(told) == "NaN"
    assert isinstance(told, int) is False or abs(told) < 2**53


WORDS = st.sampled_from(
    ["SELECT", "1", "*", "FROM", "people", ";", "--", "/*", "*/", "DELETE", "(", ")", "AS", "q", "'", '"', "$$", "\n",
     "COMMIT", "DROP TABLE", "UNION", "WITH", "x", ",", "INTO", "RETURNING", "PRAGMA", "ATTACH"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@pytest.mark.timeout(60)
@given(words=st.lists(WORDS, max_size=12))
async def test_whatever_is_asked_nothing_is_written(url: str, words: list[str]):
    async with tools(url, SQL_TIMEOUT_SECONDS="1") as registry:
        if words:
            await registry.call("sql_query", {"query": " ".join(words)})
        assert (await rows(registry, "SELECT count(*), max(name) FROM people"))["rows"] == [[3, "Zoë"]]


@pytest.mark.parametrize("url", ["sqlite:////nowhere/x.db", "postgres://u:hidden-word@127.0.0.1:1/db"])
async def test_a_database_that_is_away_is_told(url: str):
    async with tools(url) as registry:
        text = await refused(registry, "SELECT 1")
    assert text == "The database is away at the moment; try again later."


@pytest.fixture
def role(new_postgres: str) -> Iterator[Callable[..., str]]:
    """Makes a role with those statements, in which {0} is its name, and returns the address with it."""
    name = f"role_{uuid4().hex}"

    def made(*statements: str) -> str:
        with psycopg.connect(new_postgres, autocommit=True) as connection:
            for statement in ("CREATE ROLE {0} LOGIN", *statements):
                connection.execute(statement.format(name).encode())
        return new_postgres.replace("postgres:@", f"{name}:@")

    yield made
    with psycopg.connect(new_postgres, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {name}, {name}_above".encode())


async def test_a_role_without_rights_is_told(role: Callable[..., str]):
    async with tools(role("CREATE TABLE closed (a int)")) as registry:
        assert "permission denied" in await refused(registry, "SELECT * FROM closed")


@pytest.mark.parametrize(
    "grants",
    [
        ["ALTER ROLE {0} SUPERUSER"],
        ["GRANT pg_read_server_files TO {0}"],
        ["GRANT pg_execute_server_program TO {0}"],
        ["CREATE ROLE {0}_above SUPERUSER", "GRANT {0}_above TO {0}", "ALTER ROLE {0} NOINHERIT"],
    ],
)
async def test_a_role_that_reaches_the_servers_files_is_not_used(role: Callable[..., str], grants: list[str]):
    async with tools(role(*grants)) as registry:
        assert "can do more than read tables" in await refused(registry, "SELECT pg_read_file('postgresql.conf')")
        schema = await registry.call("sql_schema", {})
        assert (schema.is_error, "can do more" in schema.text) == (True, True)


async def test_values_that_python_cannot_read(server: str):
    async with tools(server) as registry:
        long = await rows(registry, "SELECT 10::numeric ^ 5000, ('1' || repeat('0', 6000))::json, -9007199254740993")
        assert [len(str(value).partition(".")[0]) for value in long["rows"][0]] == [5001, 6001, 17]
        assert "nested too deeply" in await refused(registry, "SELECT (repeat('[', 5000) || repeat(']', 5000))::json")
        assert "nested too deeply" in await refused(registry, "SELECT (repeat('[', 300) || repeat(']', 300))::json")
        assert "parameter" in (await refused(registry, "SELECT $1")).lower()


async def test_what_sqlite_does_in_one_step_is_stopped_too(file: Path):
    slow = "SELECT instr(hex(zeroblob(3500000)), hex(zeroblob(1700000)) || 'b')"
    async with tools(f"sqlite:///{file}", SQL_TIMEOUT_SECONDS="0.2") as registry:
        began = time.monotonic()
        assert "took too long" in await refused(registry, slow)
        assert time.monotonic() - began < 8
        task = asyncio.ensure_future(rows(registry, slow))
        await asyncio.sleep(0.05)  # any moment of it
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
