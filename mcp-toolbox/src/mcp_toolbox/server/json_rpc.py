"""What arrives as a message, before the SDK reads it. What is none is refused with a code and, where it can be read,
with the id, so that no client waits for an answer that never comes.

Source: JSON-RPC 2.0, 4 and 5.1; MCP 2025-11-25, Base Protocol, Messages (ids are texts or integers, never null; no
batches).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mcp.types import INVALID_REQUEST, PARSE_ERROR
from pydantic_core import from_json

Id = str | int | None


@dataclass(frozen=True)
class Refusal:
    """A JSON-RPC error in place of an answer. Its message contains nothing of what arrived."""

    code: int
    message: str
    id: Id = None

    def to_wire(self) -> dict[str, Any]:
        """Returns the error as a JSON-RPC message."""
        return {"jsonrpc": "2.0", "id": self.id, "error": {"code": self.code, "message": self.message}}


def refusal_of(data: bytes) -> Refusal | None:
    """Returns why `data` is not one message of MCP, or None if it is."""
    try:
        message = from_json(data)
    except ValueError:
        return _unreadable(data)
    if isinstance(message, list):
        return Refusal(INVALID_REQUEST, "Invalid request: batches are not taken; send one message at a time")
    if not isinstance(message, dict):
        return Refusal(INVALID_REQUEST, "Invalid request: a message is a JSON object")
    problem = _problem(message)
    return Refusal(INVALID_REQUEST, f"Invalid request: {problem}", _id_of(message)) if problem else None


def id_in(data: bytes) -> Id:
    """Returns the id of the message in `data`, None where it has none."""
    return _id_of(from_json(data))


def _problem(message: dict[str, Any]) -> str | None:
    if message.get("jsonrpc") != "2.0":
        return 'jsonrpc must be "2.0"'
    if "id" in message and _id_of(message) is None and "error" not in message:
        return "id must be a text or an integer"
    if "method" not in message:
        return None if "result" in message or "error" in message else "method is missing"
    if not isinstance(message["method"], str):
        return "method must be a text"
    if not isinstance(message.get("params"), dict | None):
        return "params must be an object"
    return None


def _unreadable(data: bytes) -> Refusal:
    """Returns the refusal of what is no JSON, or is JSON with a text that is not Unicode."""
    try:
        message = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return Refusal(PARSE_ERROR, "Parse error: the message is not valid JSON")
    id_ = _id_of(message)
    if _is_utf8_json(data):
        return Refusal(INVALID_REQUEST, "Invalid request: a text is not valid Unicode, or is nested too deep", id_)
    return Refusal(PARSE_ERROR, "Parse error: the message is not valid UTF-8 without a byte order mark", id_)


def _is_utf8_json(data: bytes) -> bool:
    try:
        return not data.decode("utf-8").startswith("\ufeff")
    except UnicodeDecodeError:
        return False


def _id_of(message: Any) -> Id:
    """Returns the id of a message, None where it has none that is one."""
    id_ = message.get("id") if isinstance(message, dict) else None
    if isinstance(id_, bool) or not isinstance(id_, str | int):
        return None
    if isinstance(id_, str) and not _is_unicode(id_):
        return None
    return id_


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
