"""Parses the turns of a conversation and their blocks.

A user's turn with tool results becomes one message for each result, followed by one with the other blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llm_gateway.canonical import CacheMark, Image, Message, Part, Reasoning, Text, ToolCall
from llm_gateway.dialects.anthropic import wire
from llm_gateway.dialects.common.signatures import unwrap
from llm_gateway.errors import InvalidRequest

_PROVIDER = "anthropic"
"""The provider of a signature that names none (see `common.signatures`)."""

_OF_ASSISTANTS = (wire.ToolUseBlock, wire.ThinkingBlock, wire.RedactedThinkingBlock)


def messages_of(turn: wire.MessageParam, index: int) -> Iterator[Message]:
    """Returns the messages in turn number `index`.

    Raises:
        InvalidRequest: a block that this role cannot have.
    """
    if isinstance(turn.content, str):
        yield Message(role=turn.role, content=(Text(text=turn.content),))
        return
    rest: list[Part] = []
    for number, block in enumerate(turn.content):
        where = f"messages[{index}].content[{number}]"
        if isinstance(block, wire.ToolResultBlock):
            if turn.role != "user":
                raise _misplaced(block, turn.role, where)
            yield _result(block)
        else:
            rest.append(_part(block, turn.role, where))
    if rest:
        yield Message(role=turn.role, content=tuple(rest))


def text_parts(content: str | list[wire.TextBlock]) -> tuple[Text, ...]:
    """Returns the texts of a system prompt."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(Text(text=block.text, cache=mark(block.cache_control)) for block in content)


def mark(control: wire.CacheControl | None) -> CacheMark | None:
    """Returns the cache mark of a block; five minutes by default."""
    return None if control is None else control.ttl or "5m"


def _misplaced(block: wire.ContentBlock, role: str, where: str) -> InvalidRequest:
    kind = block.__struct_config__.tag
    return InvalidRequest(f"{where}: a block of type '{kind}' has no place in a message of role '{role}'", param=where)


def _result(block: wire.ToolResultBlock) -> Message:
    content: tuple[Part, ...]
    if isinstance(block.content, str):
        content = (Text(text=block.content),)
    else:
        content = tuple(
            _image(part) if isinstance(part, wire.ImageBlock) else Text(text=part.text, cache=mark(part.cache_control))
            for part in block.content or ()
        )
    if content and block.cache_control:  # canonical marks are on parts, and the last one ends the result
        content = (*content[:-1], msgspec.structs.replace(content[-1], cache=mark(block.cache_control)))
    return Message(role="tool", content=content, tool_call_id=block.tool_use_id, is_error=bool(block.is_error))


def _part(block: wire.ContentBlock, role: str, where: str) -> Part:
    if isinstance(block, _OF_ASSISTANTS) != (role == "assistant") and not isinstance(block, wire.TextBlock):
        raise _misplaced(block, role, where)
    match block:
        case wire.TextBlock():
            return Text(text=block.text, cache=mark(block.cache_control))
        case wire.ImageBlock() if role == "user":
            return _image(block)
        case wire.ToolUseBlock():
            arguments = msgspec.json.encode(block.input).decode()
            return ToolCall(id=block.id, name=block.name, arguments=arguments, cache=mark(block.cache_control))
        case wire.ThinkingBlock():
            return _thinking(block)
        case wire.RedactedThinkingBlock():
            provider, signature = unwrap(block.data, _PROVIDER)
            return Reasoning(signature=signature, provider=provider, redacted=True)
        case _:
            raise _misplaced(block, role, where)


def _image(block: wire.ImageBlock) -> Image:
    source, cache = block.source, mark(block.cache_control)
    if isinstance(source, wire.UrlSource):
        return Image(url=source.url, cache=cache)
    return Image(data=source.data, media_type=source.media_type, cache=cache)


def _thinking(block: wire.ThinkingBlock) -> Reasoning:
    if not block.signature:
        return Reasoning(text=block.thinking)
    provider, signature = unwrap(block.signature, _PROVIDER)
    return Reasoning(text=block.thinking, signature=signature, provider=provider)
