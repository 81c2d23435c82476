"""The memory: stores documents, and finds passages of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from service_kit.store.database import Database
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs._words import folded
from mcp_toolbox.packs.memory.documents import Document, find, remove
from mcp_toolbox.packs.memory.embedder import Embedder, Vectors
from mcp_toolbox.packs.memory.index import Hit, Index
from mcp_toolbox.packs.memory.pieces import cut
from mcp_toolbox.packs.memory.tables import DOCUMENTS, MODELS, TENANTS

MOST_PIECES = 20_000
"""The limit for one tenant: about 9 MB of text, and 40 MB of vectors while they are in memory."""


@dataclass(frozen=True)
class Passage:
    """A piece of a document with its score, the cosine similarity to the question."""

    text: str
    score: float
    document_id: int
    title: str
    source: str | None


class Memory:
    """The documents of all tenants, with the index that finds them and the embedder that computes vectors."""

    def __init__(self, database: Database, index: Index, embedder: Embedder) -> None:
        self._database = database
        self._index = index
        self._embedder = embedder

    async def remember(self, tenant: str, words: str, title: str, source: str | None) -> tuple[Document, bool]:
        """Stores a document. Returns it, and whether it is new: the same text is stored once.

        Raises:
            ToolFailedError: the memory is full, the embedder is away, or another model computed the index.
            StoreAway: the database is away.
        """
        digest = hashlib.sha256(words.encode()).hexdigest()
        same = (DOCUMENTS.c.tenant == tenant, DOCUMENTS.c.digest == digest)
        async with self._database.reading() as connection:
            known = await find(connection, *same)
        if known is not None:
            return known, False
        pieces = cut(words)
        vectors = await self._embedder.embed(_embedded(title, words, pieces))
        values = {
            "tenant": tenant, "digest": digest, "title": title, "title_key": folded(title), "source": source,
            "text": words, "pieces": len(pieces), "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        try:
            async with self._database.writing() as connection:
                return await self._keep(connection, values, pieces, vectors), True
        except IntegrityError:  # another call has stored the same text meanwhile
            async with self._database.reading() as connection:
                known = await find(connection, *same)
            if known is None:
                raise
            return known, False

    async def _keep(
        self, connection: AsyncConnection, values: dict[str, object], pieces: list[str], vectors: Vectors
    ) -> Document:
        tenant = str(values["tenant"])
        await self._check_model(connection, vectors, adopt=True)
        kept = select(func.coalesce(func.sum(DOCUMENTS.c.pieces), 0)).where(DOCUMENTS.c.tenant == tenant)
        if (await connection.scalar(kept) or 0) + len(pieces) > MOST_PIECES:
            raise ToolFailedError("The memory is full. Delete a document (borrar_documento) to make room.")
        id_ = (await connection.execute(insert(DOCUMENTS).values(**values).returning(DOCUMENTS.c.id))).scalar_one()
        await self._index.add(connection, id_, pieces, vectors)
        await _touch(connection, tenant)
        found = await find(connection, DOCUMENTS.c.id == id_)
        assert found is not None
        return found

    async def recall(self, tenant: str, question: str, k: int) -> list[Passage]:
        """Returns the tenant's `k` passages that are nearest to `question`, nearest first.

        Raises:
            ToolFailedError: the embedder is away, or another model computed the index.
            StoreAway: the database is away.
        """
        vectors = await self._embedder.embed([question])
        async with self._database.reading() as connection:
            await self._check_model(connection, vectors, adopt=False)
            hits = await self._index.nearest(connection, tenant, vectors, k)
            return await _passages(connection, hits)

    async def forget(self, tenant: str, id_: int) -> Document:
        """Deletes a document and returns it.

        Raises:
            ToolFailedError: the tenant has no document with that id.
            StoreAway: the database is away.
        """
        async with self._database.writing() as connection:
            gone = await remove(connection, tenant, id_)
            if gone is None:
                raise ToolFailedError(f"No hay ningún documento con el id {id_}; listar_documentos dice cuáles hay.")
            await _touch(connection, tenant)
            return gone

    async def _check_model(self, connection: AsyncConnection, vectors: Vectors, *, adopt: bool) -> None:
        """Checks that the index was computed by the embedder's model, because vectors of two models cannot be compared.
        With `adopt`, an empty index takes this model as its own."""
        made_by = (await connection.execute(select(MODELS.c.model, MODELS.c.dimensions))).one_or_none()
        current = (self._embedder.model, vectors.shape[1])
        if made_by is None and adopt:
            await connection.execute(insert(MODELS).values(id=1, model=current[0], dimensions=current[1]))
        elif made_by is not None and tuple(made_by) != current:
            raise ToolFailedError(
                f"The memory was made with the model {made_by[0]} ({made_by[1]} dimensions), and {current[0]} "
                f"({current[1]}) is configured now. Configure the former again, or have the operator set "
                "MEMORY_REEMBED=true and start the toolbox, which then computes every vector anew."
            )

    async def reembed(self) -> int:
        """Computes every vector again if another model computed the index. Returns the number of documents."""
        async with self._database.reading() as connection:
            made_by = (await connection.execute(select(MODELS.c.model))).scalar_one_or_none()
            ids = (await connection.execute(select(DOCUMENTS.c.id).order_by(DOCUMENTS.c.id))).scalars().all()
        if made_by in (None, self._embedder.model):
            return 0
        fresh = [(id_, *await self._fresh(id_)) for id_ in ids]
        async with self._database.writing() as connection:
            await connection.execute(text("DELETE FROM memory_pieces"))
            await connection.execute(MODELS.delete())
            for id_, pieces, vectors in fresh:
                await self._check_model(connection, vectors, adopt=True)
                await self._index.add(connection, id_, pieces, vectors)
            await connection.execute(update(TENANTS).values(revision=TENANTS.c.revision + 1))
        return len(fresh)

    async def _fresh(self, id_: int) -> tuple[list[str], Vectors]:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(DOCUMENTS.c.title, DOCUMENTS.c.text).filter_by(id=id_))).one()
        pieces = cut(row.text)
        return pieces, await self._embedder.embed(_embedded(row.title, row.text, pieces))


def _embedded(title: str, words: str, pieces: list[str]) -> list[str]:
    """Returns the text that is embedded for each piece. The title is put before it, because it tells the subject of a
    piece from the middle, unless the title is only the beginning of the text."""
    if " ".join(words.split()).startswith(title.rstrip("…")):
        return pieces
    return [f"{title}. {piece}" for piece in pieces]


async def _touch(connection: AsyncConnection, tenant: str) -> None:
    await connection.execute(
        text(
            "INSERT INTO memory_tenants (tenant, revision) VALUES (:tenant, 1)"
            " ON CONFLICT (tenant) DO UPDATE SET revision = memory_tenants.revision + 1"
        ),
        {"tenant": tenant},
    )


async def _passages(connection: AsyncConnection, hits: list[Hit]) -> list[Passage]:
    statement = text(
        "SELECT p.text, d.id AS document_id, d.title, d.source"
        " FROM memory_pieces p JOIN memory_documents d ON d.id = p.document_id WHERE p.id = :id"
    )
    found: list[Passage] = []
    for hit in hits:
        row = (await connection.execute(statement, {"id": hit.piece_id})).mappings().one()
        found.append(Passage(score=round(hit.score, 4), **row))
    return found
