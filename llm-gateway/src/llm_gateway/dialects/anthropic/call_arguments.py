"""A tool call's arguments: text with us, an object with Anthropic."""

from __future__ import annotations

from typing import Any

import msgspec

_NO_ARGUMENTS = msgspec.Raw(b"{}")
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


def input_of(arguments: str) -> msgspec.Raw:
    """The object in `arguments`, to the letter; what is no object goes whole as `{"arguments": …}`.

    Some model wrote it, perhaps another one: refusing it would end a conversation that can still go on, and an
    empty object would hide from the model what it had written.
    """
    if not arguments.strip():
        return _NO_ARGUMENTS
    try:
        value: Any = msgspec.json.decode(arguments)
    except _UNREADABLE:
        value = arguments
    if isinstance(value, dict):
        return msgspec.Raw(arguments.encode())
    return msgspec.Raw(msgspec.json.encode({"arguments": value}))


def arguments_of(sent: msgspec.Raw) -> str:
    """The text of a call's `input`; no input at all is an empty object."""
    text = bytes(sent).decode()
    return text if text and text != "null" else "{}"
