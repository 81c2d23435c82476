"""The route of the recent calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from pydantic_core import to_json
from service_kit.auth.principal import Principal, principal_in, require_role
from service_kit.store.errors import StoreAway
from starlette.responses import Response

from mcp_toolbox.calls.audit import MOST_RECENT, Entry
from mcp_toolbox.calls.compose import CallPolicyParts
from mcp_toolbox.page.listing import UPSTREAM
from mcp_toolbox.page.records import RecentCalls
from mcp_toolbox.server.schemas import Error


def add_calls_route(app: FastAPI, policy: CallPolicyParts) -> None:
    """Adds `GET /mcp/calls`."""

    @app.get(
        "/mcp/calls",
        tags=["catalog"],
        summary="The recent calls",
        operation_id="get_recent_calls",
        description="An operator sees the calls of all, others their own. Arguments are never told.",
        responses={
            200: {"model": RecentCalls},
            403: {"model": Error, "description": "A caller without a key has no calls of its own."},
        },
    )
    async def recent_calls(request: Request, limit: Annotated[int, Query(ge=1, le=MOST_RECENT)] = 50) -> Response:
        whose = _whose(principal_in(request.scope), request)
        entries, of = await _recent(policy, limit, whose)
        return Response(
            to_json({"calls": [_told(entry) for entry in entries], "of": of}, inf_nan_mode="null"),
            media_type="application/json",
            headers={"cache-control": "no-store"},
        )


def _whose(principal: Principal, request: Request) -> str | None:
    """Returns the principal whose calls the request may see, None for all."""
    if "operator" in principal.roles:
        return None
    if principal.source == "none":  # all callers without a key are one principal
        require_role(request.scope, "operator")
    return principal.id


async def _recent(policy: CallPolicyParts, limit: int, principal: str | None) -> tuple[Sequence[Entry], str]:
    if policy.shared_audit is not None:
        try:
            return await policy.shared_audit.recent(limit, principal), "all replicas"
        except StoreAway:
            pass
    seen = [entry for entry in reversed(policy.audit.recent()) if principal in (None, entry.principal)]
    return seen[:limit], "this process"


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "at": round(entry.at, 3),
        "tool": entry.tool,
        "server": entry.source.removeprefix(UPSTREAM) if entry.source else None,
        "outcome": entry.outcome,
        "milliseconds": round(entry.milliseconds, 2),
        "user": entry.principal,
        "end_user": entry.end_user or None,
        "transport": entry.transport,
    }
