"""Where the packs keep their tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcp_toolbox.settings import ToolboxSettings
from sqlalchemy import URL, make_url


@dataclass(frozen=True)
class Address:
    """A database; `sync` is for migrations, which run in a thread, and `later` for everything else."""

    sync: URL
    later: URL

    @property
    def is_postgres(self) -> bool:
        return self.sync.get_backend_name() == "postgresql"

    @property
    def shown(self) -> str:
        """The address as a log may have it."""
        return self.sync.render_as_string(hide_password=True)


def address_of(settings: ToolboxSettings) -> Address:
    """POSTGRES_URL where it is set, else the SQLite file TOOLBOX_DB.

    `postgres://` is what hosting providers hand out; libpq's own parameters (`?sslmode=require`) go through as they
    are (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
    """
    if settings.postgres_url is None:
        file = str(Path(settings.toolbox_db).expanduser())
        return Address(URL.create("sqlite", database=file), URL.create("sqlite+aiosqlite", database=file))
    rest = settings.postgres_url.get_secret_value().partition("://")[2]
    url = make_url(f"postgresql+psycopg://{rest}")
    return Address(url, url)
