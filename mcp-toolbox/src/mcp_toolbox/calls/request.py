"""The context of a tool call, read from its MCP request: the caller, the id, the trace, and the progress callback."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.types import ElicitationCapability, ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from service_kit.auth.principal import ANONYMOUS
from service_kit.ids import current_request_id, current_traceparent, is_traceparent, request_id, traceparent
from starlette.requests import Request

from mcp_toolbox.registry.context import Ask, CallContext, Rounds

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
        ask=_asker(request),
        rounds=Rounds() if _takes_rounds(request) else None,
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


def is_asked_by_forms(request: ServerRequestContext[Any, Any]) -> bool:
    """Returns whether the client declares that its person answers elicitation by a form."""
    elicitation = _elicitation(request)
    # An empty object means forms: it is how clients declared them before there were other modes.
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _elicitation(request: ServerRequestContext[Any, Any]) -> ElicitationCapability | None:
    capabilities = request.session.client_capabilities
    return capabilities.elicitation if capabilities else None


def _takes_rounds(request: ServerRequestContext[Any, Any]) -> bool:
    return request.protocol_version in MODERN_PROTOCOL_VERSIONS and _elicitation(request) is not None


def _asker(request: ServerRequestContext[Any, Any]) -> Ask | None:
    """Returns what asks the person at a client of a handshake revision, on the stream of the call."""
    elicitation = _elicitation(request)
    if elicitation is None or request.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return None

    async def ask(params: ElicitRequestParams) -> ElicitResult:
        session, call = request.session, request.request_id
        if isinstance(params, ElicitRequestFormParams):
            if is_asked_by_forms(request):
                return await session.elicit_form(params.message, params.requested_schema, call)
        elif elicitation.url is not None and params.elicitation_id is not None:
            return await session.elicit_url(params.message, params.url, params.elicitation_id, call)
        return ElicitResult(action="decline")

    return ask


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
