"""The state of one caller's call in the pipeline: its request, its clock, and its outcome so far."""

from __future__ import annotations

import asyncio
import time

import msgspec
from service_kit.errors import ApiError, internal_error

from llm_gateway.canonical import EmbeddingRequest, Request, Usage
from llm_gateway.canonical.answer import AnsweredBy, CacheLevel, CacheStatus
from llm_gateway.canonical.cost import UNKNOWN, Cost
from llm_gateway.catalog.catalog import Catalog, Route
from llm_gateway.catalog.models import Model
from llm_gateway.errors import InvalidRequest, UpstreamError
from llm_gateway.pipeline.caller import Caller, ClientGone
from llm_gateway.pipeline.single_flight import stopping
from llm_gateway.providers.emulated_tools import emulates
from llm_gateway.routing.router import Fitted
from llm_gateway.telemetry.record import Attempt, CallRecord, CallStatus

UNREAD = Request(model="", messages=())
"""Stands for a request that could not be read."""


class Defaults(msgspec.Struct, frozen=True, gc=False):
    """The operator's values for parameters that a request leaves out."""

    max_tokens: int | None = None
    temperature: float | None = None


class CallContext:
    """What the stages know of one call. `resolve` sets `route`, `meant` (the first model of the route) and `fitted`;
    `look up` sets the keys; the stages from `share` on set the model that answered and what the answer used."""

    __slots__ = (
        "_started", "attempts", "billed", "cache", "cache_level", "caller", "catalog", "complete", "cost", "dropped",
        "ends_at", "fitted", "key", "meant", "model", "options", "request", "route", "saved", "share_key", "streamed",
        "ttft_ms", "upstream_ms", "usage",
    )  # fmt: skip

    def __init__(self, request: Request | EmbeddingRequest, caller: Caller, catalog: Catalog) -> None:
        self._started = time.perf_counter()
        self.request = request
        self.caller = caller
        self.catalog = catalog
        self.options = caller.options
        timeout = caller.options.timeout
        self.ends_at = None if timeout is None else asyncio.get_running_loop().time() + timeout
        self.streamed = isinstance(request, Request) and request.stream
        # resolve
        self.route = Route(request.model, ())
        self.meant: Model | None = None
        self.fitted: Fitted | None = None
        self.key: bytes | None = None  # None: neither looked up nor kept
        self.share_key: bytes | None = None
        # look up, share, route, price
        self.cache: CacheStatus = "bypass"
        self.cache_level: CacheLevel | None = None
        self.model: Model | None = None
        self.dropped: tuple[str, ...] = ()
        self.usage: Usage | None = None
        self.cost: Cost = UNKNOWN
        self.saved: Cost | None = None
        self.billed = True
        self.complete = False
        self.ttft_ms: float | None = None
        self.upstream_ms = 0.0
        self.attempts: tuple[Attempt, ...] = ()

    def elapsed_ms(self) -> float:
        """Returns the age of the call in milliseconds."""
        return (time.perf_counter() - self._started) * 1000

    def answered_by(self, model: Model, now: float) -> AnsweredBy:
        """Returns what is known of an answer by `model` before its first byte; `now` is in seconds since 1970."""
        request = self.request
        return AnsweredBy(
            request_id=self.caller.request_id,
            created=int(now),
            model=model.name,
            provider=model.provider,
            provider_model=model.id,
            fallback_from=self.route.fallback_from(model),
            tools_emulated=isinstance(request, Request) and emulates(request, model),
            session_id=self.caller.session,
        )

    def record(self, error: BaseException | None, now: float) -> CallRecord:
        """Returns the call's record; `error` is what ended the call, None for a complete answer."""
        status, http_status, failure = self._outcome(error)
        upstream = failure if isinstance(failure, UpstreamError) else None
        caller, answered = self.caller, self.model
        named = answered or self._meant()
        return CallRecord(
            request_id=caller.request_id,
            surface=caller.surface,
            principal=caller.principal,
            end_user=caller.user or self.request.user,
            session=caller.session,
            asked=self.route.asked,
            status=status,
            http_status=http_status,
            stream=self.streamed,
            cache=self.cache,
            cache_level=self.cache_level,
            finished_at=now,
            latency_ms=self.elapsed_ms(),
            upstream_ms=self.upstream_ms,
            ttft_ms=self.ttft_ms,
            model=answered and answered.name,
            metered_model=metered(named, self.catalog),
            provider=(not answered and upstream and upstream.provider) or (named and named.provider) or None,
            provider_model=answered and answered.id,
            fallback_from=self.route.fallback_from(answered) if answered else None,
            usage=self.usage,
            cost_usd=self.cost.usd,
            cost_source=self.cost.source,
            saved_usd=self.saved.usd if self.saved else None,
            billed=self.billed,
            error_code=failure.code if failure else self._why_cancelled() if status == "cancelled" else None,
            error_detail=upstream.detail if upstream else None,
            attempts=self.attempts,
        )

    def _outcome(self, error: BaseException | None) -> tuple[CallStatus, int, ApiError | None]:
        """Returns how the call ended, its HTTP status, and the failure behind it."""
        disconnect = self.caller.disconnect
        if error is None and self.complete and (disconnect is None or disconnect.reason is None):
            return "ok", 200, None
        if isinstance(error, ApiError):
            return "error", error.status, error
        if isinstance(error, RecursionError):
            return "error", 400, nested_too_deeply()
        if isinstance(error, ClientGone):
            return "cancelled", 499, None
        if error is not None and not isinstance(error, asyncio.CancelledError):
            return "error", 500, internal_error()
        stopped = disconnect is not None and not disconnect.left and not self.complete
        if isinstance(error, asyncio.CancelledError) and stopped:
            return "error", 503, stopping()  # no client did that: the server cuts what outlives its grace period
        if self.complete and not (disconnect and disconnect.reason == "client_stalled"):
            return "ok", 200, None
        return "cancelled", 499, None

    def _why_cancelled(self) -> str:
        disconnect = self.caller.disconnect
        return (disconnect and disconnect.reason) or "client_gone"

    def _meant(self) -> Model | None:
        """Returns the model that the request names, also if that model cannot be asked."""
        if self.meant is None and self.request is not UNREAD:
            try:
                return self.catalog.resolve(self.request.model or self.catalog.default, self.request.provider)
            except ApiError:
                return None
        return self.meant


def nested_too_deeply() -> InvalidRequest:
    """The error for a request whose body is nested more deeply than the stack allows."""
    return InvalidRequest(
        "The body is nested too deeply.",
        code="invalid_json",
        spanish="El cuerpo está anidado con demasiada profundidad.",
    )


def metered(model: Model | None, catalog: Catalog) -> str:
    """Returns a metrics label of bounded cardinality: a catalog name, or `PROVIDER/*` for a passed-through id."""
    if model is None:
        return "none"
    return model.name if model.name in catalog.models else f"{model.provider}/*"
