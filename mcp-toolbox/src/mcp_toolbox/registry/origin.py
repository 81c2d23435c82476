"""Which toolboxes a tool has come through, so that a ring of toolboxes offers no tool twice.

A toolbox that lists another one says so in `_meta` of its request, and then gets each tool with the ids of the
toolboxes behind it. Other clients see nothing of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LISTED_BY = "agent-suite/toolbox"
"""The key of `_meta` in a request of `tools/list` under which a toolbox names itself."""

THROUGH = "agent-suite/through"
"""The key of `_meta` of a tool that lists the toolboxes that it has come through."""

MOST = 8
"""A tool that has come through more toolboxes is not offered."""


def through(meta: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Returns the toolboxes that a listed tool has come through."""
    named = (meta or {}).get(THROUGH)
    return tuple(each for each in named if isinstance(each, str)) if isinstance(named, list) else ()
