"""The table of companies in a database."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.store.database import Database
from sqlalchemy import Column, Integer, MetaData, String, Table, select

from mcp_toolbox.packs._words import folded

COMPANIES = Table(
    "companies",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("name_key", String),
    Column("employees", Integer),
)


@dataclass(frozen=True)
class Company:
    """A company, and the number of its employees."""

    name: str
    employees: int


class Companies:
    """The table of companies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def named(self, name: str, limit: int) -> list[Company]:
        """Returns the company with exactly that name, or else at most `limit` companies whose names contain it. Case
        and accents are ignored."""
        key = folded(name)
        exact = await self._where(COMPANIES.c.name_key == key, limit)
        return exact or await self._where(COMPANIES.c.name_key.contains(key, autoescape=True), limit)

    async def first(self, limit: int) -> list[Company]:
        """Returns the first `limit` companies, sorted by name."""
        return await self._where(COMPANIES.c.id.is_not(None), limit)

    async def _where(self, condition, limit: int) -> list[Company]:
        rows = select(COMPANIES.c.name, COMPANIES.c.employees).where(condition).order_by(COMPANIES.c.name).limit(limit)
        async with self._database.reading() as connection:
            return [Company(**row) for row in (await connection.execute(rows)).mappings()]
