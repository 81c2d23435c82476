"""The packs' database: transactions for tools, ready or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs._sql.address import Address
from mcp_toolbox.packs._sql.migrations import Migrations, migrate
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

_PATIENCE_SECONDS = 3.0
_TRANSACTION_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 15.0
_BEGIN = "sqlite_begin"


class Database:
    """One database with its tables; made by `opened_database`.

    It may be away: `reading` and `writing` then fail in words that a model can read, and it is tried again in the
    background until it is there.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._engine = _engine(address)
        self._writing = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._ready = asyncio.Event()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes nothing.

        Raises:
            ToolFailedError: the database is away.
        """
        async with self._transaction(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes something; it is undone when the block raises.

        Raises:
            ToolFailedError: the database is away.
        """
        async with self._transaction(self._writing) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._ready.wait()
            async with asyncio.timeout(_TRANSACTION_SECONDS), engine.begin() as connection:
                yield connection
        except TimeoutError:
            raise _away() from None
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            _log.warning("database failed", database=self.address.shown, error=_reason(error))
            raise _away() from None

    async def prepare(self, migrations: Sequence[Migrations]) -> None:
        """Bring the tables up to date; tried again, with growing pauses, until it works."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await asyncio.to_thread(migrate, self.address, migrations)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("database is away", database=self.address.shown, error=_reason(error), retryIn=pause)
            else:
                return self._ready.set()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def close(self) -> None:
        await self._engine.dispose()


@asynccontextmanager
async def opened_database(address: Address, migrations: Sequence[Migrations]) -> AsyncIterator[Database]:
    """The database at `address`, whose tables are brought up to date in the background."""
    database = Database(address)
    preparing = asyncio.create_task(database.prepare(migrations))
    try:
        yield database
    finally:
        preparing.cancel()
        with suppress(asyncio.CancelledError):
            await preparing
        await database.close()


def _away() -> ToolFailedError:
    return ToolFailedError("The database is away at the moment; try again in a minute.")


def _reason(error: Exception) -> str:
    """The driver's own words: SQLAlchemy's hold the statement with its values."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split())[:300]


def _engine(address: Address) -> AsyncEngine:
    if address.is_postgres:
        return create_async_engine(
            address.later, pool_pre_ping=True, pool_size=5, max_overflow=5, pool_timeout=5, hide_parameters=True,
            connect_args={"connect_timeout": 5},
        )  # fmt: skip
    engine = create_async_engine(address.later, hide_parameters=True, connect_args={"timeout": 5})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: object, _: object) -> None:
    # The driver would begin transactions by itself, at the first change: too late to be sure of the write lock.
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("foreign_keys = ON", "synchronous = NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
