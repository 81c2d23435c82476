"""Answers of Anthropic's Messages."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class MessageText(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class MessageThinking(msgspec.Struct, tag_field="type", tag="thinking"):
    """A thought; `signature` is opaque and goes back as it came."""

    thinking: str
    signature: str


class MessageRedactedThinking(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class MessageToolUse(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]


MessageBlock = MessageText | MessageThinking | MessageRedactedThinking | MessageToolUse
StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]


class ThinkingTokens(msgspec.Struct):
    thinking_tokens: int


class CacheCreation(msgspec.Struct):
    ephemeral_1h_input_tokens: int
    ephemeral_5m_input_tokens: int


class MessageUsage(msgspec.Struct):
    """`input_tokens` leaves out what was read from or written to a cache."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThinkingTokens
    cache_creation: CacheCreation | msgspec.UnsetType = msgspec.UNSET
    cost_usd: float | msgspec.UnsetType | None = msgspec.UNSET


class MessageObject(msgspec.Struct):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    provider: str
    content: list[MessageBlock]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessageUsage
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class MessageDelta(msgspec.Struct):
    """What changes in a block, which has a `type`, or how the message ended."""

    type: Literal["text_delta", "input_json_delta", "thinking_delta", "signature_delta"] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    text: str | msgspec.UnsetType = msgspec.UNSET
    partial_json: str | msgspec.UnsetType = msgspec.UNSET
    thinking: str | msgspec.UnsetType = msgspec.UNSET
    signature: str | msgspec.UnsetType = msgspec.UNSET
    stop_reason: StopReason | msgspec.UnsetType = msgspec.UNSET
    stop_sequence: str | msgspec.UnsetType | None = msgspec.UNSET


class MessagesDetails(msgspec.Struct):
    error_code: str


class MessagesFailure(msgspec.Struct):
    """`type` is Anthropic's; `error_code` and `param` are the `code` and `param` of our own envelope."""

    type: str
    message: str
    details: MessagesDetails
    param: str | None


class MessagesError(msgspec.Struct, tag_field="type", tag="error"):
    """Anthropic's envelope."""

    error: MessagesFailure
    request_id: str


class MessageEvent(msgspec.Struct):
    """One event of a stream of Messages."""

    type: Literal[
        "message_start", "ping", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop", "error",
    ]  # fmt: skip
    index: int | msgspec.UnsetType = msgspec.UNSET
    message: MessageObject | msgspec.UnsetType = msgspec.UNSET
    content_block: MessageBlock | msgspec.UnsetType = msgspec.UNSET
    delta: MessageDelta | msgspec.UnsetType = msgspec.UNSET
    usage: MessageUsage | msgspec.UnsetType = msgspec.UNSET
    error: MessagesFailure | msgspec.UnsetType = msgspec.UNSET
    request_id: str | msgspec.UnsetType = msgspec.UNSET


class TokenCount(msgspec.Struct):
    """An estimate of ours."""

    input_tokens: int
