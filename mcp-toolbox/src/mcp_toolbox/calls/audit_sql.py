"""The audit in a database that all replicas share."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from service_kit.store.address import DatabaseAddress
from service_kit.store.database import Database, opened_database
from service_kit.store.errors import StoreAway
from service_kit.store.migrations import Migrations
from sqlalchemy import BigInteger, Column, Float, MetaData, String, Table, Text, delete, select
from sqlalchemy.dialects.postgresql import insert

from mcp_toolbox.calls.audit import Entry

MIGRATIONS = Migrations("audit", Path(__file__).parent / "migrations")
_CLEANING_SECONDS = 3600.0
_BATCH = 1000
"""In rows: a statement of PostgreSQL has at most 65,535 parameters."""

_CALLS = Table(
    "tool_calls",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("at", Float),
    Column("request_id", String),
    Column("principal", String),
    Column("end_user", String),
    Column("traceparent", String),
    Column("tool", String),
    Column("source", String),
    Column("outcome", String),
    Column("milliseconds", Float),
    Column("result_bytes", BigInteger),
    Column("transport", String),
    Column("arguments", Text),
)


class SqlAudit:
    """An `AuditStore` in PostgreSQL, in the table `tool_calls`. Rows whose call is `keep_seconds` ago are deleted
    with later ones, once an hour."""

    name = "database"

    def __init__(self, address: DatabaseAddress, keep_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._address = address
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._cleaning_at = 0.0
        self._database: Database | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Opens the database until the block ends; it may be away."""
        async with opened_database(self._address, [MIGRATIONS]) as database:
            self._database = database
            yield

    async def keep(self, entries: Sequence[Entry]) -> None:
        async with self._open().writing() as connection:
            for start in range(0, len(entries), _BATCH):
                rows = [_row(entry) for entry in entries[start : start + _BATCH]]
                await connection.execute(insert(_CALLS).values(rows).on_conflict_do_nothing())
            now = self._clock()
            if now >= self._cleaning_at:
                await connection.execute(delete(_CALLS).where(_CALLS.c.at < now - self._keep_seconds))
                self._cleaning_at = now + _CLEANING_SECONDS

    async def recent(self, most: int, principal: str | None = None) -> list[Entry]:
        """Returns the last calls of all replicas, at most `most`, the newest first; of one principal, or of all.

        Raises:
            StoreAway: the database is away.
        """
        wanted = select(_CALLS).order_by(_CALLS.c.at.desc()).limit(most)
        if principal is not None:
            wanted = wanted.where(_CALLS.c.principal == principal)
        async with self._open().reading() as connection:
            rows = (await connection.execute(wanted)).mappings()
            return [Entry(**{**row, "arguments": _decoded(row["arguments"])}) for row in rows]

    def _open(self) -> Database:
        if self._database is None:
            raise StoreAway(self._address.shown, "it is not open")
        return self._database


def _row(entry: Entry) -> dict[str, object]:
    arguments = None if entry.arguments is None else msgspec.json.encode(entry.arguments, enc_hook=str).decode()
    named = {**entry._asdict(), "arguments": arguments}
    # PostgreSQL's text holds no NUL.
    return {key: value.replace("\0", "\ufffd") if isinstance(value, str) else value for key, value in named.items()}


def _decoded(arguments: str | None) -> dict[str, object] | None:
    return None if arguments is None else msgspec.json.decode(arguments)
