"""The JSON that Gemini answers with, as structs; what they do not name is passed over."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at a body that is no JSON, no UTF-8, or nested more deeply than Python's stack."""

Count = Annotated[int, msgspec.Meta(ge=0)] | None
Index = Annotated[int, msgspec.Meta(ge=0, le=127)] | None


class FunctionCall(msgspec.Struct):
    """A call, always whole: only Vertex AI streams pieces of arguments, and only where it is asked to."""

    name: str
    args: dict[str, Any] | None = None
    id: str | None = None


class Part(msgspec.Struct, rename="camel"):
    """One part of an answer; code, files and images, which we never ask for, are parts without any of these."""

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


class ModalityCount(msgspec.Struct, rename="camel"):
    modality: str | None = None
    token_count: Count = None


class UsageMetadata(msgspec.Struct, rename="camel"):
    """Counts so far. The prompt's include what came from a cache; the candidates' do not include the thoughts."""

    prompt_token_count: Count = None
    candidates_token_count: Count = None
    thoughts_token_count: Count = None
    cached_content_token_count: Count = None
    tool_use_prompt_token_count: Count = None
    prompt_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None


COUNTS = UsageMetadata.__struct_fields__


class Received(msgspec.Struct, rename="camel"):
    """An answer, or a chunk of one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None


class Vector(msgspec.Struct):
    values: tuple[float, ...]


class Embedded(msgspec.Struct, rename="camel"):
    """The answer of batchEmbedContents."""

    embeddings: list[Vector]
    usage_metadata: UsageMetadata | None = None
