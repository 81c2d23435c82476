"""Ids of tool calls in the alphabet that Anthropic takes; other providers are not so strict."""

from __future__ import annotations

import re

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def tool_id(id_: str) -> str:
    """`id_` with an underscore for each letter that Anthropic refuses: the same for a call and for its result."""
    return _FOREIGN.sub("_", id_) or "_"
