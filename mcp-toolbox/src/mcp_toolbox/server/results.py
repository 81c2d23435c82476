"""Results as plain dictionaries: the SDK validates them for the client's revision, and models would do so twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def complete(result: Mapping[str, Any]) -> dict[str, Any]:
    """`result` as 2026-07-28 wants it: no question, but the answer. Older revisions are sent it without the mark."""
    return {"resultType": "complete", **result}
