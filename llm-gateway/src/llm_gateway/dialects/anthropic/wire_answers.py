"""The JSON that a provider of Messages sends, as structs; read loosely, since new fields and kinds are promised.

Source: https://platform.claude.com/docs/en/api/versioning
"""

from __future__ import annotations

from typing import Any

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at a body that is no JSON, no UTF-8, or nested more deeply than Python's stack."""


class CacheCreation(msgspec.Struct):
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class ReceivedUsage(msgspec.Struct):
    """`input_tokens` leaves out what was read from or written to the cache."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


class Block(msgspec.Struct):
    """A block of content, whatever its `type`."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")


class ReceivedMessage(msgspec.Struct):
    """A whole answer, or the beginning of a stream."""

    content: list[Block]
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: ReceivedUsage | None = None


class Change(msgspec.Struct):
    """The `delta` of a block or of the message."""

    type: str | None = None
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class ReceivedEvent(msgspec.Struct):
    """One event of a stream, whatever its `type`."""

    type: str
    index: int | None = None
    message: ReceivedMessage | None = None
    content_block: Block | None = None
    delta: Change | None = None
    usage: ReceivedUsage | None = None
    error: Any = None
