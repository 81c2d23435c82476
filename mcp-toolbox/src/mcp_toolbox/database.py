"""The address of the toolbox's database."""

from __future__ import annotations

from service_kit.settings import SettingsError
from service_kit.store.address import DatabaseAddress

from mcp_toolbox.settings import ToolboxSettings


def address_of(settings: ToolboxSettings) -> DatabaseAddress:
    """Returns the database at POSTGRES_URL, or the SQLite file TOOLBOX_DB if that is not set.

    Raises:
        SettingsError: POSTGRES_URL is not an address of PostgreSQL.
    """
    if settings.postgres_url is None:
        return DatabaseAddress.sqlite(settings.toolbox_db)
    try:
        return DatabaseAddress.postgres(settings.postgres_url.get_secret_value())
    except ValueError as error:
        raise SettingsError(f"POSTGRES_URL {error}") from None
