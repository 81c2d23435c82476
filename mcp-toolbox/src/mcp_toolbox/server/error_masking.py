"""What a client learns of a fault of ours: nothing but that it happened."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR
from pydantic import ValidationError
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)


async def keep_faults_to_ourselves(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the server: the SDK would answer the text of whatever a handler raises on older revisions."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):  # meant for the client; of the second the SDK says only that it was invalid
        raise
    except Exception as error:  # noqa: BLE001 - the outermost layer that knows MCP: nothing may leak through it
        _log.error("request crashed", method=ctx.method, exc_info=error)
        raise MCPError(code=INTERNAL_ERROR, message="Internal error") from None
