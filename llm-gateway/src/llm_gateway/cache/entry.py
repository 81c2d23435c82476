"""A kept answer as bytes (MessagePack), in which a second level takes it too.

Bytes are also what the garbage collector never walks: an answer kept as objects is hundreds of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from llm_gateway.canonical import EmbeddingResult, Result, Usage
from llm_gateway.catalog.pricing import Cost

R = TypeVar("R")


class Entry(msgspec.Struct, Generic[R], frozen=True, array_like=True, gc=False):
    """What is kept of an answer: what was said, what it used, and what it cost then."""

    result: R
    usage: Usage
    cost: Cost


class _Vectors(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Vectors: `single` precision as their bytes, others as their numbers."""

    single: tuple[bytes, ...]
    double: tuple[tuple[float, ...], ...]
    model: str | None


_encode = msgspec.msgpack.Encoder().encode
_answer = msgspec.msgpack.Decoder(Entry[Result])
_vectors = msgspec.msgpack.Decoder(Entry[_Vectors])


def encode_answer(entry: Entry[Result]) -> bytes:
    """The bytes of an answer's entry."""
    return _encode(entry)


def decode_answer(data: bytes) -> Entry[Result] | None:
    """The entry that these are the bytes of; None for what another release may have kept."""
    try:
        return _answer.decode(data)
    except msgspec.MsgspecError:
        return None


def encode_vectors(entry: Entry[EmbeddingResult]) -> bytes:
    """The bytes of an entry of vectors, which are all of one precision."""
    vectors = entry.result.vectors
    single = bool(vectors) and all(isinstance(vector, array) for vector in vectors)
    packed = _Vectors(
        single=tuple(bytes(memoryview(vector)) for vector in vectors) if single else (),  # type: ignore[arg-type]
        double=() if single else tuple(tuple(vector) for vector in vectors),
        model=entry.result.model,
    )
    return _encode(Entry(packed, entry.usage, entry.cost))


def decode_vectors(data: bytes) -> Entry[EmbeddingResult] | None:
    """The entry that these are the bytes of; None for what another release may have kept."""
    try:
        kept = _vectors.decode(data)
    except msgspec.MsgspecError:
        return None
    packed = kept.result
    vectors: tuple[Sequence[float], ...] = tuple(array("f", vector) for vector in packed.single) or packed.double
    return Entry(EmbeddingResult(vectors=vectors, usage=kept.usage, model=packed.model), kept.usage, kept.cost)
