"""The kinds of call. A kind resolves the model, computes the key, asks the route, and encodes the cache entry.

Everything else is the same for all kinds, and is in `pipeline.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TypeVar, cast

import msgspec

from llm_gateway.cache import Labels
from llm_gateway.cache.entry import Entry, decode_answer, decode_vectors, encode_answer, encode_vectors
from llm_gateway.cache.key import cache_key, embedding_key, prompt_digest
from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Request, Result, Usage
from llm_gateway.canonical.aggregate import Aggregate, events_of
from llm_gateway.canonical.answer import Answer, AnswerMeta, EmbeddingAnswer
from llm_gateway.canonical.cost import UNKNOWN, Cost
from llm_gateway.canonical.estimate import as_far_as, estimated_embedding_usage, estimated_usage
from llm_gateway.catalog.catalog import Route
from llm_gateway.catalog.models import Model
from llm_gateway.catalog.pricing import cost
from llm_gateway.errors import InvalidRequest, ProviderNotConfigured
from llm_gateway.pipeline.context import CallContext, Defaults
from llm_gateway.pipeline.single_flight import Outlet
from llm_gateway.pipeline.upstream_call import Asking, Begun, Outcome, Piece, UpstreamCall, weight_of
from llm_gateway.providers.embeddings import Embedder
from llm_gateway.routing import Routed, Router, sum_usage

R = TypeVar("R")
A_co = TypeVar("A_co", bound=AnswerMeta, covariant=True)


class CallKind(Asking[R], Protocol[R, A_co]):
    """One kind of call, whose results are of type `R` and whose answers are of type `A_co`."""

    def resolve(self, context: CallContext) -> None:
        """Finds the models to ask: sets `route`, `meant` and what follows from them.

        Raises:
            ModelNotFound, ProviderNotConfigured, InvalidRequest: no model can be asked.
        """
        ...

    def key(self, context: CallContext) -> bytes:
        """Returns the key that equal calls have in common."""
        ...

    def decode_entry(self, data: bytes) -> Entry[R] | None:
        """Returns the entry that these bytes encode, or None if they cannot be read any more."""
        ...

    @property
    def answer(self) -> Callable[..., A_co]:
        """The answer's type, made of a `result` and the fields of a `AnswerMeta`."""
        ...


class Generation:
    """Answers to chat requests, whole or as streams."""

    answer: Callable[..., Answer] = Answer

    def __init__(self, router: Router, defaults: Defaults | None = None) -> None:
        self._router = router
        said = msgspec.structs.asdict(defaults or Defaults())
        self._defaults = {name: value for name, value in said.items() if value is not None}

    # --- on the way in ---

    def resolve(self, context: CallContext) -> None:
        request: Request = self._with_defaults(context) if self._defaults else context.request  # type: ignore[assignment]
        context.route = context.catalog.route(request.model, request.provider)
        context.meant = context.route.targets[0]
        context.fitted = self._router.fitted(request, context.meant, context.options)
        context.dropped = context.fitted.dropped

    def _with_defaults(self, context: CallContext) -> Request:
        """Returns the request with the operator's defaults for what it leaves out. The caller did not ask for these, so
        a model that lacks such a parameter is asked without it."""
        request = cast("Request", context.request)
        missing = {name: value for name, value in self._defaults.items() if getattr(request, name) is None}
        if not missing:
            return request
        replace, options = msgspec.structs.replace, context.options
        context.options = replace(options, drop=options.drop | missing.keys())
        context.request = request = replace(request, **missing)
        return request

    def key(self, context: CallContext) -> bytes:
        fitted = context.fitted
        assert fitted is not None and context.meant is not None
        return cache_key(fitted.request, context.meant, context.caller.principal)

    # --- the call ---

    async def ask(self, call: UpstreamCall[Result], outlet: Outlet[Piece]) -> None:
        request: Request = call.request  # type: ignore[assignment] - a cast is a call
        if request.stream:
            await self._ask_stream(call, request, outlet)
            return
        routed = call.routed = await self._router.complete(
            request, call.route, call.options, call.pauses_end_at, fitted=call.fitted, entered=call.entered
        )
        outlet.publish(self._priced(call, request, routed.value))

    async def _ask_stream(self, call: UpstreamCall[Result], request: Request, outlet: Outlet[Piece]) -> None:
        stream = call.routed = await self._router.stream(
            request, call.route, call.options, call.pauses_end_at, fitted=call.fitted, entered=call.entered
        )
        call.limit()
        aggregate = call.aggregate = Aggregate()
        begun = Begun(stream.model, self._dropped(request, stream), call.elapsed_ms())
        outlet.publish(begun)
        async with aclosing(stream.value) as batches:  # type: ignore[type-var]
            async for batch in batches:
                aggregate.feed(batch)
                if not outlet.publish(batch, weight_of(batch)):
                    await outlet.room()
        outlet.publish(self._priced(call, request, aggregate.result(), begun))

    def _priced(
        self, call: UpstreamCall[Result], request: Request, result: Result, begun: Begun | None = None
    ) -> Outcome[Result]:
        """Returns the priced outcome; for a stream, `begun` has already told its headers."""
        routed = call.routed
        assert routed is not None
        usage = result.usage or estimated_usage(request, _characters(result))
        spent = cost(usage, routed.model.rates)
        if routed.broken:
            usage, spent = sum_usage(usage, spent, routed.broken)
        whole = all(choice.finish_reason in ("stop", "tool_calls") for choice in result.choices)
        outcome = call.outcome = Outcome(
            result=result,
            usage=usage,
            cost=spent,
            model=routed.model,
            dropped=begun.dropped if begun else self._dropped(request, routed),
            upstream_ms=begun.upstream_ms if begun else call.elapsed_ms(),
            keepable=whole and not routed.broken,
        )
        return outcome

    def _dropped(self, request: Request, routed: Routed[Any]) -> tuple[str, ...]:
        return (*routed.dropped, *self._router.dropped(request, routed.model))

    def spent(self, call: UpstreamCall[Result]) -> tuple[Usage | None, Cost]:
        routed, aggregate = cast("Routed[Any]", call.routed), call.aggregate
        if aggregate is None:
            return None, UNKNOWN
        request, said = cast("Request", call.request), aggregate.characters()
        if not routed.broken:
            usage = as_far_as(aggregate.usage, request, said)
            return usage, cost(usage, routed.model.rates)
        rest = max(0, said - sum(segment.characters for segment in routed.broken))
        usage = estimated_usage(request, rest)
        return sum_usage(usage, cost(usage, routed.model.rates), routed.broken)

    # --- what is kept, and what is told ---

    def labels(self, call: UpstreamCall[Result], model: Model) -> Labels:
        messages = cast("Request", call.request).messages
        prompt = next((message.text() for message in reversed(messages) if message.role == "user"), None)
        return Labels(model.name, prompt_digest(prompt) if prompt else None)

    def encode_entry(self, outcome: Outcome[Result]) -> bytes:
        return encode_answer(Entry(outcome.result, outcome.usage, outcome.cost))

    def decode_entry(self, data: bytes) -> Entry[Result] | None:
        return decode_answer(data)


