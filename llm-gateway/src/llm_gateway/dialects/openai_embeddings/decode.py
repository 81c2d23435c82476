"""Decodes a provider's vectors."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from llm_gateway.canonical import EmbeddingResult, Usage
from llm_gateway.dialects.common import usage as counted
from llm_gateway.dialects.common.openai_errors import error_of, hidden_error, status_of
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.dialects.openai_embeddings.vectors import unpacked
from llm_gateway.errors import UpstreamProtocol


class _Vector(msgspec.Struct):
    embedding: str | list[float]
    index: int | None = None


class _Received(msgspec.Struct):
    data: list[_Vector] | None = None
    model: str | None = None
    usage: Any = None
    error: Any = None


_reader = TolerantReader(_Received)


def decode_embeddings(bodies: list[bytes]) -> EmbeddingResult:
    """Returns the vectors of all `bodies` in order.

    Raises:
        UpstreamProtocol: a body is not a list of vectors, or the vectors differ in length.
        UpstreamError: a body is an error that came with status 200.
    """
    answers = [_received(body) for body in bodies]
    vectors = tuple(vector for answer in answers for vector in _vectors(answer.data or []))
    if not vectors:
        raise UpstreamProtocol("an answer without vectors")
    if len({len(vector) for vector in vectors}) > 1:
        raise UpstreamProtocol("vectors of different lengths")
    return EmbeddingResult(vectors=vectors, usage=_usage(answers), model=answers[0].model)


def _received(body: bytes) -> _Received:
    try:
        received = _reader.read(body)
    except UNREADABLE as error:
        hidden = hidden_error(body)
        raise hidden or UpstreamProtocol(f"{error}: {body[:500]!r}") from None
    if received.error:
        raise error_of(status_of(received.error), {}, received.error, body)
    if received.data is None and (hidden := hidden_error(body)) is not None:
        raise hidden
    return received


def _vectors(data: list[_Vector]) -> list[Sequence[float]]:
    """Returns the vectors in the order of their `index`, which some servers leave out."""
    numbers = [place if item.index is None else item.index for place, item in enumerate(data)]
    if sorted(numbers) != list(range(len(data))):
        raise UpstreamProtocol(f"vectors numbered {numbers[:20]}")
    ordered = sorted(zip(numbers, data, strict=True), key=lambda numbered: numbered[0])
    return [_vector(item.embedding) for _, item in ordered]


def _vector(sent: str | list[float]) -> Sequence[float]:
    try:
        vector = unpacked(sent) if isinstance(sent, str) else tuple(sent)
    except ValueError as error:
        raise UpstreamProtocol(f"a vector that cannot be read: {error}") from None
    if not vector:
        raise UpstreamProtocol("an empty vector")
    return vector


def _usage(answers: list[_Received]) -> Usage | None:
    """Returns the sum of all counts, or None if one is missing."""
    counts = [_counts(answer.usage) for answer in answers]
    told = [one for one in counts if one is not None]
    if not told or len(told) < len(counts):
        return None
    costs = [one.cost_usd for one in told if one.cost_usd is not None]
    return Usage(
        prompt_tokens=sum(one.prompt_tokens for one in told),
        cost_usd=sum(costs, Decimal(0)) if costs and len(costs) == len(told) else None,
    )


def _counts(usage: Any) -> Usage | None:
    told = counted.fields(usage)
    prompt = told.get("prompt_tokens")
    return counted.usage_from(prompt=(told.get("total_tokens") if prompt is None else prompt,), cost=told.get("cost"))
