"""Encodes a conversation as a system prompt and alternating turns.

Consecutive turns of one role are joined, tool results first, as the API demands. Empty texts (which it refuses) and
thoughts signed by another provider are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llm_gateway.canonical import CacheMark, Image, Message, Part, Reasoning, Refusal, Request, Text, ToolCall
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.anthropic.call_ids import tool_id
from llm_gateway.dialects.common.cache_control import control_of
from llm_gateway.dialects.common.call_arguments import wrapped_object
from llm_gateway.dialects.common.claude_models import generation_of
from llm_gateway.errors import InvalidRequest

Block = dict[str, Any]

_SIDES = {"system": "system", "user": "user", "tool": "user", "assistant": "assistant"}


def conversation(request: Request, model: Model) -> tuple[str | list[Block] | None, list[Block]]:
    """Returns the system prompt (None if there is none) and the turns.

    A system message in the middle stays there if the model supports that and a user's turn comes before it; otherwise
    it is appended to the system prompt.

    Raises:
        InvalidRequest: no message has any content.
    """
    in_place = generation_of(model.id).system_turns
    system: list[Block] = []
    turns: list[tuple[str, list[Block]]] = []
    for message in request.messages:
        side, blocks = _SIDES[message.role], list(_blocks(message, model.provider))
        if not blocks:
            continue
        if side == "system" and not (in_place and turns and turns[-1][0] in ("user", "system")):
            system += blocks
        elif turns and turns[-1][0] == side:
            turns[-1][1].extend(blocks)
        else:
            turns.append((side, blocks))
    if not turns:
        raise InvalidRequest("messages: one with text or an image in it is needed", param="messages")
    messages = [{"role": side, "content": _content(_results_first(blocks))} for side, blocks in turns]
    return (_content(system) if system else None), messages


def _content(blocks: list[Block]) -> str | list[Block]:
    """Returns one plain text as a string, anything else as the list of blocks."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks


def _results_first(blocks: list[Block]) -> list[Block]:
    if len(blocks) == 1:
        return blocks
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _blocks(message: Message, provider: str) -> Iterator[Block]:
    if message.role == "tool":
        yield _tool_result(message, provider)
        return
    for part in message.content:
        block = _block(part, provider)
        if block is not None:
            yield block


def _tool_result(message: Message, provider: str) -> Block:
    result: Block = {"type": "tool_result", "tool_use_id": tool_id(message.tool_call_id or "")}
    blocks = [block for part in message.content if (block := _block(part, provider)) is not None]
    if blocks:
        result["content"] = _content(blocks)
    if message.is_error:
        result["is_error"] = True
    return result


def _block(part: Part, provider: str) -> Block | None:
    match part:
        case Text():
            return _marked({"type": "text", "text": part.text}, part.cache) if part.text.strip() else None
        case Image():
            return _marked({"type": "image", "source": _source(part)}, part.cache)
        case ToolCall():
            call = {
                "type": "tool_use",
                "id": tool_id(part.id),
                "name": part.name,
                "input": wrapped_object(part.arguments),
            }
            return _marked(call, part.cache)
        case Refusal():
            return {"type": "text", "text": part.text} if part.text.strip() else None
        case Reasoning():
            return _thinking(part, provider)


def _thinking(part: Reasoning, provider: str) -> Block | None:
    if not part.signature or part.provider != provider:
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _source(image: Image) -> Block:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type or "image/png", "data": image.data}


def _marked(block: Block, mark: CacheMark | None) -> Block:
    if mark:
        block["cache_control"] = control_of(mark)
    return block
