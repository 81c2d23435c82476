"""Results as plain dictionaries: the SDK validates them for the client's revision, so models would validate them
twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def complete(result: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `result` with the mark of 2026-07-28 that it is complete, not a question. The SDK removes the mark for
    older revisions."""
    return {"resultType": "complete", **result}
