"""The tool `uppercase`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mcp_toolbox.registry.limits import MAX_TEXT
from mcp_toolbox.registry.tool import Hints

HINTS = Hints(title="Uppercase", read_only=True, idempotent=True, open_world=False)


def uppercase(
    text: Annotated[str, Field(description="The text to convert.", max_length=MAX_TEXT)],
) -> str:
    """Convert a text to upper case (capital letters) in any alphabet: "señor, straße" becomes "SEÑOR, STRASSE"."""
    # Unicode's full case mapping (The Unicode Standard §3.13) can make a text up to three times as long.
    return text.upper()
