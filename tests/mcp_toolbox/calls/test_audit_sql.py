"""The audit in a real PostgreSQL, which replicas share, and which may be away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from mcp_toolbox.calls.audit import AuditLog, Entry
from mcp_toolbox.calls.audit_sql import SqlAudit
from mcp_toolbox.database import address_of
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.store.errors import StoreAway

from tests.mcp_toolbox.calls.test_audit import entry
from tests.stores import new_postgres, postgres
from tests.waiting import eventually

__all__ = ["new_postgres", "postgres"]  # fixtures

DAY = 86_400.0


def audit_in(url: str, now: float = 1_700_000_100.0) -> SqlAudit:
    return SqlAudit(address_of(load(ToolboxSettings, {"POSTGRES_URL": url})), DAY, lambda: now)


def numbered(*numbers: int, **changes: Any) -> list[Entry]:
    return [entry(number, id=f"id{number}", at=1_700_000_000.0 + number, **changes) for number in numbers]


async def test_what_is_kept_comes_back_as_it_was(new_postgres: str):
    (whole,) = numbered(1, arguments={"a": [1, "ñ"]}, end_user="ana", traceparent="00-x-y-01")
    (bare,) = numbered(2, source=None, result_bytes=None, arguments=None, principal="k2", tool="odd\0name")
    async with (store := audit_in(new_postgres)).running():
        await store.keep([whole, bare])
        await store.keep([whole])  # given again: it was not known whether it had been stored
        assert await store.recent(10) == [bare._replace(tool="odd\ufffdname"), whole]
        assert await store.recent(10, "k1") == [whole]
        assert await store.recent(1) == [bare._replace(tool="odd\ufffdname")]


async def test_a_large_batch_and_the_rows_of_another_replica(new_postgres: str):
    one, two = audit_in(new_postgres), audit_in(new_postgres)
    async with one.running(), two.running():
        await one.keep(numbered(*range(5_000)))
        await two.keep(numbered(5_000))
        assert [each.id for each in await one.recent(2)] == ["id5000", "id4999"]


async def test_old_rows_are_deleted(new_postgres: str):
    async with (store := audit_in(new_postgres)).running():
        await store.keep(numbered(1, 2))
    async with (later := audit_in(new_postgres, 1_700_000_001.5 + DAY)).running():
        await later.keep(numbered(3))
        assert [each.id for each in await later.recent(5)] == ["id3", "id2"]


def store_has(url: str, *ids: str) -> Callable[[], bool]:
    def check() -> bool:
        with psycopg.connect(url) as connection:
            if connection.execute("SELECT to_regclass('tool_calls')").fetchone() == (None,):
                return False
            return [row[0] for row in connection.execute("SELECT id FROM tool_calls ORDER BY id")] == list(ids)

    return check


@contextmanager
def away(postgres: str, url: str) -> Iterator[None]:
    """The database of `url` ends its connections and takes no new ones."""
    name = urlsplit(url).path.strip("/")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


async def test_while_the_database_is_away_entries_wait_and_none_is_lost_or_doubled(postgres: str, new_postgres: str):
    store = audit_in(new_postgres)
    async with store.running():
        audit = AuditLog([store])
        async with audit.running(every_seconds=0.02):
            audit.record(numbered(1)[0])
            await eventually(store_has(new_postgres, "id1"))
            with away(postgres, new_postgres):
                audit.record(numbered(2)[0])
                with pytest.raises(StoreAway):
                    await store.recent(5)
                audit.record(numbered(3)[0])
            await eventually(store_has(new_postgres, "id1", "id2", "id3"))


async def test_replicas_share_one_audit(serve_toolbox: Any, new_postgres: str):
    environ = {"POSTGRES_URL": new_postgres}
    body = {"name": "add", "arguments": {"a": 5, "b": 3}}
    async with serve_toolbox(**environ) as one, serve_toolbox(**environ) as two, httpx.AsyncClient() as http:
        for url in (one, two):
            assert (await http.post(f"{url}/mcp/tools/call", json=body)).status_code == 200
    async with (store := audit_in(new_postgres)).running():
        assert [(each.tool, each.outcome) for each in await store.recent(5)] == [("add", "ok")] * 2
