"""A model's own system prompt, put into a request in canonical words: so every dialect says it, and the cache's key
has it."""

from __future__ import annotations

import msgspec

from llm_gateway.canonical import Message, Request, Text
from llm_gateway.catalog.models import SystemPrompt

_BETWEEN = "\n\n"


def instructed(request: Request, prompt: SystemPrompt) -> Request:
    """Returns `request` with the system prompt of the model that will answer it."""
    messages = request.messages
    if prompt.mode == "replace":
        messages = tuple(message for message in messages if message.role != "system")
    elif any(message.role == "system" for message in messages):
        return request if prompt.mode == "default" else _with_messages(request, _prepended(messages, prompt.text))
    return _with_messages(request, (_system(prompt.text), *messages))


def _prepended(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """One system message at the beginning, since the templates of many models take no second one."""
    first = messages[0]
    if first.role != "system" or not first.content or not isinstance(first.content[0], Text):
        return (_system(text), *messages)
    begun = msgspec.structs.replace(first.content[0], text=text + _BETWEEN + first.content[0].text)
    return (msgspec.structs.replace(first, content=(begun, *first.content[1:])), *messages[1:])


def _system(text: str) -> Message:
    return Message(role="system", content=(Text(text=text),))


def _with_messages(request: Request, messages: tuple[Message, ...]) -> Request:
    return msgspec.structs.replace(request, messages=messages)
