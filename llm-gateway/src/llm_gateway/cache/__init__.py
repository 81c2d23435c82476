"""Answers kept: a protocol and its implementations, the key, and the coalescing of identical calls."""

from __future__ import annotations

from typing import Protocol

import msgspec

from llm_gateway.canonical import EmbeddingResult, Result, Usage
from llm_gateway.catalog.pricing import Cost


class Entry(msgspec.Struct, frozen=True):
    """A kept answer; `stored_at` is on the cache's own clock, in seconds."""

    result: Result | EmbeddingResult
    usage: Usage
    cost: Cost
    stored_at: float


class Cache(Protocol):
    """Keeps answers for a while. Neither method raises: a cache that is away is a cache that misses."""

    async def get(self, key: bytes, max_age: float | None = None) -> Entry | None: ...
    async def put(self, key: bytes, result: Result | EmbeddingResult, usage: Usage, cost: Cost) -> None: ...
    async def clear(self) -> int: ...
    def size(self) -> int: ...
