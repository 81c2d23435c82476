"""SQL with real servers: every wait has a limit, a server that is away is a StoreAway, and it is found again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from service_kit.background import BackgroundLoops
from service_kit.store.address import DatabaseAddress
from service_kit.store.database import Database, opened_database
from service_kit.store.errors import StoreAway
from service_kit.store.migrations import Migrations, migrate
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.stores import backends_of, new_postgres, postgres

__all__ = ["new_postgres", "postgres"]  # fixtures

THINGS = Migrations("things", Path(__file__).parent / "migrations")


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseAddress:
    if request.param == "postgres":
        return DatabaseAddress.postgres(request.getfixturevalue("new_postgres"))
    return DatabaseAddress.sqlite(tmp_path / "data" / "suite.db")


@asynccontextmanager
async def opened(address: DatabaseAddress, seconds: float = 5) -> AsyncIterator[Database]:
    async with opened_database(address, [THINGS], ready_seconds=seconds, transaction_seconds=seconds) as database:
        yield database


async def add(database: Database, name: str) -> None:
    async with database.writing() as connection:
        await connection.execute(text("INSERT INTO things (name) VALUES (:name)"), {"name": name})


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return await connection.scalar(text("SELECT count(*) FROM things")) or 0


async def until(works: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            try:
                await works()  # type: ignore[misc]
            except StoreAway:
                await asyncio.sleep(0.02)
            else:
                return


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_what_was_written_is_read_and_a_block_that_raises_is_undone(address: DatabaseAddress):
    async with opened(address) as database:
        await add(database, "kept")
        with pytest.raises(RuntimeError):
            async with database.writing() as connection:
                await connection.execute(text("INSERT INTO things (name) VALUES ('undone')"))
                raise RuntimeError
        assert await count(database) == 1


async def test_a_fault_of_the_statement_is_not_the_stores(address: DatabaseAddress):
    async with opened(address) as database:
        await add(database, "one")
        with pytest.raises(IntegrityError):
            await add(database, "one")
        assert await count(database) == 1


async def test_a_timeout_of_the_caller_stays_the_callers(address: DatabaseAddress):
    async with opened(address) as database:
        await count(database)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), database.writing() as connection:
                await connection.execute(text("INSERT INTO things (name) VALUES ('late')"))
                await asyncio.Event().wait()
        assert await count(database) == 0
        await add(database, "late")


async def test_replicas_that_start_together_migrate_once(address: DatabaseAddress):
    await asyncio.gather(*(asyncio.to_thread(migrate, address, [THINGS]) for _ in range(4)))
    async with opened(address) as one, opened(address) as other:
        await add(one, "seen by both")
        assert await count(other) == 1


@pytest.mark.parametrize("before", [False, True])
async def test_a_file_is_its_users_alone_also_one_of_an_older_release(tmp_path: Path, before: bool):
    file = tmp_path / "data" / "suite.db"
    if before:
        file.parent.mkdir()
        file.touch(0o644)
    async with opened(DatabaseAddress.sqlite(file)) as database:
        await add(database, "private")
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
    assert modes == {"suite.db": 0o600, "suite.db-wal": 0o600, "suite.db-shm": 0o600}
    if not before:
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_file_that_is_no_database_is_away(tmp_path: Path):
    file = tmp_path / "suite.db"
    file.write_bytes(b"not a database at all " * 100)
    async with opened(DatabaseAddress.sqlite(file), seconds=0.3) as database:
        with pytest.raises(StoreAway):
            await count(database)


async def test_connections_whose_processes_were_killed_are_replaced(new_postgres: str):
    async with opened(DatabaseAddress.postgres(new_postgres)) as database:
        await add(database, "one")
        with psycopg.connect(new_postgres, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await until(lambda: count(database))


async def test_a_transaction_whose_connection_breaks_is_away_and_undone(new_postgres: str):
    async with opened(DatabaseAddress.postgres(new_postgres)) as database:
        with pytest.raises(StoreAway):
            async with database.writing() as connection:
                await connection.execute(text("INSERT INTO things (name) VALUES ('lost')"))
                [pid] = [(await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()]
                with psycopg.connect(new_postgres, autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s)", [pid])
                await connection.execute(text("SELECT 1"))
        assert await count(database) == 0


async def test_a_frozen_server_costs_no_more_than_the_limit(new_postgres: str):
    async with opened(DatabaseAddress.postgres(new_postgres), seconds=1) as database:
        await add(database, "one")
        with frozen(backends_of(new_postgres)):
            began = time.monotonic()
            with pytest.raises(StoreAway):
                await count(database)
            assert time.monotonic() - began < 3
        await until(lambda: count(database))


async def test_a_slow_statement_costs_no_more_than_the_limit(new_postgres: str):
    async with opened(DatabaseAddress.postgres(new_postgres), seconds=1) as database:
        await add(database, "one")
        began = time.monotonic()
        with pytest.raises(StoreAway):
            async with database.reading() as connection:
                await connection.execute(text("SELECT pg_sleep(30)"))
        assert time.monotonic() - began < 3
        assert await count(database) == 1


@pytest.mark.parametrize("silent", [False, True])
async def test_a_server_that_refuses_or_says_nothing_is_told_in_time_and_in_health(silent: bool):
    loops = BackgroundLoops()
    with socket.create_server(("127.0.0.1", 0)) as listener, loops.collecting():
        if not silent:
            listener.close()
        port = 9 if not silent else listener.getsockname()[1]
        address = DatabaseAddress.postgres(f"postgres://u:hidden-word@127.0.0.1:{port}/db")
        async with opened(address, seconds=0.3) as database:
            began = time.monotonic()
            with pytest.raises(StoreAway) as away:
                await count(database)
            assert time.monotonic() - began < 2
            assert "hidden-word" not in str(away.value)
            if not silent:
                async with asyncio.timeout(5):
                    while loops.to_health()[0].error is None:
                        await asyncio.sleep(0.01)
                assert [(each.name, each.state, each.error) for each in loops.to_health()] == [
                    ("tables of things", "failing", "StoreAway")
                ]


async def test_a_wrong_password_is_away_and_said_nowhere(postgres: str):
    address = DatabaseAddress.postgres(postgres.replace("postgres:@", "nobody:hidden-word@"))
    async with opened(address, seconds=0.5) as database:
        with pytest.raises(StoreAway) as away:
            await count(database)
    assert "hidden-word" not in str(away.value)


async def test_a_database_that_comes_later_is_found(new_postgres: str):
    name = new_postgres.partition("@/")[2].partition("?")[0]
    maintenance = new_postgres.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}"')
        async with opened(DatabaseAddress.postgres(new_postgres), seconds=0.2) as database:
            with pytest.raises(StoreAway):
                await count(database)
            connection.execute(f'CREATE DATABASE "{name}"')
            await until(lambda: count(database))
