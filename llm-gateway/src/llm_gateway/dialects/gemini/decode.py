"""Decodes a whole `GenerateContentResponse`."""

from __future__ import annotations

import msgspec

from llm_gateway.canonical import Request, Result
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.gemini.decode_stream import StreamDecoder


def decode_result(body: bytes, request: Request, model: Model) -> Result:
    """Returns the result in a whole `GenerateContentResponse`.

    Raises:
        UpstreamProtocol: the body is not one, or it is incomplete.
        UpstreamError: the body is an error that came with status 200, or says that the prompt was blocked.
    """
    decoder, whole = StreamDecoder(model.provider), Aggregate()
    whole.feed(decoder.feed(body))
    whole.feed(decoder.finish())
    return msgspec.structs.replace(whole.result(), id=decoder.id, model=decoder.model)
