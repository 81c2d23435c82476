"""Encodes a conversation for a provider with OpenAI's API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

from llm_gateway.canonical import Image, Message, Part, Reasoning, Refusal, Request, Text, ToolCall
from llm_gateway.catalog.models import Endpoint, Model
from llm_gateway.dialects.common.cache_control import control_of
from llm_gateway.dialects.openai_chat.reasoning_details import sent_back

_FAILED = "The tool failed."
_SEE_BELOW = "The result is an image, which follows."


def messages(request: Request, model: Model) -> list[dict[str, Any]]:
    """Returns all turns. A tool's turn holds text only, so images in tool results follow in a user's turn."""
    endpoint = model.endpoint
    thinks = endpoint.reasoning_back == "tool_turns" and any(_thoughts(turn.content) for turn in request.messages)
    sent: list[dict[str, Any]] = []
    pictures: list[dict[str, Any]] = []
    for turn in request.messages:
        if turn.role == "tool":
            sent.append(_result(turn, endpoint))
            if not _is_plain(turn.content):
                pictures += _pictures(turn, endpoint)
            continue
        if pictures:
            sent.append({"role": "user", "content": pictures})
            pictures = []
        message = _message(turn, endpoint)
        if turn.role == "assistant" and endpoint.reasoning_back is not None:
            _think_back(message, turn, model, thinks=thinks)
        sent.append(message)
    if pictures:
        sent.append({"role": "user", "content": pictures})
    return sent


def has_marks(request: Request) -> bool:
    """Whether the request has a cache mark."""
    for tool in request.tools:
        if tool.cache:
            return True
    for turn in request.messages:
        for part in turn.content:
            if isinstance(part, Text | Image | ToolCall) and part.cache:
                return True
    return False


def _message(message: Message, endpoint: Endpoint) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role}
    content = message.content
    if _is_plain(content):
        sent["content"] = content[0].text
    else:
        sent.update(_mixed(content, endpoint))
    if message.name is not None:
        sent["name"] = message.name
    return sent


def _is_plain(content: tuple[Part, ...]) -> TypeGuard[tuple[Text]]:
    """Whether the content is one text without a cache mark."""
    return len(content) == 1 and type(content[0]) is Text and not content[0].cache


def _mixed(content: tuple[Part, ...], endpoint: Endpoint) -> dict[str, Any]:
    parts = [sent for part in content if (sent := _part(part, endpoint)) is not None]
    calls = [
        {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in content
        if isinstance(part, ToolCall)
    ]
    if not calls:
        alone = len(parts) == 1 and parts[0].keys() == {"type", "text"}
        return {"content": parts[0]["text"] if alone else parts}
    if any("cache_control" in part for part in parts):
        return {"content": parts, "tool_calls": calls}
    # Text beside tool calls is sent as a string: several servers refuse parts there.
    text = "".join(part.text for part in content if isinstance(part, Text))
    return {"content": text or None, "tool_calls": calls}


def _part(part: Part, endpoint: Endpoint) -> dict[str, Any] | None:
    match part:
        case Text():
            sent: dict[str, Any] = {"type": "text", "text": part.text}
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            detail = {"detail": part.detail} if part.detail else {}
            sent = {"type": "image_url", "image_url": {"url": url, **detail}}
        case Refusal():
            return {"type": "refusal", "refusal": part.text}
        case _:
            return None  # calls and thoughts are not part of the content
    if part.cache and endpoint.cache_marks:
        sent["cache_control"] = control_of(part.cache)
    return sent


def _result(message: Message, endpoint: Endpoint) -> dict[str, Any]:
    """Returns a tool's turn. There is no field for a failure, so it is only told if the text would be empty."""
    if _is_plain(message.content):
        sent = _message(message, endpoint)
        sent["tool_call_id"] = message.tool_call_id
        return sent
    words = tuple(part for part in message.content if isinstance(part, Text))
    sent = _message(Message(role="tool", content=words, name=message.name), endpoint)
    if not words:
        sent["content"] = _FAILED if message.is_error else _SEE_BELOW if message.content else ""
    sent["tool_call_id"] = message.tool_call_id
    return sent


def _pictures(message: Message, endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    images = [sent for part in message.content if isinstance(part, Image) and (sent := _part(part, endpoint))]
    if images:
        yield {"type": "text", "text": f"From the tool call {message.tool_call_id}:"}
        yield from images


def _think_back(sent: dict[str, Any], message: Message, model: Model, *, thinks: bool) -> None:
    """Adds an assistant's thoughts for a provider that wants them back.

    DeepSeek, while it thinks, wants the thoughts of turns with tool calls, even empty ones, and of no others.
    OpenRouter wants everything that it sent.

    Sources: https://api-docs.deepseek.com/guides/thinking_mode,
    https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
    """
    if model.endpoint.reasoning_back == "details":
        details = sent_back(message.content, model.provider)
        if details:
            sent["reasoning_details"] = details
    elif thinks and "tool_calls" in sent:
        sent["reasoning_content"] = "".join(part.text for part in _thoughts(message.content))


def _thoughts(content: Iterable[Part]) -> list[Reasoning]:
    return [part for part in content if isinstance(part, Reasoning)]
