"""A server's message that the strict parser refuses, made readable: delivered with U+FFFD where a text is not Unicode,
or turned into an error for the call that it answers."""

from __future__ import annotations

import re
from typing import Any

from mcp.types import INVALID_REQUEST, JSONRPCMessage, jsonrpc_message_adapter
from pydantic_core import from_json

from mcp_toolbox.upstream.lines import TooLong
from mcp_toolbox.upstream.refusals import refusal

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")
"""An escape of JSON. Of the surrogates those of a pair are matched together, so that a match of six bytes is a half."""

_HALF = 6
_ENDS = 256
_RESULT = re.compile(rb'^\s*\{[^{}\[\]]{0,80}"(?:result|error)"\s*:')
_BEGIN = b'{"jsonrpc"'
_UNFINISHED = (b"{", b"[", b",", b":")


def unicode_json(data: bytes) -> bytes:
    """Returns JSON in which halves of surrogate pairs (a JavaScript server that cuts an emoji writes them) and bytes
    that are no UTF-8 are U+FFFD."""
    text = data.decode("utf-8", "replace").encode()
    return _ESCAPE.sub(lambda found: rb"\ufffd" if len(found[0]) == _HALF else found[0], text)


def readable(data: bytes) -> JSONRPCMessage | None:
    """Returns the message in `data`, or an error in its place for the call that it answers, or None for noise. A server
    may have printed something before the message without ending the line."""
    mended = b""
    for candidate in (data, data[max(data.rfind(_BEGIN), 0) :]):
        if (message := _parsed(candidate)) or (message := _parsed(mended := unicode_json(candidate))):
            return message
    answered = _answered(mended)
    if answered is None:
        return None
    error = refusal(answered, INVALID_REQUEST, "The server answered something that is not MCP.")
    return jsonrpc_message_adapter.validate_python(error)


def _parsed(data: bytes) -> JSONRPCMessage | None:
    try:
        return jsonrpc_message_adapter.validate_json(data, by_name=False)
    except ValueError:
        return None


def _answered(data: bytes) -> int | None:
    """Returns the id of the call that `data` answers, also where it is no whole JSON."""
    try:
        said: Any = from_json(data)
    except ValueError:
        ends = TooLong(len(data), data[:_ENDS], data[-_ENDS:])
        return ends.answers if _RESULT.match(data) and not data.rstrip().endswith(_UNFINISHED) else None
    if not isinstance(said, dict) or "method" in said:
        return None
    return said["id"] if isinstance(said.get("id"), int) else None
