"""The memory's tables as its migrations create them, without the column of vectors, which belongs to the index."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

_METADATA = MetaData()

DOCUMENTS = Table(
    "memory_documents",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("tenant", String),
    Column("digest", String),
    Column("title", String),
    Column("title_key", String),
    Column("source", String),
    Column("text", Text),
    Column("pieces", Integer),
    Column("created_at", String),
)
MODELS = Table(
    "memory_models",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("model", String),
    Column("dimensions", Integer),
)
TENANTS = Table(
    "memory_tenants",
    _METADATA,
    Column("tenant", String, primary_key=True),
    Column("revision", Integer),
)
