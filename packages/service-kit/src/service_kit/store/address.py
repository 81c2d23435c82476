"""The address of an SQL database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url


@dataclass(frozen=True)
class DatabaseAddress:
    """The address of a database: `blocking` is for migrations, which run in a thread, `url` for everything else."""

    blocking: URL
    url: URL

    @classmethod
    def sqlite(cls, file: str | Path) -> DatabaseAddress:
        """Returns the address of the SQLite database in `file`; `~` is the user's home."""
        path = str(Path(file).expanduser())
        return cls(URL.create("sqlite", database=path), URL.create("sqlite+aiosqlite", database=path))

    @classmethod
    def postgres(cls, address: str) -> DatabaseAddress:
        """Returns the database of a `postgres://` or `postgresql://` address.

        Hosting providers give out the first form. libpq's own parameters (`?sslmode=require`) are passed on unchanged.
        Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS

        Raises:
            ValueError: it is not such an address. The message does not contain it, because it may hold a password.
        """
        scheme, separator, rest = address.partition("://")
        if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError("is not an address such as postgres://user:password@host:5432/database")
        try:
            url = make_url(f"postgresql+psycopg://{rest}")
        except Exception:  # noqa: BLE001 - SQLAlchemy's own errors and int() of a wrong port; both repeat the address
            raise ValueError("is not an address such as postgres://user:password@host:5432/database") from None
        return cls(url, url)

    @property
    def is_postgres(self) -> bool:
        return self.url.get_backend_name() == "postgresql"

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL and for a database in memory."""
        name = self.blocking.database
        return None if self.is_postgres or name in (None, "", ":memory:") else Path(name)

    @property
    def shown(self) -> str:
        """The address for logs, without password and parameters."""
        return self.blocking.set(query={}).render_as_string(hide_password=True)
