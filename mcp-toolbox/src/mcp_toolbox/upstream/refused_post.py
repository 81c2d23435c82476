"""What a server's refusal of a message over HTTP means."""

from __future__ import annotations

from typing import Any

import httpx2
from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND
from pydantic_core import from_json

_SESSION_NOT_FOUND = -32001
"""The code that the TypeScript SDK and others give a session that they do not know."""

_GONE = frozenset({404, 410})
_OF_THE_CALLER = frozenset({401, 403, 407, 429})
_WORDS = ("session", "not initialized")
_NO_STREAMABLE_HTTP = frozenset({400, 404, 405, 406, 410, 415, 501})


def error_in(body: bytes) -> tuple[int | None, str | None]:
    """Returns the code and the message of a JSON-RPC error, each None where it is not there."""
    try:
        error: Any = from_json(body)["error"]
        code, message = error.get("code"), error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
    return (code if isinstance(code, int) else None), (message if isinstance(message, str) else None)


def loses_session(status: int, body: bytes) -> bool:
    """Returns whether the refusal of a message that named a session says that the session is gone: 404 by the
    specification, 410 or another status of the request in the words and codes of well-known servers."""
    code, _ = error_in(body)
    if code in (METHOD_NOT_FOUND, INVALID_PARAMS) or status in _OF_THE_CALLER:
        return False
    if status in _GONE or code == _SESSION_NOT_FOUND:
        return True
    return status < 500 and any(word in body[:4096].decode("utf-8", "replace").lower() for word in _WORDS)


def speaks_no_streamable_http(request: httpx2.Request, status: int) -> bool:
    """Returns whether a refused handshake leaves open that the server speaks the older HTTP+SSE (MCP 2025-11-25,
    Transports, Backwards Compatibility)."""
    return status in _NO_STREAMABLE_HTTP and b'"initialize"' in request.content
