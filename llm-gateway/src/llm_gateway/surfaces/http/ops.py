"""For operators: `/health`, `/metrics`, `/cache/clear`."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from service_kit.auth.principal import principal_in, require_role
from service_kit.background import BackgroundLoops, LoopStatus

from llm_gateway.cache import Cache
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.watcher import CatalogHolder
from llm_gateway.routing.breakers import Breakers, State
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.metrics import Metrics

_MOST_LISTED = 50
_PROMETHEUS_TYPES = ("text/plain", "application/openmetrics-text")


class DeploymentHealth(BaseModel):
    """A deployment that is left alone now; `retry_in` in seconds, `cooling` when its provider asked for it.

    `key` is the variable that has its key, where the provider has several."""

    id: str
    key: str | None
    circuit: State
    retry_in: float
    cooling: bool


class ProviderHealth(BaseModel):
    """`circuit` is the worst of its deployments'; those that are not listed are closed."""

    available: bool
    reason: str | None = None
    circuit: State
    deployments: list[DeploymentHealth] = []


class CacheHealth(BaseModel):
    enabled: bool
    entries: int


class RecordsHealth(BaseModel):
    """The records of calls on their way to the log and the metrics; `dropped` found the queue full, `failures` are
    those that a reader of them could not take up, by its name."""

    queued: int
    dropped: int
    failures: dict[str, int]


class CatalogHealth(BaseModel):
    file: str
    error: str | None = None


class Health(BaseModel):
    status: Literal["healthy", "degraded", "unhealthy"]
    service: Literal["llm-gateway"] = "llm-gateway"
    providers: dict[str, ProviderHealth]
    cache: CacheHealth
    catalog: CatalogHealth
    records: RecordsHealth
    default_model: str
    background: list[LoopStatus]
    version: str


class Cleared(BaseModel):
    cleared: int


def ops_routes(
    *, holder: CatalogHolder, breakers: Breakers, cache: Cache | None, metrics: Metrics, records: RecordDispatcher,
    version: str,
) -> APIRouter:  # fmt: skip
    router = APIRouter(tags=["operations"])

    @router.get("/health", summary="For people: what works and what does not", operation_id="get_health")
    async def health(request: Request) -> Health:
        loops: BackgroundLoops = request.app.state.background
        providers = provider_health(holder.current(), breakers)
        troubled = (
            holder.error
            or records.troubled
            or loops.failing
            or any(p.available and p.circuit != "closed" for p in providers.values())
        )
        return Health(
            status="degraded" if troubled else "healthy",
            providers=providers,
            cache=CacheHealth(enabled=cache is not None, entries=cache.size() if cache else 0),
            catalog=CatalogHealth(file=holder.source, error=holder.error),
            records=RecordsHealth(queued=records.queued, dropped=records.dropped, failures=dict(records.failures)),
            default_model=holder.current().default,
            background=loops.to_health(),
            version=version,
        )

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
        return Cleared(cleared=await cache.clear() if cache else 0)

    return router


def provider_health(catalog: Catalog, breakers: Breakers) -> dict[str, ProviderHealth]:
    worst = breakers.providers()
    troubled: dict[str, list[DeploymentHealth]] = {}
    for report in breakers.reports():
        provider, _, id_, *key = report.deployment
        listed = troubled.setdefault(provider, [])
        if len(listed) < _MOST_LISTED:
            health = DeploymentHealth(
                id=id_, key=key[0] if key else None, circuit=report.state, retry_in=report.retry_in,
                cooling=report.cooling,
            )  # fmt: skip
            listed.append(health)
    return {
        name: ProviderHealth(
            available=endpoint.unavailable is None,
            reason=endpoint.unavailable,
            circuit=worst.get(name, "closed"),
            deployments=troubled.get(name, []),
        )
        for name, endpoint in catalog.endpoints.items()
    }
