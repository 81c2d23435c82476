"""The documents of users, without their vectors."""

from __future__ import annotations

from dataclasses import dataclass

from service_kit.store.database import Database
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mcp_toolbox.packs._words import folded
from mcp_toolbox.packs.memory.tables import DOCUMENTS

_SHOWN = [DOCUMENTS.c[name] for name in ("id", "title", "source", "pieces", "created_at")]


@dataclass(frozen=True)
class Document:
    """A document without its text; `created_at` is ISO 8601 in UTC."""

    id: int
    title: str
    source: str | None
    pieces: int
    created_at: str


@dataclass(frozen=True)
class DocumentText:
    """A document with the beginning of its text; `cut` says whether there is more."""

    document: Document
    text: str
    cut: bool


class Documents:
    """The documents of a database. Each belongs to a tenant, and is invisible to the others."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, tenant: str, limit: int, after: int) -> tuple[list[Document], int]:
        """Returns at most `limit` documents with an id above `after`, sorted by id, and the number of all the tenant's
        documents."""
        own = DOCUMENTS.c.tenant == tenant
        rows = select(*_SHOWN).where(own, DOCUMENTS.c.id > after).order_by(DOCUMENTS.c.id).limit(limit)
        async with self._database.reading() as connection:
            found = [Document(**row) for row in (await connection.execute(rows)).mappings()]
            total = await connection.scalar(select(func.count()).select_from(DOCUMENTS).where(own))
        return found, total or 0

    async def titled(self, tenant: str, title: str, limit: int, max_chars: int) -> list[DocumentText]:
        """Returns at most `limit` documents whose titles contain `title`, exact matches first, with the first
        `max_chars` characters of each text. Case and accents are ignored."""
        key = folded(title)
        columns = [*_SHOWN, func.substr(DOCUMENTS.c.text, 1, max_chars + 1).label("beginning")]
        wanted = DOCUMENTS.c.title_key.contains(key, autoescape=True)
        exact_first = (DOCUMENTS.c.title_key != key, DOCUMENTS.c.id)
        rows = select(*columns).where(DOCUMENTS.c.tenant == tenant, wanted).order_by(*exact_first).limit(limit)
        async with self._database.reading() as connection:
            found = [dict(row) for row in (await connection.execute(rows)).mappings()]
        texts = [row.pop("beginning") for row in found]
        return [
            DocumentText(Document(**row), beginning[:max_chars], len(beginning) > max_chars)
            for row, beginning in zip(found, texts, strict=True)
        ]


async def find(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Document | None:
    """Returns the one document that meets the conditions, or None."""
    row = (await connection.execute(select(*_SHOWN).where(*conditions))).mappings().one_or_none()
    return Document(**row) if row else None


async def remove(connection: AsyncConnection, tenant: str, id_: int) -> Document | None:
    """Deletes a document with its pieces and returns it, or returns None if the tenant has none with that id."""
    own = (DOCUMENTS.c.tenant == tenant, DOCUMENTS.c.id == id_)
    found = await find(connection, *own)
    await connection.execute(delete(DOCUMENTS).where(*own))
    return found
