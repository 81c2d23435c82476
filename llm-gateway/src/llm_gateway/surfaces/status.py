"""What the prompt API says of models and of the gateway itself, over HTTP and gRPC alike."""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from service_kit.auth.principal import ANONYMOUS, Principal
from service_kit.background import BackgroundLoops

from llm_gateway.cache.levels import CacheLevels
from llm_gateway.catalog.access import may_use
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.watcher import CatalogHolder
from llm_gateway.dialects.prompt.render import provider_name
from llm_gateway.pipeline.admission import AdmissionControl
from llm_gateway.routing.breakers import Breakers
from llm_gateway.surfaces.http.health import ProviderHealth, health_of
from llm_gateway.telemetry.dispatcher import RecordDispatcher


class CamelModel(BaseModel):
    """A model whose fields are camelCase in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, protected_namespaces=())


class PromptPrice(CamelModel):
    """USD per million tokens, for a prompt below the first price tier."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float | None


class PromptModel(CamelModel):
    """A model of the catalog; `maxTokens` is the most that it says in one answer."""

    id: str
    name: str
    provider: str
    max_tokens: int | None
    context_window: int | None
    capabilities: list[str]
    available: bool
    reason: str | None = None
    price: PromptPrice | None


class PromptModels(CamelModel):
    models: list[PromptModel]
    count: int


_NO_OPERATOR = Principal(id=ANONYMOUS)
"""The status has nothing that only operators may see."""


class CacheLevel(CamelModel):
    """One level of the cache; `bytes` is what its entries take. Both are null where counting them would cost a walk
    through a store."""

    hits: int
    misses: int
    entries: int | None
    bytes: int | None


class Quality(CamelModel):
    """How good a model's answers are said to be, from 0 to 1, by so many reports."""

    score: float
    reports: int


class CacheFigures(CamelModel):
    """What the cache has done since this process started. `invalidated` counts entries that were removed on purpose."""

    hits: int
    misses: int
    hit_rate: float
    entries: int
    bytes: int
    levels: dict[str, CacheLevel]
    quality: dict[str, Quality]
    invalidated: int


class Pool(CamelModel):
    """The calls under way, and how many there may be."""

    active_workers: int
    max_workers: int


class Sessions(CamelModel):
    active: int
    total: int


class PromptStatus(CamelModel):
    """The gateway, for people; `database` and `redis` say `not_configured` where there is none."""

    status: str
    version: str
    uptime: str
    uptime_seconds: float
    providers: dict[str, ProviderHealth]
    cache: CacheFigures
    pool: Pool
    sessions: Sessions
    database: str
    redis: str


class StatusReader:
    """Reads models, status and the cache's figures of a running gateway. `clock` is in seconds."""

    def __init__(
        self, *, holder: CatalogHolder, breakers: Breakers, cache: CacheLevels | None, records: RecordDispatcher,
        admission: AdmissionControl, loops: Callable[[], BackgroundLoops], version: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._holder = holder
        self._breakers = breakers
        self._cache = cache
        self._records = records
        self._admission = admission
        self._loops = loops
        self._version = version
        self._clock = clock
        self._started = clock()

    def models(self, principal: Principal) -> PromptModels:
        """Returns the models of the catalog that answer prompts, as far as `principal` may use them."""
        catalog = self._holder.current()
        listed = [
            _model(model)
            for model in catalog.models.values()
            if "embeddings" not in model.supports and may_use(model, principal.models, catalog)
        ]
        return PromptModels(models=listed, count=len(listed))

    def status(self) -> PromptStatus:
        """Returns the state of the gateway."""
        health = health_of(
            self._holder, self._breakers, self._cache, self._records, self._loops(), self._version, _NO_OPERATOR
        )
        seconds = self._clock() - self._started
        return PromptStatus(
            status=health.status,
            version=self._version,
            uptime=uptime(seconds),
            uptime_seconds=round(seconds, 3),
            providers={provider_name(name): provider for name, provider in health.providers.items()},
            cache=self.cache(),
            pool=Pool(active_workers=self._admission.callers, max_workers=self._admission.most),
            sessions=Sessions(active=0, total=0),
            database="not_configured",
            redis=self._redis(),
        )

    def cache(self) -> CacheFigures:
        """Returns the cache's figures; zeros where it is switched off."""
        cache = self._cache
        found = cache.stats() if cache else {}
        levels = {
            name: CacheLevel(hits=level.hits, misses=level.misses, entries=level.entries, bytes=level.bytes)
            for name, level in found.items()
        }
        hits = sum(level.hits for level in found.values())
        asked = found["memory"].hits + found["memory"].misses if found else 0
        return CacheFigures(
            hits=hits,
            misses=asked - hits,
            hit_rate=hits / asked if asked else 0.0,
            entries=found["memory"].entries or 0 if found else 0,
            bytes=found["memory"].bytes or 0 if found else 0,
            levels=levels,
            quality={},
            invalidated=cache.invalidated if cache else 0,
        )

    def _redis(self) -> str:
        level = self._cache.stats().get("redis") if self._cache else None
        if level is None:
            return "not_configured"
        return "away" if level.away else "connected"


def uptime(seconds: float) -> str:
    """Returns a time as `3h25m45s`, with no unit that begins it being zero."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h{minutes}m{rest}s"
    return text.removeprefix("0h").removeprefix("0m") if hours == 0 else text


def _model(model: Model) -> PromptModel:
    rates = model.rates
    price = rates and PromptPrice(
        input_usd_per_mtok=float(rates.input.base),
        output_usd_per_mtok=float(rates.output.base) if rates.output else None,
    )
    return PromptModel(
        id=model.id,
        name=model.name,
        provider=provider_name(model.provider),
        max_tokens=model.max_output_tokens,
        context_window=model.context_window,
        capabilities=list(model.supports),
        available=model.available,
        reason=model.endpoint.unavailable,
        price=price,
    )
