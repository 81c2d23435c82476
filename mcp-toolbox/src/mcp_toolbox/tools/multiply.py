"""The tool `multiply`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mcp_toolbox.registry.numbers import Number, context
from mcp_toolbox.registry.tool import Hints

HINTS = Hints(title="Multiply", read_only=True, idempotent=True, open_world=False)


def multiply(
    a: Annotated[Number, Field(description="The first factor.")],
    b: Annotated[Number, Field(description="The second factor.")],
) -> Number:
    """Multiply two numbers and return their exact product: multiply(7, 8) is 56, multiply(1.1, 3) is 3.3."""
    return context().multiply(a, b)
