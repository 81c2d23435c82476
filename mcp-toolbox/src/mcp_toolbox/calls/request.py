"""What a request of MCP says of the call in it: who calls, under which id and trace, and whether to report progress."""

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
"""Where clients of the older HTTP+SSE transport post; a call that comes there came over it."""

USER = "agent-suite/user"
"""The key of `_meta` by which a caller says for which of its users it calls."""


def context_of(request: ServerRequestContext[Any, Any]) -> CallContext:
    """The context of the call that `request` makes.

    Its trace is that of `_meta` (SEP-414), else that of the HTTP request. Log lines of this task carry it from here
    on: a session's task is not the one that took the HTTP request.
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
        user=_user(meta.get(USER)),
    )


def state_of(request: ServerRequestContext[Any, Any]) -> dict[str, Any]:
    """What the border noted of the HTTP request that carried this one; nothing over stdio."""
    carrier = request.request
    return carrier.scope.get("state", {}) if isinstance(carrier, Request) else {}


def principal_id(request: ServerRequestContext[Any, Any]) -> str:
    """The id of the caller; over stdio there is one caller alone, and it is anonymous."""
    principal = state_of(request).get("principal")
    return ANONYMOUS if principal is None else principal.id


def _transport(carrier: Any) -> str:
    if not isinstance(carrier, Request):
        return "stdio"
    return "sse" if carrier.scope["path"].endswith(MESSAGES_PATH) else "streamable-http"


def _user(given: Any) -> str:
    if not isinstance(given, str) or given in ("", ANONYMOUS):
        return ""
    return (
        given
        if re.fullmatch(r"[\w.@:-]{1,64}", given, re.ASCII)
        else sha256(given.encode("utf-8", "replace")).hexdigest()
    )


def _trace(carrier: Any, meta: Any) -> str | None:
    for given in (meta.get("traceparent"), carrier.headers.get("traceparent") if carrier is not None else None):
        if isinstance(given, str) and is_traceparent(given):
            return traceparent(given)
    return None
