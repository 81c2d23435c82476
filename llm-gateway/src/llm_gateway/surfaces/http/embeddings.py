"""The surface of embeddings."""

from __future__ import annotations

from llm_gateway.canonical import EmbeddingRequest
from llm_gateway.dialects.openai_embeddings import server
from llm_gateway.pipeline.caller import Caller
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.surfaces.http.exchange import Exchange
from llm_gateway.surfaces.http.raw_endpoint import RawEndpoint
from llm_gateway.surfaces.send_limits import SendLimits


class EmbeddingsSurface(RawEndpoint[tuple[EmbeddingRequest, server.Encoding]]):
    """`POST /v1/embeddings`, as OpenAI has it."""

    def __init__(self, pipeline: Pipeline, limits: SendLimits | None = None) -> None:
        super().__init__("embeddings", server, pipeline, limits)

    def read(self, body: bytes) -> tuple[EmbeddingRequest, server.Encoding]:
        return server.parse_request(body)

    async def answer(
        self, request: tuple[EmbeddingRequest, server.Encoding], caller: Caller, exchange: Exchange
    ) -> None:
        asked, encoding = request
        async with self._pipeline.embed(asked, caller) as call:
            answer = await call.whole()
            await exchange.respond(answer, server.render_result(answer, encoding))
