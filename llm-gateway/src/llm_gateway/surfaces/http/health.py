"""What `GET /health` says of the gateway."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel
from service_kit.auth.principal import Principal
from service_kit.background import BackgroundLoops, LoopStatus
from service_kit.health import reason_for

from llm_gateway.cache.levels import CacheLevels
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.watcher import BUILT_IN, CatalogHolder
from llm_gateway.routing.breakers import Breakers, State
from llm_gateway.telemetry.dispatcher import RecordDispatcher

_MOST_LISTED = 50
"""The most deployments that are listed of one provider."""


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
    """`file` is its path for operators, `built-in` where there is none, and None for others. `error` is why the file as
    it is now is not in use; others than operators are told that alone, since a reason may quote paths and lines."""

    file: str | None
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


def health_of(
    holder: CatalogHolder,
    breakers: Breakers,
    cache: CacheLevels | None,
    records: RecordDispatcher,
    loops: BackgroundLoops,
    version: str,
    principal: Principal,
) -> Health:
    """Returns the state of the gateway: degraded if a part of it, or a provider that could be used, has trouble.
    Where files are depends on whether `principal` is an operator."""
    providers = _provider_health(holder.current(), breakers)
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
        catalog=_catalog_health(holder, principal),
        records=RecordsHealth(queued=records.queued, dropped=records.dropped, failures=dict(records.failures)),
        default_model=holder.current().default,
        background=loops.to_health(),
        version=version,
    )


def _catalog_health(holder: CatalogHolder, principal: Principal) -> CatalogHealth:
    is_told = "operator" in principal.roles or holder.source == BUILT_IN
    return CatalogHealth(file=holder.source if is_told else None, error=reason_for(principal, holder.error))


def _provider_health(catalog: Catalog, breakers: Breakers) -> dict[str, ProviderHealth]:
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
