"""The JSON of a provider's answers, as structs. All fields are optional: the API announces new fields and types.

Source: https://platform.claude.com/docs/en/api/versioning
"""

from __future__ import annotations

from typing import Any

import msgspec


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
    """A whole answer, the start of a stream or an error, by `type`. `usage` is read separately, so that a bad count
    does not invalidate the answer."""

    type: str | None = None
    content: list[Block] | None = None
    error: Any = None
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Any = None


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
    usage: Any = None
    error: Any = None


PIECES = frozenset({"text", "partial_json", "thinking"})
"""The fields of a delta that hold a piece of text."""
