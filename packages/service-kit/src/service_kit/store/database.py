"""An SQL database whose transactions are limited in time, even while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import Connection, event
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service_kit.background import supervised
from service_kit.store.address import DatabaseAddress
from service_kit.store.errors import StoreAway
from service_kit.store.migrations import Migrations, migrate
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

READY_SECONDS = 3.0
TRANSACTION_SECONDS = 15.0
_LONGEST_PAUSE_SECONDS = 15.0
_CLOSE_SECONDS = 2.0
_GIVING_UP_SECONDS = 0.5
_BEGIN = "sqlite_begin"


class Database:
    """A database with its tables; made by `opened_database`.

    The database may be away. `reading` and `writing` then raise StoreAway: within `ready_seconds` as long as the tables
    have not been brought up to date, and at the latest half a second after `transaction_seconds`. A loop in the
    background tries again until the tables are up to date.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        ready_seconds: float = READY_SECONDS,
        transaction_seconds: float = TRANSACTION_SECONDS,
    ) -> None:
        self.address = address
        self._ready_seconds = ready_seconds
        self._transaction_seconds = transaction_seconds
        self._engine = _engine(address)
        self._writing = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._ready = asyncio.Event()
        self._away = False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Opens a transaction that changes nothing, until the block ends.

        Raises:
            StoreAway: the database is away.
        """
        async with self._transaction(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Opens a transaction that may change data. It is committed when the block ends, and rolled back if the block
        raises.

        Raises:
            StoreAway: the database is away. If the connection broke during the commit, the change may have happened.
        """
        async with self._transaction(self._writing) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(self._ready_seconds):
                await self._ready.wait()
        except TimeoutError:
            raise StoreAway(self.address.shown, "its tables are not ready") from None
        # When cancelled, psycopg asks the server to cancel the query and waits for ten seconds; a second cancellation
        # makes it drop the connection.
        limit = asyncio.timeout(self._transaction_seconds)
        hard_limit = asyncio.timeout(self._transaction_seconds + _GIVING_UP_SECONDS)
        try:
            async with hard_limit, limit, _begun(engine) as connection:
                yield connection
        except TimeoutError as error:
            if not (limit.expired() or hard_limit.expired()):  # a timeout of the caller's own
                raise
            raise self._note_away(f"no answer within {self._transaction_seconds:g} s") from error
        except (DBAPIError, PoolTimeout) as error:
            if not _means_away(error):
                raise
            raise self._note_away(reason_of(error)) from None
        self._note_back()

    async def prepare(self, migrations: Sequence[Migrations]) -> None:
        """Brings the tables up to date.

        Raises:
            StoreAway: the database is away; `prepare` may be called again.
        """
        try:
            await asyncio.to_thread(migrate, self.address, migrations)
        except (SQLAlchemyError, OSError) as error:
            raise StoreAway(self.address.shown, reason_of(error)) from None
        self._ready.set()

    async def close(self) -> None:
        """Closes all connections."""
        await self._engine.dispose()

    def _note_away(self, reason: str) -> StoreAway:
        if not self._away:
            _log.warning("database is away", database=self.address.shown, error=reason)
        self._away = True
        return StoreAway(self.address.shown, reason)

    def _note_back(self) -> None:
        if self._away:
            _log.info("database is there again", database=self.address.shown)
        self._away = False


@asynccontextmanager
async def opened_database(
    address: DatabaseAddress,
    migrations: Sequence[Migrations],
    *,
    ready_seconds: float = READY_SECONDS,
    transaction_seconds: float = TRANSACTION_SECONDS,
) -> AsyncIterator[Database]:
    """Opens the database at `address` until the block ends, and brings its tables up to date in the background."""
    database = Database(address, ready_seconds=ready_seconds, transaction_seconds=transaction_seconds)
    parts = ", ".join(each.part for each in migrations)
    try:
        async with supervised(
            f"tables of {parts}",
            lambda: database.prepare(migrations),
            longest_pause_seconds=_LONGEST_PAUSE_SECONDS,
        ):
            yield database
    finally:
        await database.close()


@asynccontextmanager
async def _begun(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Opens a transaction whose connection is dropped if the block is cancelled. A rollback would wait for a server
    that may never answer; dropping the connection rolls back as well."""
    connection = await engine.connect()
    try:
        async with connection.begin():
            try:
                yield connection
            except asyncio.CancelledError:
                await _dropped(connection)
                raise
    finally:
        await connection.close()


async def _dropped(connection: AsyncConnection) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await connection.invalidate()
    except (TimeoutError, SQLAlchemyError) as error:
        _log.warning("connection is left behind", error=reason_of(error))


def _means_away(error: DBAPIError | PoolTimeout) -> bool:
    """Returns whether `error` means that the database is away, not that a statement was wrong (constraints, unknown
    columns, values that do not fit)."""
    if isinstance(error, PoolTimeout | OperationalError | InterfaceError):
        return True
    # For a file that is not a database, SQLite raises DatabaseError itself and none of its subclasses.
    return error.connection_invalidated or type(error) is DatabaseError


def reason_of(error: BaseException) -> str:
    """Returns the driver's own message, at most 300 characters. SQLAlchemy's message would contain the statement with
    its values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split())[:300] or type(cause).__name__


def _engine(address: DatabaseAddress) -> AsyncEngine:
    if address.is_postgres:
        return create_async_engine(
            address.url, pool_pre_ping=True, pool_size=5, max_overflow=5, pool_timeout=5, hide_parameters=True,
            connect_args={"connect_timeout": 5},
        )  # fmt: skip
    engine = create_async_engine(address.url, hide_parameters=True, connect_args={"timeout": 5})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: object, _: object) -> None:
    # By default the driver begins a transaction only at the first change, too late to be sure of the write lock.
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("foreign_keys = ON", "synchronous = NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
