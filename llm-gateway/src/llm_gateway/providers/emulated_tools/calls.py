"""Tool calls as a model wrote them: read only when they are calls of offered tools with arguments that fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from llm_gateway.canonical import Tool
from llm_gateway.providers.emulated_tools.fitting import fits

KEYS = ('"tool_calls"', '"name"', '"arguments"', '"function"', '"id"', '"type"', '"parameters"')
"""How a call's first key may read. Beside the prompt's own notation there are those that models were trained on."""

OWN_KEY = '"tool_calls"'


class Called(NamedTuple):
    """A call without an id; `arguments` is the JSON text of an object."""

    name: str
    arguments: str


class _NoCall(Exception):
    """What was written is no call."""


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)
_object = msgspec.json.Decoder(dict)


def read_calls(text: str, tools: tuple[Tool, ...]) -> tuple[Called, ...] | None:
    """Returns the calls in `text`, a JSON value; None when it is anything but one or more valid calls of `tools`."""
    known = {tool.name: tool for tool in tools}
    try:
        return tuple(_call(raw, known) for raw in _written(text)) or None
    except (_NoCall, KeyError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _written(text: str) -> Iterator[msgspec.Raw | bytes]:
    data = text.encode()
    if text.startswith("["):
        yield from _list.decode(data)
        return
    members = _members.decode(data)
    if "tool_calls" in members:
        yield from _list.decode(members["tool_calls"])
    else:
        yield data


def _call(raw: msgspec.Raw | bytes, known: dict[str, Tool]) -> Called:
    members = _members.decode(raw)
    if "function" in members:  # OpenAI's own form
        members = _members.decode(members["function"])
    tool = known[_string.decode(members["name"])]
    written = members["arguments"] if "arguments" in members else members["parameters"]
    arguments = bytes(written).decode()
    if arguments.startswith('"'):
        arguments = _string.decode(arguments)
    if not fits(_object.decode(arguments), tool.parameters):
        raise _NoCall
    return Called(tool.name, arguments)
