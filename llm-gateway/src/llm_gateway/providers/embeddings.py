"""Providers of embeddings: an endpoint, a dialect and the transport, several calls for one request where needed."""

from __future__ import annotations

import asyncio
from typing import Protocol

from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.protocols import EmbeddingDialect
from llm_gateway.errors import UpstreamProtocol, UpstreamTimeout
from llm_gateway.net.transport import Transport
from llm_gateway.providers.http import Signer, dated, is_answer

_AT_ONCE = 8
"""How many calls of one request are under way at a time."""


class Embedder(Protocol):
    """Gives vectors. Raises UpstreamError, or InvalidRequest for what the provider lacks."""

    async def embed(self, request: EmbeddingRequest, model: Model) -> EmbeddingResult:
        """Returns a vector for each input."""
        ...

    def dropped(self, request: EmbeddingRequest, model: Model) -> tuple[str, ...]:
        """Returns the names of the hints in `request` that this provider is not sent."""
        ...


class HttpEmbedder:
    """Speaks `dialect` to whatever endpoint a model names; `sign` replaces an endpoint's fixed headers."""

    def __init__(self, dialect: EmbeddingDialect, transport: Transport, sign: Signer | None = None) -> None:
        self._dialect = dialect
        self._transport = transport
        self._sign = sign

    async def embed(self, request: EmbeddingRequest, model: Model) -> EmbeddingResult:
        bodies = self._dialect.encode_embeddings(request, model)
        try:
            async with asyncio.timeout(model.timeouts.total):
                answers = [await self._post(bodies[0], model)] if len(bodies) == 1 else await self._all(bodies, model)
        except TimeoutError as error:
            raise UpstreamTimeout(f"not all of {len(bodies)} answers in time") from error
        result = self._dialect.decode_embeddings(answers)
        if len(result.vectors) != len(request.inputs):
            raise UpstreamProtocol(f"{len(result.vectors)} vectors for {len(request.inputs)} inputs")
        return result

    async def _all(self, bodies: list[bytes], model: Model) -> list[bytes]:
        """Returns all answers, a few at a time; the first failure ends the other calls."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(body: bytes) -> bytes:
            async with free:
                return await self._post(body, model)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(body)) for body in bodies]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _post(self, body: bytes, model: Model) -> bytes:
        endpoint = model.endpoint
        url = endpoint.embeddings_url(model.id)
        headers = await self._sign(endpoint, url, body) if self._sign else endpoint.headers
        reply = await self._transport.post(url, headers, body, model.timeouts)
        if not is_answer(reply.status):
            raise self._dialect.decode_error(reply.status, dated(reply.headers), reply.body)
        return reply.body

    def dropped(self, request: EmbeddingRequest, model: Model) -> tuple[str, ...]:
        if request.dialect == self._dialect.name:
            return ()
        return (*(("user",) if request.user else ()), *request.extra)
