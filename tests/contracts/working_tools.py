"""A toolbox whose tools take their time, beside the built-in ones: for clients that watch progress and cancel.

`python tests/contracts/working_tools.py` serves it over the standard streams.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from typing import Annotated

from mcp_toolbox.app import built_in
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.server import create_server
from mcp_toolbox.server.stdio import serve_stdio
from mcp_toolbox.settings import ToolboxSettings
from pydantic import Field
from service_kit.settings import load


def working_registry() -> ToolRegistry:
    """The built-in tools, and `count`, `wait` and `waits`."""
    running = 0
    cancelled = 0

    async def count(to: Annotated[int, Field(description="The last number.")], context: CallContext) -> int:
        """Count, and report each number."""
        for number in range(1, to + 1):
            await context.progress(number, to, f"at {number}")
            await asyncio.sleep(0.01)
        return to

    async def wait(seconds: Annotated[float, Field(description="How long.")]) -> str:
        """Wait, and notice when nobody waits for it."""
        nonlocal running, cancelled
        running += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            cancelled += 1
            raise
        finally:
            running -= 1
        return "waited"

    def waits() -> dict[str, int]:
        """How many calls of wait there are, and were cancelled."""
        return {"running": running, "cancelled": cancelled}

    registry = built_in()
    registry.replace("working", [from_function(tool, Hints()) for tool in (count, wait, waits)])
    return registry


if __name__ == "__main__":
    sys.exit(serve_stdio(create_server(working_registry(), version="1"), load(ToolboxSettings, {}), nullcontext()))
