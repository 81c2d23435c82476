"""JSON-RPC errors that the toolbox sends in a server's place."""

from __future__ import annotations

from typing import Any

from mcp.types import INVALID_REQUEST


def too_large(id_: int | None, size: int) -> dict[str, Any]:
    """Returns the error in place of an answer of `size` bytes."""
    return refusal(id_, INVALID_REQUEST, f"The answer has {size} bytes, more than this toolbox passes on.")


def refusal(id_: int | None, code: int, message: str) -> dict[str, Any]:
    """Returns a JSON-RPC error for the request `id_`."""
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}
