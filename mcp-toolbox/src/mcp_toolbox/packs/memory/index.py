"""Search for pieces by vector: with pgvector in PostgreSQL, with a matrix in memory over SQLite.

Both are exact. A tenant's pieces are compared one by one, which NumPy and pgvector do in milliseconds for the tens of
thousands that one tenant may store. An approximate index over all tenants' pieces would miss some when it filters by
tenant.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mcp_toolbox.packs.memory.embedder import Vectors
from mcp_toolbox.packs.memory.tables import TENANTS

_TENANTS_HELD = 32


@dataclass(frozen=True)
class Hit:
    """A piece and its cosine similarity to the question, from -1 to 1."""

    piece_id: int
    score: float


class Index(Protocol):
    """Stores and finds vectors; each call runs in a transaction of the caller's."""

    async def add(
        self, connection: AsyncConnection, document_id: int, pieces: Sequence[str], vectors: Vectors
    ) -> None: ...

    async def nearest(self, connection: AsyncConnection, tenant: str, question: Vectors, k: int) -> list[Hit]:
        """Returns the tenant's `k` pieces that are nearest to `question` (one row), nearest first."""
        ...


class PgvectorIndex:
    """Vectors in a column of pgvector's type. Source: https://github.com/pgvector/pgvector#querying"""

    async def add(self, connection: AsyncConnection, document_id: int, pieces: Sequence[str], vectors: Vectors) -> None:
        statement = text(
            "INSERT INTO memory_pieces (document_id, position, text, embedding)"
            " VALUES (:document_id, :position, :text, CAST(:embedding AS vector))"
        )
        rows = [
            {"document_id": document_id, "position": position, "text": piece, "embedding": _literal(vector)}
            for position, (piece, vector) in enumerate(zip(pieces, vectors, strict=True))
        ]
        await connection.execute(statement, rows)

    async def nearest(self, connection: AsyncConnection, tenant: str, question: Vectors, k: int) -> list[Hit]:
        statement = text(
            "SELECT p.id, 1 - (p.embedding <=> CAST(:question AS vector)) AS score"
            " FROM memory_pieces p JOIN memory_documents d ON d.id = p.document_id"
            " WHERE d.tenant = :tenant ORDER BY p.embedding <=> CAST(:question AS vector), p.id LIMIT :k"
        )
        values = {"question": _literal(question[0]), "tenant": tenant, "k": k}
        return [Hit(row.id, float(row.score)) for row in await connection.execute(statement, values)]


@dataclass(frozen=True)
class _Matrix:
    revision: int
    ids: list[int]
    vectors: Vectors


class NumpyIndex:
    """Vectors as bytes (float32, little-endian) in SQLite. Those of recent tenants are held in memory, and read again
    when the tenant's revision in the database has changed, by whichever process."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, _Matrix] = OrderedDict()

    async def add(self, connection: AsyncConnection, document_id: int, pieces: Sequence[str], vectors: Vectors) -> None:
        statement = text(
            "INSERT INTO memory_pieces (document_id, position, text, embedding)"
            " VALUES (:document_id, :position, :text, :embedding)"
        )
        rows = [
            {"document_id": document_id, "position": position, "text": piece, "embedding": _bytes(vector)}
            for position, (piece, vector) in enumerate(zip(pieces, vectors, strict=True))
        ]
        await connection.execute(statement, rows)

    async def nearest(self, connection: AsyncConnection, tenant: str, question: Vectors, k: int) -> list[Hit]:
        matrix = await self._matrix(connection, tenant)
        if not matrix.ids:
            return []
        return await asyncio.to_thread(_nearest, matrix, question[0], k)

    async def _matrix(self, connection: AsyncConnection, tenant: str) -> _Matrix:
        wanted = select(TENANTS.c.revision).where(TENANTS.c.tenant == tenant)
        revision = await connection.scalar(wanted) or 0
        held = self._held.get(tenant)
        if held is None or held.revision != revision:
            held = self._held[tenant] = await self._read(connection, tenant, revision)
        self._held.move_to_end(tenant)
        if len(self._held) > _TENANTS_HELD:
            self._held.popitem(last=False)
        return held

    async def _read(self, connection: AsyncConnection, tenant: str, revision: int) -> _Matrix:
        statement = text(
            "SELECT p.id, p.embedding FROM memory_pieces p JOIN memory_documents d ON d.id = p.document_id"
            " WHERE d.tenant = :tenant ORDER BY p.id"
        )
        rows = (await connection.execute(statement, {"tenant": tenant})).all()
        vectors = np.frombuffer(b"".join(row.embedding for row in rows), dtype="<f4")
        return _Matrix(revision, [row.id for row in rows], vectors.reshape(len(rows), -1) if rows else vectors)


def _nearest(matrix: _Matrix, question: Vectors, k: int) -> list[Hit]:
    scores = matrix.vectors @ question
    best = np.argsort(-scores, kind="stable")[:k]
    return [Hit(matrix.ids[index], float(scores[index])) for index in best]


def _literal(vector: Vectors) -> str:
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


def _bytes(vector: Vectors) -> bytes:
    return vector.astype("<f4").tobytes()
