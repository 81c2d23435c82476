"""Ids of tool calls in the alphabet that Anthropic takes; other providers are not so strict."""

from __future__ import annotations

import hashlib
import re

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def tool_id(id_: str) -> str:
    """`id_`, with an underscore for each letter that Anthropic refuses, and then with a mark of what it was.

    It is the same for a call and for its result, and stays another one than that of any other call, since ids which
    are there twice are refused.
    """
    fitting = _FOREIGN.sub("_", id_)
    if fitting == id_ != "":
        return id_
    return f"{fitting}-{hashlib.sha256(id_.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
