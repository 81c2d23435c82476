"""Masking of internal errors: a client learns only that there was one."""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR
from pydantic import ValidationError
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)


async def mask_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware that replaces unexpected exceptions by MCP's internal error. On older revisions the SDK would send a
    client the text of every exception.

    Raises:
        MCPError: what the handler raises on purpose, or INTERNAL_ERROR.
    """
    try:
        return await call_next(ctx)
    except (
        MCPError,
        ValidationError,
    ):  # meant for the client; of a ValidationError the SDK sends only that the request was invalid
        raise
    except Exception as error:  # noqa: BLE001 - the outermost layer that knows MCP: nothing may leak through it
        _log.error("request crashed", method=ctx.method, exc_info=error)
        raise MCPError(code=INTERNAL_ERROR, message="Internal error") from None
