"""The arguments of a tool call: JSON text in canonical messages, a JSON object in most other dialects."""

from __future__ import annotations

from typing import Any

import msgspec

_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
_NO_ARGUMENTS = msgspec.Raw(b"{}")


def read_arguments(arguments: str) -> Any:
    """Returns the JSON value in `arguments`: `{}` for blank text, and the text itself where it is not JSON."""
    if not arguments.strip():
        return {}
    try:
        return msgspec.json.decode(arguments)
    except _UNREADABLE:
        return arguments


def raw_object(arguments: str) -> msgspec.Raw | None:
    """Returns the object in `arguments`, to the letter, or None if the text is not a JSON object."""
    if not isinstance(read_arguments(arguments), dict):
        return None
    return msgspec.Raw(arguments.encode()) if arguments.strip() else _NO_ARGUMENTS


def wrapped_object(arguments: str) -> msgspec.Raw:
    """Returns the object in `arguments`, to the letter; anything else goes whole as `{"arguments": …}`.

    A model wrote it, perhaps another one. Refusing it would end a conversation that can still go on, and an empty
    object would hide from the model what it had written.
    """
    found = raw_object(arguments)
    return msgspec.Raw(msgspec.json.encode({"arguments": read_arguments(arguments)})) if found is None else found


def arguments_of(sent: msgspec.Raw) -> str:
    """Returns the text of a call's object; one that was left out, or is null, is an empty object."""
    text = bytes(sent).decode()
    return text if text and text != "null" else "{}"
