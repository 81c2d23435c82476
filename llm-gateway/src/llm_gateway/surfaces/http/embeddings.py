"""The surface of embeddings."""

from __future__ import annotations

from llm_gateway.canonical import EmbeddingRequest
from llm_gateway.dialects.openai_embeddings.parse import Encoding
from llm_gateway.dialects.openai_embeddings.server import OpenAIEmbeddingsServer
from llm_gateway.pipeline.caller import Caller
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.surfaces.http.exchange import Exchange
from llm_gateway.surfaces.http.raw_endpoint import RawEndpoint
from llm_gateway.surfaces.send_limits import SendLimits

_dialect = OpenAIEmbeddingsServer()


class EmbeddingsSurface(RawEndpoint[tuple[EmbeddingRequest, Encoding]]):
    """`POST /v1/embeddings`, as OpenAI has it."""

    def __init__(self, pipeline: Pipeline, limits: SendLimits | None = None) -> None:
        super().__init__("embeddings", _dialect, pipeline, limits)

    def read(self, body: bytes) -> tuple[EmbeddingRequest, Encoding]:
        return _dialect.parse_request(body)

    async def answer(self, request: tuple[EmbeddingRequest, Encoding], caller: Caller, exchange: Exchange) -> None:
        asked, encoding = request
        async with self._pipeline.embed(asked, caller) as call:
            answer = await call.whole()
            await exchange.respond(answer, _dialect.render_result(answer, encoding))
