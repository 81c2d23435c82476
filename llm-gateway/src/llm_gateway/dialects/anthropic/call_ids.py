"""Ids of tool calls in Anthropic's alphabet (letters, digits, `_` and `-`); other providers allow more."""

from __future__ import annotations

import hashlib
import re

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def tool_id(id_: str) -> str:
    """Returns `id_` with each character that Anthropic refuses as an underscore, followed by a hash of the original.

    A call and its result get the same id, and two different ids stay different: Anthropic refuses duplicates. An id
    that already fits is returned unchanged.
    """
    fitting = _FOREIGN.sub("_", id_)
    if fitting == id_ != "":
        return id_
    return f"{fitting}-{hashlib.sha256(id_.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
