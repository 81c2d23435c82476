"""Prompt-caching marks (`cache_control`) in Anthropic's form, which servers with OpenAI's API have adopted.

Source: https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
"""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import CacheMark, Request


def mark_of(control: Any) -> CacheMark | None:
    """Returns the cache mark for `{"type": "ephemeral", "ttl"?: "5m" | "1h"}`, or None for anything but an object."""
    if not isinstance(control, dict):
        return None
    return "1h" if control.get("ttl") == "1h" else "5m"


def control_of(mark: CacheMark) -> dict[str, str]:
    """Returns the `cache_control` for `mark`; five minutes are the default, and have no `ttl`."""
    return {"type": "ephemeral"} if mark == "5m" else {"type": "ephemeral", "ttl": mark}


_MOST_MARKS = 4
"""Anthropic and Bedrock refuse more."""


def with_fewer_marks(request: Request) -> Request:
    """Returns `request` with only its last four marks, in the order of the prompt: tools, system, conversation.

    A mark is a hint, and the last ones mark the longest prefixes.
    """
    system = [message for message in request.messages if message.role == "system"]
    others = [message for message in request.messages if message.role != "system"]
    parts = [part for message in (*system, *others) for part in message.content]
    marked = [item for item in (*request.tools, *parts) if getattr(item, "cache", None)]
    if len(marked) <= _MOST_MARKS:
        return request
    surplus = {id(item) for item in marked[:-_MOST_MARKS]}

    def kept(item: Any) -> Any:
        return msgspec.structs.replace(item, cache=None) if id(item) in surplus else item

    messages = (
        msgspec.structs.replace(message, content=tuple(map(kept, message.content))) for message in request.messages
    )
    return msgspec.structs.replace(request, tools=tuple(map(kept, request.tools)), messages=tuple(messages))
