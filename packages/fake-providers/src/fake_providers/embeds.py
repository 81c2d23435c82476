"""Embeddings of the fake OpenAI: vectors that depend only on the input, and OpenAI's rules."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import msgspec

from .exchange import Exchange

_ALLOWED = {"dimensions", "encoding_format", "input", "model", "user"}
_MOST_INPUTS = 2048
_DIMENSIONS = 8


@dataclass(frozen=True)
class Embeds:
    """A vector of unit length for each input, in single precision like OpenAI's; equal inputs get equal vectors.

    `shuffled` sends them out of order. The answer is sent when `hold` is set.
    """

    model: str | None = None
    usage: bool = True
    shuffled: bool = False
    hold: asyncio.Event | None = None

    async def play(self, exchange: Exchange) -> None:
        if self.hold is not None:
            await self.hold.wait()
        body = exchange.call.body
        answer = msgspec.json.encode(self.answer(body))
        await exchange.whole(200, {"content-type": "application/json"}, answer)

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the `list` object."""
        inputs = inputs_of(body["input"])
        data: list[dict[str, Any]] = []
        for index, item in enumerate(inputs):
            vector = vector_of(item, body.get("dimensions") or _DIMENSIONS)
            written = packed(vector) if body.get("encoding_format") == "base64" else vector
            data.append({"object": "embedding", "index": index, "embedding": written})
        answer = {
            "object": "list",
            "data": data[::-1] if self.shuffled else data,
            "model": self.model or body["model"],
        }
        tokens = sum(max(1, len(item) // 4) if isinstance(item, str) else len(item) for item in inputs)
        return answer | ({"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if self.usage else {})


def inputs_of(sent: Any) -> list[str | list[int]]:
    """Returns the inputs one by one."""
    if isinstance(sent, str) or (sent and isinstance(sent[0], int)):
        return [sent]
    return sent


def vector_of(item: str | list[int], dimensions: int = _DIMENSIONS) -> list[float]:
    """Returns the vector for one input."""
    seed = hashlib.shake_256(msgspec.json.encode(item)).digest(2 * dimensions)
    raw = [value / 32768 - 1 for (value,) in struct.iter_unpack("<H", seed)]
    length = sqrt(sum(value * value for value in raw)) or 1.0
    return [single for (single,) in struct.iter_unpack("<f", _bytes([value / length for value in raw]))]


def packed(vector: list[float]) -> str:
    """Returns `vector` in OpenAI's base64 form."""
    return base64.b64encode(_bytes(vector)).decode()


def _bytes(vector: list[float]) -> bytes:
    return struct.pack(f"<{len(vector)}f", *vector)


def embeddings_mistake(raw: bytes, also: frozenset[str] = frozenset()) -> str | None:
    """Returns OpenAI's message for the first mistake in the body, or None; `also` are further allowed parameters."""
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        return f"We could not parse the JSON body of your request: {error}"
    unknown = sorted(set(body) - _ALLOWED - also)
    if unknown:
        return f"Unrecognized request argument supplied: {', '.join(unknown)}"
    if not body.get("model"):
        return "you must provide a model parameter"
    sent = body.get("input")
    if not sent or not isinstance(sent, str | list):
        return "'$.input' is invalid. Please check the API reference."
    inputs = inputs_of(sent)
    if len(inputs) > _MOST_INPUTS:
        return f"Array length must be at most {_MOST_INPUTS}"
    if any(not item or len({type(part) for part in item}) > 1 for item in inputs):
        return "'$.input' is invalid. Please check the API reference."
    if body.get("encoding_format") not in (None, "float", "base64"):
        return "encoding_format must be float or base64"
    return None
