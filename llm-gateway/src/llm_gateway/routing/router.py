"""Asks the models of a route in order, each as often as is sensible, until one answers."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import NamedTuple, TypeVar, cast

from llm_gateway.canonical import Event, Request, Result
from llm_gateway.catalog.catalog import Route
from llm_gateway.catalog.models import Model, SafeStream
from llm_gateway.errors import InvalidRequest, UpstreamError
from llm_gateway.providers import Provider
from llm_gateway.routing.adapt import RequestAdapter
from llm_gateway.routing.attempt import Attempt, Entered
from llm_gateway.routing.attempts import Attempts, RoutingPolicy, report_failure
from llm_gateway.routing.balance import Balancer
from llm_gateway.routing.breakers import Breakers
from llm_gateway.routing.continuation import continued
from llm_gateway.routing.options import NO_OPTIONS, CallOptions
from llm_gateway.routing.retry import RetryPolicy
from llm_gateway.routing.routed import Routed
from llm_gateway.routing.streams import Batches, begin, check_filter, check_filtered, replay

T = TypeVar("T")


class Fitted(NamedTuple):
    """A request as one model takes it, and the parameters that were left out of it."""

    model: Model
    request: Request
    dropped: tuple[str, ...]


class Router:
    """Asks providers, by the dialect of a model's endpoint.

    `draw` gives random numbers from 0 to 1, `clock` is monotonic seconds and `sleep` waits for some.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        breakers: Breakers,
        *,
        retry: RetryPolicy | None = None,
        draw: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._providers = providers
        self._adapter = RequestAdapter(providers)
        self._sleep = sleep
        self._policy = RoutingPolicy(
            breakers=breakers, balancer=Balancer(draw), retry=retry or RetryPolicy(), clock=clock, draw=draw
        )

    def fitted(self, request: Request, model: Model, options: CallOptions = NO_OPTIONS) -> Fitted:
        """Returns `request` as the first of `model`'s deployments that can takes it.

        Raises:
            InvalidRequest: none of them can; names the parameter.
        """
        refused: InvalidRequest | None = None
        for deployment in model.deployments or (model,):
            try:
                return Fitted(deployment, *self._adapter.fit(request, deployment, options.drop))
            except InvalidRequest as error:
                refused = refused or error
        raise cast("InvalidRequest", refused)

    async def complete(
        self,
        request: Request,
        route: Route,
        options: CallOptions = NO_OPTIONS,
        ends_at: float | None = None,
        *,
        fitted: Fitted | None = None,
        entered: Entered | None = None,
    ) -> Routed[Result]:
        """Returns the first whole answer of the route.

        `fitted` is the request as it was fitted to a model already; `entered` is told of every attempt as it begins.

        Raises:
            UpstreamError: the last failure, when all failed; a rejection at once.
            InvalidRequest: the model cannot do what the request asks for.
        """
        attempts = self._attempts(request, route, options, ends_at, fitted, entered, streamed=False)
        return await self._first(attempts, self._whole_filtered if route.content_filter else self._whole)

    async def stream(
        self,
        request: Request,
        route: Route,
        options: CallOptions = NO_OPTIONS,
        ends_at: float | None = None,
        *,
        fitted: Fitted | None = None,
        entered: Entered | None = None,
    ) -> Routed[Batches]:
        """Returns the first stream of the route that has begun to say something; takes and raises what `complete` does.

        Until then another model can still take over without the client noticing. One that is held back is there as a
        whole.
        """

        async def ask(attempt: Attempt) -> Batches:
            model = attempt.model
            stream = self._providers[model.endpoint.dialect].stream(attempt.request, model)
            if safety(model, options) == "hold":
                return replay(await self._held(stream, attempt, route))
            return await self._begun(stream, attempt, route)

        answered = await self._first(
            self._attempts(request, route, options, ends_at, fitted, entered, streamed=True), ask
        )
        if safety(answered.model, options) == "continue":

            def further(asked: Request, others: Route) -> Awaitable[Routed[Batches]]:
                return self._first(self._attempts(asked, others, options, ends_at, None, entered, streamed=True), ask)

            answered.value = continued(answered.value, answered, request, route, further)
        return answered

    async def first_of(
        self, targets: tuple[Model, ...], ask: Callable[[Model], Awaitable[T]], entered: Entered | None = None
    ) -> tuple[T, Model]:
        """Returns what `ask` gets from the first target that answers, and that target. Raises as `complete`."""
        route = Route(targets[0].name if targets else "", targets)
        attempts = Attempts(self._policy, route, lambda _: (_NOTHING, ()), None, entered, streamed=False)
        answered = await self._first(attempts, lambda attempt: ask(attempt.model))
        return answered.value, answered.model

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        """Returns the hints that the model's provider is not sent."""
        return self._providers[model.endpoint.dialect].dropped(request, model)

    def _attempts(
        self, request: Request, route: Route, options: CallOptions, ends_at: float | None, fitted: Fitted | None,
        entered: Entered | None, *, streamed: bool,
    ) -> Attempts:  # fmt: skip
        def fit(model: Model) -> tuple[Request, tuple[str, ...]]:
            if fitted is not None and model is fitted.model:
                return fitted.request, fitted.dropped
            return self._adapter.fit(request, model, options.drop)

        return Attempts(self._policy, route, fit, ends_at, entered, streamed=streamed)

    async def _first(self, attempts: Attempts, ask: Callable[[Attempt], Awaitable[T]]) -> Routed[T]:
        while True:
            attempt = attempts.next()
            if attempt.wait:
                await self._sleep(attempt.wait)
            try:
                if not attempts.enter(attempt):
                    continue
                value = await ask(attempt)
            except UpstreamError as error:
                attempts.failed(attempt, error)
            except InvalidRequest as error:
                attempts.unfit(attempt, error)
            except BaseException:
                attempts.left(attempt)
                raise
            else:
                attempts.answered(attempt)
                return Routed(value, attempt.model, attempt.dropped)

    def _whole(self, attempt: Attempt) -> Awaitable[Result]:
        model = attempt.model
        return self._providers[model.endpoint.dialect].complete(attempt.request, model)

    async def _whole_filtered(self, attempt: Attempt) -> Result:
        result = await self._whole(attempt)
        check_filtered(result)
        return result

    async def _begun(self, stream: Batches, attempt: Attempt, route: Route) -> Batches:
        """Returns the stream, from its first word on; a failure after that is noted."""
        model = attempt.model
        try:
            begun = await begin(stream, model.timeouts.first_token)
            if route.content_filter:
                check_filter(begun)
        except BaseException:
            await cast("AsyncGenerator[list[Event]]", stream).aclose()
            raise
        return self._watched(begun, stream, attempt)

    async def _held(self, stream: Batches, attempt: Attempt, route: Route) -> list[list[Event]]:
        """Returns all of the stream, held back; a stream that breaks meanwhile counts as not begun."""
        async with aclosing(cast("AsyncGenerator[list[Event]]", stream)) as events:
            begun = await begin(events, attempt.model.timeouts.first_token)
            if route.content_filter:
                check_filter(begun)
            return [begun, *[batch async for batch in events]]

    async def _watched(self, begun: list[Event], stream: Batches, attempt: Attempt) -> Batches:
        """`begun`, then the rest of the stream that it was taken from; closing this closes that."""
        try:
            async with aclosing(cast("AsyncGenerator[list[Event]]", stream)) as events:
                yield begun
                async for batch in events:
                    yield batch
            attempt.end("answered", self._policy.clock())
        except UpstreamError as error:
            attempt.end("failed", self._policy.clock(), error.code)
            report_failure(self._policy.breakers, attempt.model, error)
            raise
        except GeneratorExit:
            attempt.end("cancelled", self._policy.clock())
            raise


def safety(model: Model, options: CallOptions) -> SafeStream:
    """Returns what is done for a stream: as its caller says, else as the catalog does."""
    return options.safe_stream or model.safe_stream


_NOTHING = Request(model="", messages=())
