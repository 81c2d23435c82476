"""The JSON of Converse's answers, as structs. A content block is a union: its only key is its type.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from typing import Any

import msgspec

SERVER_TOOL = "server_tool_use"
"""The type of a tool call that Bedrock runs itself; the client does not see it."""


class _Received(msgspec.Struct, rename="camel"):
    """The base of what Bedrock sends; unknown fields are ignored."""


class ToolUse(_Received):
    tool_use_id: str
    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")
    type: str | None = None


class ReasoningText(_Received):
    text: str = ""
    signature: str | None = None


class Reasoning(_Received):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Citable(_Received):
    text: str = ""


class Cited(_Received):
    content: list[Citable] = []


class Block(_Received):
    text: str | None = None
    tool_use: ToolUse | None = None
    reasoning_content: Reasoning | None = None
    citations_content: Cited | None = None


class Message(_Received):
    content: list[Block]


class Output(_Received):
    message: Message


class Answer(_Received):
    """A whole answer; `usage` is read separately, so that a bad count does not invalidate the answer."""

    output: Output
    stop_reason: str | None
    usage: Any = None
    service_tier: Any = None
    additional_model_response_fields: Any = None


# --- streams ---------------------------------------------------------------------------------------------


class ToolUseStart(_Received):
    tool_use_id: str
    name: str
    type: str | None = None


class Start(_Received):
    tool_use: ToolUseStart | None = None


class ContentBlockStart(_Received):
    content_block_index: int
    start: Start


class ToolUseDelta(_Received):
    input: str = ""


class ReasoningDelta(_Received):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class Delta(_Received):
    text: str | None = None
    tool_use: ToolUseDelta | None = None
    reasoning_content: ReasoningDelta | None = None


class ContentBlockDelta(_Received):
    content_block_index: int
    delta: Delta


class ContentBlockStop(_Received):
    content_block_index: int


class MessageStop(_Received):
    stop_reason: str | None
    additional_model_response_fields: Any = None


class Metadata(_Received):
    usage: Any = None
    service_tier: Any = None


class Problem(_Received):
    """An error's body; services spell `message` in two ways."""

    message: str | None = None
    capital_message: str | None = msgspec.field(default=None, name="Message")
    type: str | None = msgspec.field(default=None, name="__type")
    original_status_code: int | None = None


PIECES = frozenset({"text", "input"})
"""The fields of a delta that hold a piece of text."""
