"""The vocabulary of the gateway: what every dialect is parsed into and rendered from.

A request enters as one `Request`; an answer leaves as one `Result`, or as a stream of `Event`s whose
aggregate is that result. Nothing here knows a dialect, a provider, a clock or a socket.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
BlockKind = Literal["text", "reasoning", "refusal", "tool_call"]
CacheMark = Literal["5m", "1h"]
"""How long a provider is asked to keep a prefix of the prompt."""


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An immutable value; `gc=False` because values never form cycles."""


# --- content ---------------------------------------------------------------------------------------------


class Text(_Value, tag="text", frozen=True):
    """Text. `cache`, here as elsewhere, marks the end of a prefix that the provider may cache."""

    text: str
    cache: CacheMark | None = None


class Image(_Value, tag="image", frozen=True):
    """An image: either `url`, or base64 `data` with its `media_type` (for example `image/png`)."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: Literal["auto", "low", "high"] | None = None
    cache: CacheMark | None = None


class Reasoning(_Value, tag="reasoning", frozen=True):
    """What a model thought; `signature` is opaque and means something only to `provider`.

    `redacted` says that the thought itself is encrypted: `signature` is all there is of it. A signature that a
    provider puts on a tool call (Gemini's thought signatures) is a block of its own, without text, before that call.
    """

    text: str = ""
    signature: str | None = None
    provider: str | None = None
    redacted: bool = False


class Refusal(_Value, tag="refusal", frozen=True):
    """A model's refusal, kept apart from its text as OpenAI does."""

    text: str


class ToolCall(_Value, tag="tool_call", frozen=True):
    """A call that the model asks for; `arguments` is the JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str
    cache: CacheMark | None = None


Part = Text | Image | Reasoning | Refusal | ToolCall


class Message(_Value, frozen=True):
    """One turn. Role `tool` carries the result of the call `tool_call_id`; `is_error` says that it failed.

    Turns of one role may follow each other; a dialect whose provider wants them to alternate joins them.
    """

    role: Role
    content: tuple[Part, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    is_error: bool = False

    def text(self) -> str:
        """All text parts, joined without a separator."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


# --- request ---------------------------------------------------------------------------------------------


class Tool(_Value, frozen=True):
    """A function that the model may call; `parameters` is a JSON Schema object."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None
    cache: CacheMark | None = None


class ToolChoice(_Value, frozen=True):
    """Which tool the model must use; `name` goes with mode `tool` alone."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None


class ResponseFormat(_Value, frozen=True):
    """The form of the answer; `schema` is a JSON Schema and goes with `json_schema` alone."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class Request(_Value, frozen=True):
    """A chat request, free of any dialect.

    `hints` change no meaning (metadata, store, service tier) and may be dropped on the way to a provider
    that lacks them. `extra` are fields that the parsing dialect (`dialect`) did not know: they pass to a
    provider of the same dialect and to no other. `reasoning_effort` is `none`, `minimal`, `low`, `medium`, `high`
    or `xhigh`; `reasoning_budget` is the same wish in tokens (0: none), and the more exact where both are given.
    """

    model: str
    messages: tuple[Message, ...]
    provider: str | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    reasoning_budget: int | None = None
    user: str | None = None
    stream: bool = False
    include_usage: bool = False
    hints: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    dialect: str = "native"


# --- answer ----------------------------------------------------------------------------------------------


class Usage(_Value, frozen=True):
    """Token counts. `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones, and
    `cache_write_tokens` those that are kept for an hour, which cost more.

    `cost_usd` is what the provider itself reported, if it did. `estimated` says that we counted, because
    the provider did not tell. `modifiers` are what it served otherwise than usual and bills otherwise, such as
    `service_tier=flex`.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    audio_prompt_tokens: int = 0
    audio_completion_tokens: int = 0
    cost_usd: Decimal | None = None
    estimated: bool = False
    modifiers: tuple[str, ...] = ()

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Choice(_Value, frozen=True):
    """One of the answers; `logprobs` is carried in OpenAI's form, unread.

    `stop_sequence` is the one that ended it, where a provider tells.
    """

    content: tuple[Part, ...] = ()
    finish_reason: FinishReason = "stop"
    stop_sequence: str | None = None
    logprobs: Any = None


class Result(_Value, frozen=True):
    """A whole answer as a provider gave it. `model` is the provider's own name of what answered."""

    choices: tuple[Choice, ...]
    usage: Usage | None = None
    model: str | None = None
    id: str | None = None

    @property
    def content(self) -> tuple[Part, ...]:
        return self.choices[0].content

    @property
    def finish_reason(self) -> FinishReason:
        return self.choices[0].finish_reason


# --- stream ----------------------------------------------------------------------------------------------


class BlockStart(_Value, tag="start", frozen=True):
    """A block of content begins. `index` counts blocks; a tool call also has its `id` and `name`, and
    `tool_index`, which counts tool calls alone."""

    index: int
    kind: BlockKind
    choice: int = 0
    tool_index: int | None = None
    id: str | None = None
    name: str | None = None


class Delta(_Value, tag="delta", frozen=True):
    """More of the block `index`: text, reasoning, a refusal, or a piece of a tool call's JSON arguments."""

    index: int
    text: str
    choice: int = 0


class Signature(_Value, tag="signature", frozen=True):
    """The signature of the reasoning block `index`."""

    index: int
    signature: str
    provider: str | None = None
    choice: int = 0
    redacted: bool = False


class Logprobs(_Value, tag="logprobs", frozen=True):
    """Log probabilities of what was just sent, in OpenAI's form, unread."""

    value: Any
    choice: int = 0


class BlockStop(_Value, tag="stop", frozen=True):
    """The block `index` is complete."""

    index: int
    choice: int = 0


class UsageReport(_Value, tag="usage", frozen=True):
    """Usage as known by now; a later report replaces an earlier one."""

    usage: Usage
    model: str | None = None


class Finish(_Value, tag="finish", frozen=True):
    """The choice is complete; `stop_sequence` as in `Choice`."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


Event = BlockStart | Delta | Signature | Logprobs | BlockStop | UsageReport | Finish


# --- embeddings ------------------------------------------------------------------------------------------


class EmbeddingRequest(_Value, frozen=True):
    """Texts, or OpenAI's token ids, to turn into vectors.

    `dimensions` asks for shorter vectors where a model can; `purpose` is a hint that some models take.
    """

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    provider: str | None = None
    dimensions: int | None = None
    purpose: Literal["query", "document"] | None = None
    user: str | None = None
    extra: dict[str, Any] = {}
    dialect: str = "native"


class EmbeddingResult(_Value, frozen=True):
    """A vector for each input, in their order; `array("f")` where a provider sends single precision, for its size."""

    vectors: tuple[Sequence[float], ...]
    usage: Usage | None = None
    model: str | None = None
