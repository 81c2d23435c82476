"""Embeddings served to clients: their texts in, vectors out."""

from __future__ import annotations

from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.openai_embeddings import NAME
from llm_gateway.dialects.openai_embeddings.parse import parse_request
from llm_gateway.dialects.openai_embeddings.render import render_result


class OpenAIEmbeddingsServer:
    """The dialect of `POST /v1/embeddings`: a request is parsed to what is asked and how its vectors are written."""

    __slots__ = ()

    name = NAME

    parse_request = staticmethod(parse_request)
    render_result = staticmethod(render_result)
    render_error = staticmethod(render_error)
