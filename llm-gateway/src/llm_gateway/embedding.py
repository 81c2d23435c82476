"""The pipeline of embeddings: look up, route, call, price, observe, keep.

Vectors of two models cannot be compared, so nothing but another deployment of the same model stands in for one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import msgspec
from service_kit.errors import ApiError

from llm_gateway.answer import CacheStatus, EmbeddingAnswer, Origin
from llm_gateway.cache.flight import Flight, Flights
from llm_gateway.cache.key import embedding_key
from llm_gateway.calls import Call, Caller
from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Usage
from llm_gateway.canonical.estimate import estimated_embedding_usage
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.pricing import Cost, cost
from llm_gateway.errors import InvalidRequest, ProviderNotConfigured, UpstreamError, UpstreamProtocol
from llm_gateway.journey import Waist, metered
from llm_gateway.providers.embeddings import Embedder
from llm_gateway.routing import too_late

_FREE_OF_CHARGE = Cost(Decimal(0), "computed")
_UNREAD = EmbeddingRequest(model="", inputs=())


class Embeddings:
    """Vectors by every provider that has them; `embedders` are found by the dialect of a model's endpoint."""

    def __init__(self, waist: Waist, embedders: Mapping[str, Embedder]) -> None:
        self._waist = waist
        self._embedders = embedders
        self._flights: Flights[EmbeddingAnswer] = Flights()

    def refused(self, error: ApiError, caller: Caller) -> None:
        """Record a request that could not even be read."""
        _Errand(self._waist, _UNREAD, caller).failed(error)

    async def embed(self, request: EmbeddingRequest, caller: Caller) -> EmbeddingAnswer:
        """The vectors.

        Raises:
            ModelNotFound, ProviderNotConfigured, InvalidRequest: nobody was asked.
            UpstreamError: nobody who was asked answered.
        """
        errand = _Errand(self._waist, request, caller)
        try:
            async with asyncio.timeout(caller.terms.timeout):
                answer = await self._embed(errand)
            return errand.arrived(answer)
        except TimeoutError:
            late = too_late()
            errand.failed(late)
            raise late from None
        except (ApiError, asyncio.CancelledError) as error:
            errand.failed(error)
            raise

    async def _embed(self, errand: _Errand) -> EmbeddingAnswer:
        errand.targets = self._targets(errand)
        kept = await errand.look_up()
        if kept is not None:
            return kept
        key = errand.key
        if key is None:
            return await self._ask(errand)
        flight = self._flights.find(key)
        if flight is not None:
            async for answer in flight.follow():
                return errand.again(answer, "coalesced")
        flight = _start(self._flights, key, errand.caller)
        try:
            answer = await self._ask(errand)
        except BaseException as error:
            self._flights.land(key, flight, error if isinstance(error, ApiError) else _given_up())
            raise
        await errand.keep(answer)
        flight.publish(answer)
        self._flights.land(key, flight)
        return answer

    def _targets(self, errand: _Errand) -> tuple[Model, ...]:
        """The model that is meant, and what its fallbacks have of the very same one."""
        request, catalog = errand.request, errand.catalog
        model = catalog.resolve(request.model, request.provider)
        errand.asked = model.name
        if model.supports and "embeddings" not in model.supports:
            raise _gives_none(model)
        chain = (model, *(catalog.resolve(name) for name in model.fallbacks))
        same = tuple(target for target in chain if target.available and target.id == model.id)
        if not same:
            raise ProviderNotConfigured(model.provider, model.endpoint.unavailable or "")
        return same

    async def _ask(self, errand: _Errand) -> EmbeddingAnswer:
        async def ask(model: Model) -> EmbeddingResult:
            embedder = self._embedders.get(model.endpoint.dialect)
            if embedder is None:
                raise _gives_none(model)
            return await embedder.embed(errand.request, model)

        before = time.perf_counter()
        try:
            result, model = await self._waist.router.first_of(errand.targets, ask)
        finally:
            errand.upstream_ms = (time.perf_counter() - before) * 1000
        dropped = self._embedders[model.endpoint.dialect].dropped(errand.request, model)
        return errand.answer(result, model, dropped)


def _gives_none(model: Model) -> InvalidRequest:
    return InvalidRequest(f"model: '{model.name}' gives no embeddings", param="model", code="embeddings_not_supported")


def _start(flights: Flights[EmbeddingAnswer], key: bytes, caller: Caller) -> Flight[EmbeddingAnswer]:
    """Let later callers share this call; it then outlives our client while they are there."""
    presence = caller.presence
    if presence is None:
        return flights.start(key, lambda: None)
    flight = flights.start(key, presence.task.cancel)
    presence.on_leave = flight.starter_leaves
    return flight


