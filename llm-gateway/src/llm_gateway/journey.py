"""One request on its way through the pipeline: its route, its clock, its answer and the record of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec
from service_kit.errors import ApiError

from llm_gateway.answer import Answer, CacheStatus, Origin
from llm_gateway.cache import Cache, Entry
from llm_gateway.cache.flight import Flight, Flights
from llm_gateway.cache.key import cache_key
from llm_gateway.calls import Call, Caller, Observer, Status
from llm_gateway.canonical import Event, Request, Result, Usage
from llm_gateway.canonical.aggregate import Aggregate, events_of
from llm_gateway.canonical.estimate import as_far_as, estimated_usage
from llm_gateway.catalog.catalog import Catalog, Route
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.pricing import UNKNOWN, Cost, cost
from llm_gateway.errors import UpstreamError
from llm_gateway.providers.emulated_tools import emulates
from llm_gateway.routing import Routed, Router, Segment, sum_usage, too_late

T = TypeVar("T")
_FREE_OF_CHARGE = Cost(Decimal(0), "computed")


class Defaults(msgspec.Struct, frozen=True):
    """What a request that does not say gets."""

    max_tokens: int | None = None
    temperature: float | None = None


class Waist(msgspec.Struct, frozen=True, kw_only=True):
    """What every journey needs. `catalog` gives the snapshot of now, `clock` seconds since 1970."""

    catalog: Callable[[], Catalog]
    router: Router
    cache: Cache | None
    observe: Observer
    defaults: Defaults = Defaults()
    clock: Callable[[], float] = time.time

    def prepared(self, request: Request, caller: Caller) -> tuple[Request, Caller]:
        """`request` with the operator's defaults where it says nothing.

        Nobody asked for those, so `caller` minds none of them being left out where a model lacks it.
        """
        missing = {
            name: value
            for name in Defaults.__struct_fields__
            if (value := getattr(self.defaults, name)) is not None and getattr(request, name) is None
        }
        if not missing:
            return request, caller
        replace = msgspec.structs.replace
        terms = replace(caller.terms, drop=caller.terms.drop | missing.keys())
        return replace(request, **missing), replace(caller, terms=terms)


class Journey:
    """One request on its way through the pipeline, with the clock running."""

    __slots__ = (
        "_answered", "_catalog", "_model", "_started", "_ttft_ms", "_waist", "aggregate", "caller",
        "dropped", "ends_at", "flight_key", "key", "request", "route", "upstream_ms",
    )  # fmt: skip

    def __init__(self, waist: Waist, request: Request, caller: Caller) -> None:
        self._waist = waist
        self._catalog = waist.catalog()
        self._started = time.perf_counter()
        self._ttft_ms: float | None = None
        self._model: Model | None = None
        self.aggregate: Aggregate | None = None
        self.request, self.caller = waist.prepared(request, caller)
        self.route = Route(request.model, ())
        self.key: bytes | None = None
        self.flight_key: bytes | None = None
        self._answered: Routed[Any] | None = None
        timeout = caller.terms.timeout
        self.ends_at = None if timeout is None else asyncio.get_running_loop().time() + timeout
        self.dropped: tuple[str, ...] = ()
        self.upstream_ms = 0.0

    @property
    def broken(self) -> Sequence[Segment]:
        """What others said of the answer before they broke off."""
        return () if self._answered is None else self._answered.broken

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000

    async def in_time(self, work: Awaitable[T]) -> T:
        """What `work` gives.

        Raises:
            UpstreamTimeout: the time that the caller gave has passed.
        """
        if self.ends_at is None:
            return await work
        try:
            async with asyncio.timeout_at(self.ends_at):
                return await work
        except TimeoutError as error:
            raise too_late() from error

    # --- on the way in ---

    async def look_up(self) -> Entry | None:
        """Finds the route and the key, and what is kept under it.

        Raises:
            InvalidRequest: the model cannot do what is asked for, whatever is kept.
        """
        caller = self.caller
        self.route = self._catalog.route(self.request.model, self.request.provider)
        meant = self.route.targets[0]
        fitted, self.dropped = self._waist.router.fitted(self.request, meant, caller.terms)
        cache, control = self._waist.cache, caller.cache_control
        if cache is None or not (control.read or control.write):
            return None
        self.key = self.flight_key = cache_key(fitted, meant, caller.principal)
        terms = caller.terms
        if terms.drop or terms.safe_stream:
            self.flight_key = self.key + repr((sorted(terms.drop), terms.safe_stream)).encode()
        return await cache.get(self.key, control.max_age) if control.read else None

    def start(self, flights: Flights, key: bytes) -> Flight:
        """Let later callers share this call; it then outlives our client while they are there."""
        presence = self.caller.presence
        if presence is None:
            return flights.start(key, lambda: None)
        flight = flights.start(key, presence.task.cancel)
        presence.on_leave = flight.starter_leaves
        return flight

    async def ask(self) -> Answer:
        before = time.perf_counter()
        try:
            answered = await self._waist.router.complete(self.request, self.route, self.caller.terms, self.ends_at)
        finally:
            self.upstream_ms = (time.perf_counter() - before) * 1000
        self._answered_by(answered)
        return self.answer(answered.value, answered.model, "miss" if self.key else "bypass")

    async def listen(self) -> Routed[AsyncIterator[list[Event]]]:
        """A stream that has begun to speak."""
        answered = await self._waist.router.stream(self.request, self.route, self.caller.terms, self.ends_at)
        self.upstream_ms = self.elapsed_ms()
        self._answered_by(answered)
        return answered

    def _answered_by(self, answered: Routed[Any]) -> None:
        self._model, self._answered = answered.model, answered
        self.dropped = (*answered.dropped, *self._waist.router.dropped(self.request, answered.model))

    def following(self, model: Model) -> None:
        """Somebody else's call is shared, and `model` is who answers it."""
        self._model = model

    def spoke(self) -> None:
        if self._ttft_ms is None:
            self._ttft_ms = self.elapsed_ms()

    # --- answers ---

    def origin(self, model: Model) -> Origin:
        return Origin(
            request_id=self.caller.request_id,
            created=int(self._waist.clock()),
            model=model.name,
            provider=model.provider,
            provider_model=model.id,
            fallback_from=self.route.fallback_from(model),
            tools_emulated=emulates(self.request, model),
        )

    def answer(self, result: Result, model: Model, cache: CacheStatus) -> Answer:
        """The whole answer; `model` is who said it, or the end of it."""
        self._model = model
        usage = result.usage or estimated_usage(self.request, _characters(result))
        spent = cost(usage, model.rates)
        if self.broken:
            usage, spent = sum_usage(usage, spent, self.broken)
        return Answer(
            origin=self.origin(model),
            result=result,
            usage=usage,
            cost=spent,
            latency_ms=self.elapsed_ms(),
            upstream_ms=self.upstream_ms,
            cache=cache,
            dropped=self.dropped,
        )

    def from_cache(self, kept: Entry) -> Answer:
        model = self._model = self.route.targets[0]
        return Answer(
            origin=self.origin(model),
            result=cast("Result", kept.result),  # under a key of its kind
            usage=kept.usage,
            cost=_FREE_OF_CHARGE,
            latency_ms=self.elapsed_ms(),
            cache="hit",
            saved_usd=kept.cost.usd,
            dropped=self.dropped,
        )

    def shared(self, answer: Answer) -> Answer:
        """Somebody else's answer as ours: it was paid for once."""
        origin = msgspec.structs.replace(answer.origin, request_id=self.caller.request_id)
        self._model = self._named(origin)
        return msgspec.structs.replace(
            answer,
            origin=origin,
            cost=_FREE_OF_CHARGE,
            saved_usd=answer.cost.usd,
            cache="coalesced",
            latency_ms=self.elapsed_ms(),
        )

    def _named(self, origin: Origin) -> Model | None:
        """Who of our own route gave somebody else's answer."""
        route = self.route
        for model in (*route.targets, *route.context_window, *route.content_filter):
            for deployment in model.deployments or (model,):
                if (deployment.name, deployment.provider, deployment.id) == (
                    origin.model,
                    origin.provider,
                    origin.provider_model,
                ):
                    return deployment
        return None

    async def keep(self, answer: Answer) -> None:
        """Keeps a whole answer of the model that was meant; a fallback's would outlive the outage."""
        cache = self._waist.cache
        whole = all(choice.finish_reason in ("stop", "tool_calls") for choice in answer.result.choices)
        meant = answer.origin.model == self.route.targets[0].name
        if self.broken:
            return
        if cache is not None and self.key is not None and self.caller.cache_control.write and whole and meant:
            await cache.put(self.key, answer.result, answer.usage, answer.cost)

    # --- records ---

    def arrived(self, answer: Answer) -> Answer:
        self._record("ok", 200, answer=answer)
        return answer

    def failed(self, error: BaseException) -> None:
        """Records a failure, and what was used until then."""
        if isinstance(error, ApiError):
            upstream = error if isinstance(error, UpstreamError) else None
            self._record(
                "error",
                error.status,
                code=error.code,
                detail=upstream and upstream.detail,
                failing_provider=upstream and (upstream.provider or None),
            )
        else:
            self._record("cancelled", 499, code="client_gone")

    def _record(
        self,
        status: Status,
        http_status: int,
        *,
        answer: Answer | None = None,
        code: str | None = None,
        detail: str | None = None,
        failing_provider: str | None = None,
    ) -> None:
        caller, model = self.caller, self._model
        usage, spent = self._spent(answer)
        self._waist.observe(
            Call(
                request_id=caller.request_id,
                surface=caller.surface,
                principal=caller.principal,
                user=caller.user or self.request.user,
                asked=self.route.asked,
                status=status,
                http_status=http_status,
                stream=self.request.stream,
                cache=answer.cache if answer else ("miss" if self.key else "bypass"),
                finished_at=self._waist.clock(),
                latency_ms=self.elapsed_ms(),
                upstream_ms=self.upstream_ms,
                ttft_ms=self._ttft_ms,
                model=model and model.name,
                metered_model=metered(model, self._catalog),
                provider=model.provider if model else failing_provider,
                provider_model=model and model.id,
                fallback_from=self.route.fallback_from(model) if model else None,
                usage=usage,
                cost_usd=spent.usd,
                cost_source=spent.source,
                saved_usd=answer.saved_usd if answer else None,
                error_code=code,
                error_detail=detail,
            )
        )

    def _spent(self, answer: Answer | None) -> tuple[Usage | None, Cost]:
        """What the call used: as answered, or as far as a broken stream came."""
        if answer is not None:
            return answer.usage, answer.cost
        if self.aggregate is None or self._model is None:
            return None, UNKNOWN
        said = self.aggregate.characters()
        if not self.broken:
            usage = as_far_as(self.aggregate.usage, self.request, said)
            return usage, cost(usage, self._model.rates)
        usage = estimated_usage(self.request, max(0, said - sum(part.characters for part in self.broken)))
        return sum_usage(usage, cost(usage, self._model.rates), self.broken)


def metered(model: Model | None, catalog: Catalog) -> str:
    """A label that clients cannot multiply: a catalogue name, or `PROVIDER/*` for what is passed through."""
    if model is None:
        return "none"
    return model.name if model.name in catalog.models else f"{model.provider}/*"


def _characters(result: Result) -> int:
    aggregate = Aggregate()
    aggregate.feed(events_of(result))
    return aggregate.characters()
