"""The surface of embeddings."""

from __future__ import annotations

from service_kit.errors import ApiError

from llm_gateway.calls import Caller
from llm_gateway.dialects.openai_embeddings.server import OpenAIEmbeddingsServer
from llm_gateway.embedding import Embeddings
from llm_gateway.surfaces.http.exchange import Exchange
from llm_gateway.surfaces.http.raw_endpoint import RawEndpoint

_dialect = OpenAIEmbeddingsServer()


class EmbeddingsSurface(RawEndpoint):
    """`POST /v1/embeddings`, as OpenAI has it."""

    def __init__(self, embeddings: Embeddings) -> None:
        super().__init__("embeddings", _dialect)
        self._embeddings = embeddings

    async def answer(self, body: bytes, caller: Caller, exchange: Exchange) -> None:
        try:
            request, encoding = _dialect.parse_request(body)
        except ApiError as error:
            self._embeddings.refused(error, caller)
            raise
        answer = await self._embeddings.embed(request, caller)
        await exchange.respond(answer, _dialect.render_result(answer, encoding))
