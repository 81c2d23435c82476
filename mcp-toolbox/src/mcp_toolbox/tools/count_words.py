"""The tool `count_words`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mcp_toolbox.registry.limits import MAX_TEXT
from mcp_toolbox.registry.tool import Hints

HINTS = Hints(title="Count words", read_only=True, idempotent=True, open_world=False)


def count_words(
    text: Annotated[str, Field(description="The text whose words are counted.", max_length=MAX_TEXT)],
) -> int:
    """Count the words of a text. A word is a run of characters between white space with at least one letter or
    digit: "¿Qué tal?" has 2, "well-known" has 1, a lone dash or emoji counts as none."""
    return sum(any(map(str.isalnum, piece)) for piece in text.split())
