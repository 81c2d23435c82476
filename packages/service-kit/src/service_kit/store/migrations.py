"""Migration of tables with Alembic, safe while other replicas do the same."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from service_kit.store.address import DatabaseAddress

_SCRIPTS = Path(__file__).parent / "alembic"
_LOCK_KEY = 0x746F6F6C626F78  # an advisory lock is a number; older releases use the same one
_WAIT_SECONDS = 30

_one_at_a_time = threading.Lock()
"""Alembic's `op` is global to the process, so only one thread may migrate at a time."""


@dataclass(frozen=True)
class Migrations:
    """The migrations of one part of a service: a folder of Alembic revisions. Each part has its own version table, so
    that it can be switched on and off independently of the others."""

    part: str
    folder: Path

    @property
    def version_table(self) -> str:
        """The name of the table that holds the revision of this part."""
        return f"alembic_version_{self.part}"


def migrate(address: DatabaseAddress, every: Sequence[Migrations]) -> None:
    """Runs the pending migrations in one transaction. It blocks, and must be called in a thread.

    The transaction holds an advisory lock (in SQLite: the file's write lock), so that replicas that start together wait
    for the first one and then find nothing to do.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database is away, or has refused a statement.
        OSError: the database's folder or file cannot be created.
    """
    if address.file is not None:
        make_private_file(address.file)
    waits = {"connect_timeout": 5} if address.is_postgres else {"timeout": _WAIT_SECONDS, "isolation_level": None}
    engine = create_engine(address.blocking, poolclass=NullPool, connect_args=waits)
    try:
        with _one_at_a_time, engine.connect() as connection, connection.begin():
            _lock(connection)
            for each in every:
                command.upgrade(_config(connection, each), "head")
    finally:
        engine.dispose()


def make_private_file(file: Path) -> None:
    """Creates a database's file and its folder for this user alone, with the modes 0600 and 0700.

    An existing folder keeps its mode, because it may hold other files. SQLite gives the files beside the database
    (`-wal`, `-shm`) the database's mode; those that an older release left readable are closed here too.
    """
    if not file.parent.exists():
        file.parent.parent.mkdir(parents=True, exist_ok=True)
        file.parent.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        with suppress(FileNotFoundError, PermissionError):  # PermissionError: the file belongs to another user
            each.chmod(0o600)


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # stored in the file; with it, readers never wait
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'")
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def _config(connection: Connection, migrations: Migrations) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("version_locations", str(migrations.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, version_table=migrations.version_table)
    return config
