"""MCP over the standard streams, for a client that starts the toolbox itself."""

from __future__ import annotations

import signal
import sys
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError
from service_kit.telemetry.logs import get_logger, logging_to

from mcp_toolbox.server.checked_messages import StandardInput
from mcp_toolbox.server.json_rpc import Refusal
from mcp_toolbox.settings import ToolboxSettings

_log = get_logger(__name__)


def serve_stdio(server: Server[Any], settings: ToolboxSettings, packs: AbstractAsyncContextManager[None]) -> int:
    """Serves until standard input ends, with `packs` open, and returns the exit code. Standard output belongs to the
    protocol, so logs go to standard error."""
    # The thread that waits for input cannot be interrupted, so SIGINT ends the process at once. Databases roll back
    # what was not committed, and the servers that it started end too, as after `kill -9` (upstream/child.py).
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with logging_to(server.name, settings.log_level, settings.log_format, stream=sys.stderr):
        _log.info("serving", transport="stdio")
        anyio.run(_serve, server, packs, settings.max_body_bytes)
    return 0


async def _serve(server: Server[Any], packs: AbstractAsyncContextManager[None], most_bytes: int) -> None:
    lines = StandardInput(most_bytes)
    async with packs, stdio_server(stdin=cast(Any, lines)) as (incoming, outgoing):

        async def refuse(refusal: Refusal) -> None:
            await outgoing.send(SessionMessage(JSONRPCError.model_validate(refusal.to_wire())))

        lines.answer_with(refuse)
        await server.run(incoming, outgoing, server.create_initialization_options())
