"""Prompt-caching marks as Anthropic writes them, which OpenAI's look-alikes took over.

Source: https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
"""

from __future__ import annotations

from typing import Any

from llm_gateway.types import CacheMark


def mark_of(control: Any) -> CacheMark | None:
    """What `{"type": "ephemeral", "ttl"?: "5m" | "1h"}` asks for."""
    if not isinstance(control, dict):
        return None
    return "1h" if control.get("ttl") == "1h" else "5m"


def control_of(mark: CacheMark) -> dict[str, str]:
    """The same the other way round; five minutes are what goes without saying."""
    return {"type": "ephemeral"} if mark == "5m" else {"type": "ephemeral", "ttl": mark}
