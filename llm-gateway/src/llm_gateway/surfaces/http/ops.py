"""For operators: `/health`, `/metrics`, `/cache/clear`."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from service_kit.auth.principal import principal_in, require_role

from llm_gateway.cache.kept import EVERYTHING
from llm_gateway.cache.levels import CacheLevels
from llm_gateway.catalog.watcher import CatalogHolder
from llm_gateway.routing.breakers import Breakers
from llm_gateway.surfaces.http.health import Health, health_of
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.metrics import Metrics

_PROMETHEUS_TYPES = ("text/plain", "application/openmetrics-text")


class Cleared(BaseModel):
    cleared: int


def ops_routes(
    *, holder: CatalogHolder, breakers: Breakers, cache: CacheLevels | None, metrics: Metrics,
    records: RecordDispatcher, version: str,
) -> APIRouter:  # fmt: skip
    router = APIRouter(tags=["operations"])

    @router.get("/health", summary="For people: what works and what does not", operation_id="get_health")
    async def health(request: Request) -> Health:
        loops, principal = request.app.state.background, principal_in(request.scope)
        return health_of(holder, breakers, cache, records, loops, version, principal)

    @router.get(
        "/metrics",
        operation_id="get_metrics",
        summary="Totals since the start of this process: JSON, or Prometheus's text when Accept asks for it; "
        "by_key holds every key for operators, the caller's own for others",
        response_model=dict[str, Any],
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics_(request: Request, format: Literal["json", "prometheus"] | None = None) -> Any:
        records.flush()
        accept = request.headers.get("accept", "")
        if format == "prometheus" or (format is None and any(kind in accept for kind in _PROMETHEUS_TYPES)):
            body, content_type = metrics.exposition(accept)
            return Response(body, media_type=content_type)
        principal = principal_in(request.scope)
        return metrics.summary(None if "operator" in principal.roles else principal.id)

    @router.post(
        "/cache/clear",
        summary="Forget every kept answer; for operators",
        operation_id="clear_cache",
        responses={403: {"description": "The key does not have the role of an operator (`operator_required`)."}},
    )
    async def clear(request: Request) -> Cleared:
        require_role(request.scope, "operator")
        return Cleared(cleared=await cache.remove(EVERYTHING) if cache else 0)

    return router
