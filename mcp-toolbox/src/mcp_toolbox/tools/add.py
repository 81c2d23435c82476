"""The tool `add`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mcp_toolbox.registry.numbers import Number, context
from mcp_toolbox.registry.tool import Hints

HINTS = Hints(title="Add", read_only=True, idempotent=True, open_world=False)


def add(
    a: Annotated[Number, Field(description="The first number.")],
    b: Annotated[Number, Field(description="The number to add to it.")],
) -> Number:
    """Add two numbers and return their exact sum: add(5, 3) is 8, add(0.1, 0.2) is 0.3."""
    return context().add(a, b)
