"""Strategies of hypothesis that several suites draw from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st


def nested(
    leaves: st.SearchStrategy[Any],
    extend: Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]],
    *,
    depth: int = 2,
) -> st.SearchStrategy[Any]:
    """Values that contain one another, at most `depth` levels deep.

    `st.recursive` counts its leaves in a state outside the choices that hypothesis replays: now and then a replay
    differs from its first run, and a test fails for that alone (`FlakyStrategyDefinition`).
    """
    values = leaves
    for _ in range(depth):
        values = leaves | extend(values)
    return values
