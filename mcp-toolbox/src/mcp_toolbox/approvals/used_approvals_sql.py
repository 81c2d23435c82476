"""The record of used approvals, in a database that all replicas share."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from service_kit.store.address import DatabaseAddress
from service_kit.store.database import Database, opened_database
from service_kit.store.errors import StoreAway
from service_kit.store.migrations import Migrations
from sqlalchemy import Column, Float, MetaData, String, Table, delete
from sqlalchemy.dialects.postgresql import insert

MIGRATIONS = Migrations("approvals", Path(__file__).parent / "migrations")

_SPENT = Table("spent_approvals", MetaData(), Column("operation", String, primary_key=True), Column("until", Float))


class SqlUsedApprovals:
    """A `UsedApprovals` in PostgreSQL: an approval is used once across all replicas and restarts."""

    def __init__(self, address: DatabaseAddress, clock: Callable[[], float] = time.time) -> None:
        self._address = address
        self._clock = clock
        self._database: Database | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with opened_database(self._address, [MIGRATIONS]) as database:
            self._database = database
            yield

    async def spend(self, operation: str, until: float) -> bool:
        """Marks `operation` as used, as `UsedApprovals` describes.

        Raises:
            StoreAway: the database is away, so the answer is not known.
        """
        if self._database is None:
            raise StoreAway(self._address.shown, "it is not open")
        async with self._database.writing() as connection:
            await connection.execute(delete(_SPENT).where(_SPENT.c.until <= self._clock()))
            noted = insert(_SPENT).values(operation=operation, until=until).on_conflict_do_nothing()
            return (await connection.execute(noted.returning(_SPENT.c.operation))).first() is not None
