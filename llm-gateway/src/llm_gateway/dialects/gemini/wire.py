"""The JSON of Gemini's answers, as structs. Unknown fields are ignored."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Index = Annotated[int, msgspec.Meta(ge=0, le=127)] | None


class FunctionCall(msgspec.Struct):
    """A call, always whole: only Vertex AI can stream pieces of arguments, and only on request."""

    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class Part(msgspec.Struct, rename="camel"):
    """One part of an answer; code, files and images, which are never requested, are parts without any of these."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None


class Content(msgspec.Struct):
    parts: list[Part] | None = None


class TokenProbability(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class TopCandidates(msgspec.Struct):
    candidates: list[TokenProbability] | None = None


class LogprobsResult(msgspec.Struct, rename="camel"):
    chosen_candidates: list[TokenProbability] | None = None
    top_candidates: list[TopCandidates] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    index: Index = None
    logprobs_result: LogprobsResult | None = None


class PromptFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class Received(msgspec.Struct, rename="camel"):
    """An answer, or a chunk of one. Counts are read separately, so that a bad one does not invalidate the answer."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: Any = None
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None


class Vector(msgspec.Struct):
    values: tuple[float, ...]


class Embedded(msgspec.Struct, rename="camel"):
    """The answer of `batchEmbedContents`."""

    embeddings: list[Vector]
    usage_metadata: Any = None


PIECES = frozenset({"text"})
"""The field of a part that holds a piece of text."""