class Vectors:
    """Embeddings; `embedders` are found by the dialect of a model's endpoint.

    Vectors of two models cannot be compared, so nothing but another deployment of the same model stands in for one.
    """

    answer: Callable[..., EmbeddingAnswer] = EmbeddingAnswer

    def __init__(self, router: Router, embedders: Mapping[str, Embedder]) -> None:
        self._router = router
        self._embedders = embedders

    def resolve(self, context: CallContext) -> None:
        catalog, request = context.catalog, context.request
        model = context.meant = catalog.resolve(request.model, request.provider)
        context.route = Route(model.name, ())
        if model.supports and "embeddings" not in model.supports:
            raise _gives_none(model)
        chain = (model, *(catalog.resolve(name) for name in model.fallbacks))
        same = tuple(target for target in chain if target.available and target.id == model.id)
        if not same:
            raise ProviderNotConfigured(model.provider, model.endpoint.unavailable or "")
        context.route = Route(model.name, same)
        context.meant = same[0]

    def key(self, context: CallContext) -> bytes:
        assert context.meant is not None
        return embedding_key(cast("EmbeddingRequest", context.request), context.meant, context.caller.principal)

    async def ask(self, call: UpstreamCall[EmbeddingResult], outlet: Outlet[Piece]) -> None:
        request = cast("EmbeddingRequest", call.request)

        async def ask(model: Model) -> EmbeddingResult:
            embedder = self._embedders.get(model.endpoint.dialect)
            if embedder is None:
                raise _gives_none(model)
            return await embedder.embed(request, model)

        result, model = await self._router.first_of(call.route.targets, ask, call.entered)
        call.routed = Routed(result, model, ())
        usage = result.usage or estimated_embedding_usage(request)
        call.outcome = Outcome(
            result=result, usage=usage, cost=cost(usage, model.rates), model=model,
            dropped=self._embedders[model.endpoint.dialect].dropped(request, model), upstream_ms=call.elapsed_ms(),
            keepable=True,
        )  # fmt: skip
        outlet.publish(call.outcome)

    def spent(self, call: UpstreamCall[EmbeddingResult]) -> tuple[Usage | None, Cost]:
        return None, UNKNOWN

    def labels(self, call: UpstreamCall[EmbeddingResult], model: Model) -> Labels:
        return Labels(model.name)

    def encode_entry(self, outcome: Outcome[EmbeddingResult]) -> bytes:
        return encode_vectors(Entry(outcome.result, outcome.usage, outcome.cost))

    def decode_entry(self, data: bytes) -> Entry[EmbeddingResult] | None:
        return decode_vectors(data)


def _gives_none(model: Model) -> InvalidRequest:
    return InvalidRequest(f"model: '{model.name}' gives no embeddings", param="model", code="embeddings_not_supported")


def _characters(result: Result) -> int:
    aggregate = Aggregate()
    aggregate.feed(events_of(result))
    return aggregate.characters()
