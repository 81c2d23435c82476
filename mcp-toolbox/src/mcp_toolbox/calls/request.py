"""The context of a tool call, read from its MCP request: the caller, the id, the trace, and the progress callback."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from mcp.server.context import ServerRequestContext
from service_kit.auth.principal import ANONYMOUS
from service_kit.ids import current_request_id, current_traceparent, is_traceparent, request_id, traceparent
from starlette.requests import Request

from mcp_toolbox.registry.context import CallContext

MESSAGES_PATH = "/messages/"
"""The path to which clients of the older HTTP+SSE transport post; it tells their calls from those of other
transports."""

USER = "agent-suite/user"
"""The key of `_meta` under which a caller names the one of its users for which it calls."""

USER_HEADER = "x-user-id"
"""The header that says the same, for callers whose requests have no `_meta`."""

REQUEST_ID = "agent-suite/request-id"
"""The key of `_meta` under which other servers are told the id that the request has in our logs."""


def context_of(request: ServerRequestContext[Any, Any]) -> CallContext:
    """Returns the context of the call that `request` makes.

    Its trace is that of `_meta` (SEP-414), else that of the HTTP request. From here on the log lines of this task carry
    both: a session's task is not the one that received the HTTP request.
    """
    meta: Any = request.meta or {}
    state = state_of(request)
    id_ = state.get("request_id") or request_id(str(request.request_id))
    trace = _trace(request.request, meta)
    current_request_id.set(id_)
    current_traceparent.set(trace)
    return CallContext(
        principal=principal_id(request),
        request_id=id_,
        traceparent=trace,
        report=request.session.report_progress if "progress_token" in meta else None,
        transport=_transport(request.request),
        user=user_of(meta.get(USER) or _header(request.request, USER_HEADER)),
    )


def state_of(request: ServerRequestContext[Any, Any]) -> dict[str, Any]:
    """Returns the state that the edge has set on the HTTP request of this call; it is empty over stdio."""
    carrier = request.request
    return carrier.scope.get("state", {}) if isinstance(carrier, Request) else {}


def principal_id(request: ServerRequestContext[Any, Any]) -> str:
    """Returns the caller's id. Over stdio there is a single caller, which is anonymous."""
    principal = state_of(request).get("principal")
    return ANONYMOUS if principal is None else principal.id


def _transport(carrier: Any) -> str:
    if not isinstance(carrier, Request):
        return "stdio"
    return "sse" if carrier.scope["path"].endswith(MESSAGES_PATH) else "streamable-http"


def user_of(given: Any) -> str:
    """Returns the end user that a caller names, in a form that is safe in logs and as a key of data: as it stands, or
    its SHA-256 if it has other characters than `\\w.@:-` or more than 64. Returns "" for none."""
    if not isinstance(given, str) or given in ("", ANONYMOUS):
        return ""
    return (
        given
        if re.fullmatch(r"[\w.@:-]{1,64}", given, re.ASCII)
        else sha256(given.encode("utf-8", "replace")).hexdigest()
    )


def _trace(carrier: Any, meta: Any) -> str | None:
    for given in (meta.get("traceparent"), _header(carrier, "traceparent")):
        if isinstance(given, str) and is_traceparent(given):
            return traceparent(given)
    return None


def _header(carrier: Any, name: str) -> str | None:
    return carrier.headers.get(name) if isinstance(carrier, Request) else None