def _given_up() -> UpstreamError:
    """What those who share a call are told: not that they were cancelled, which they were not."""
    return UpstreamProtocol("the shared call was given up")


class _Errand:
    """One request on its way, with the clock running."""

    def __init__(self, waist: Waist, request: EmbeddingRequest, caller: Caller) -> None:
        self._waist = waist
        self._started = time.perf_counter()
        self._model: Model | None = None
        self.catalog: Catalog = waist.catalog()
        self.request = request
        self.caller = caller
        self.asked = request.model
        self.targets: tuple[Model, ...] = ()
        self.key: bytes | None = None
        self.upstream_ms = 0.0

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000

    # --- the cache ---

    async def look_up(self) -> EmbeddingAnswer | None:
        """What is kept for this request, after finding its key."""
        cache, control = self._waist.cache, self.caller.cache_control
        if cache is None or not (control.read or control.write):
            return None
        model = self.targets[0]
        self.key = embedding_key(self.request, model, self.caller.principal)
        entry = await cache.get(self.key, control.max_age) if control.read else None
        if entry is None:
            return None
        self._model = model
        return EmbeddingAnswer(
            origin=self._origin(model), result=cast("EmbeddingResult", entry.result), usage=entry.usage,
            cost=_FREE_OF_CHARGE, latency_ms=self._elapsed_ms(), cache="hit", saved_usd=entry.cost.usd,
        )  # fmt: skip

    async def keep(self, answer: EmbeddingAnswer) -> None:
        cache = self._waist.cache
        if cache is not None and self.key is not None and self.caller.cache_control.write:
            await cache.put(self.key, answer.result, answer.usage, answer.cost)

    # --- answers ---

    def _origin(self, model: Model) -> Origin:
        return Origin(
            request_id=self.caller.request_id,
            created=int(self._waist.clock()),
            model=model.name,
            provider=model.provider,
            provider_model=model.id,
            fallback_from=self._fallback_from(model),
        )

    def _fallback_from(self, model: Model) -> str | None:
        return None if model.name == self.asked else self.asked

    def answer(self, result: EmbeddingResult, model: Model, dropped: tuple[str, ...]) -> EmbeddingAnswer:
        self._model = model
        usage = result.usage or estimated_embedding_usage(self.request)
        return EmbeddingAnswer(
            origin=self._origin(model), result=result, usage=usage, cost=cost(usage, model.rates),
            latency_ms=self._elapsed_ms(), upstream_ms=self.upstream_ms, cache="miss" if self.key else "bypass",
            dropped=dropped,
        )  # fmt: skip

    def again(self, answer: EmbeddingAnswer, cache: CacheStatus) -> EmbeddingAnswer:
        """Somebody else's answer as ours: it was paid for once."""
        self._model = next((model for model in self.targets if model.name == answer.origin.model), None)
        origin = msgspec.structs.replace(answer.origin, request_id=self.caller.request_id)
        return msgspec.structs.replace(
            answer, origin=origin, cost=_FREE_OF_CHARGE, saved_usd=answer.cost.usd, cache=cache,
            latency_ms=self._elapsed_ms(), upstream_ms=0.0,
        )  # fmt: skip

    # --- records ---

    def arrived(self, answer: EmbeddingAnswer) -> EmbeddingAnswer:
        self._waist.observe(self._record(answer.cache, answer=answer, usage=answer.usage))
        return answer

    def failed(self, error: BaseException) -> None:
        cache: CacheStatus = "miss" if self.key else "bypass"
        self._waist.observe(self._record(cache, error=error))

    def _record(
        self,
        cache: CacheStatus,
        *,
        answer: EmbeddingAnswer | None = None,
        usage: Usage | None = None,
        error: BaseException | None = None,
    ) -> Call:
        model, known = self._model, error if isinstance(error, ApiError) else None
        upstream = error if isinstance(error, UpstreamError) else None
        return Call(
            request_id=self.caller.request_id,
            surface=self.caller.surface,
            principal=self.caller.principal,
            user=self.caller.user or self.request.user,
            asked=self.asked,
            status="ok" if answer else "error" if known else "cancelled",
            http_status=200 if answer else known.status if known else 499,
            stream=False,
            cache=cache,
            finished_at=self._waist.clock(),
            latency_ms=self._elapsed_ms(),
            upstream_ms=self.upstream_ms,
            model=model and model.name,
            metered_model=metered(model, self.catalog),
            provider=model.provider if model else upstream and (upstream.provider or None),
            provider_model=model and model.id,
            fallback_from=self._fallback_from(model) if model else None,
            usage=usage,
            cost_usd=answer and answer.cost.usd,
            cost_source=answer.cost.source if answer else "unknown",
            saved_usd=answer and answer.saved_usd,
            error_code=None if answer else known.code if known else "client_gone",
            error_detail=upstream and upstream.detail,
        )
