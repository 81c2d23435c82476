"""Attempts: the models of a route are asked in order until one answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

from service_kit.logs import get_logger

from llm_gateway.breakers import Breakers
from llm_gateway.catalog import Model, Route
from llm_gateway.emulation import EMULATED_TOOLS
from llm_gateway.errors import (
    InvalidRequest,
    UpstreamCredentials,
    UpstreamError,
    UpstreamProtocol,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from llm_gateway.providers import Provider
from llm_gateway.types import Event, Image, Request, Result, UsageReport

_log = get_logger(__name__)
T = TypeVar("T")

_COUNTED = (UpstreamUnavailable, UpstreamTimeout, UpstreamProtocol, UpstreamCredentials)


class Router:
    """Asks providers, by the dialect of a model's endpoint."""

    def __init__(self, providers: Mapping[str, Provider], breakers: Breakers) -> None:
        self._providers = providers
        self._breakers = breakers

    async def complete(self, request: Request, route: Route) -> tuple[Result, Model]:
        """The first whole answer of the route, and who gave it.

        Raises:
            UpstreamError: the last failure, when all failed; a rejection at once.
            InvalidRequest: the model cannot do what the request asks for.
        """
        failure: UpstreamError | None = None
        for model in self._order(route.targets):
            if not _fit(request, model, failure):
                continue
            try:
                result = await self._providers[model.endpoint.dialect].complete(request, model)
            except UpstreamError as error:
                failure = self._failed(model, error)
            else:
                self._breakers.succeeded(model.provider)
                return result, model
        raise failure or UpstreamUnavailable("an empty route")

    async def stream(self, request: Request, route: Route) -> tuple[AsyncIterator[list[Event]], Model]:
        """The first stream of the route that has begun to say something, and who speaks; raises as `complete`.

        Until then another model can still take over without the client noticing.
        """
        failure: UpstreamError | None = None
        for model in self._order(route.targets):
            if not _fit(request, model, failure):
                continue
            provider = self._providers[model.endpoint.dialect]
            stream = cast("AsyncGenerator[list[Event]]", provider.stream(request, model))
            try:
                begun = await _begin(stream, model.timeouts.first_token)
            except BaseException as error:
                await stream.aclose()
                if not isinstance(error, UpstreamError):
                    raise
                failure = self._failed(model, error)
            else:
                self._breakers.succeeded(model.provider)
                return self._watched(_resume(begun, stream), model), model
        raise failure or UpstreamUnavailable("an empty route")

    async def first_of(self, targets: tuple[Model, ...], ask: Callable[[Model], Awaitable[T]]) -> tuple[T, Model]:
        """What `ask` gets of the first target that answers, and who that was; raises as `complete`."""
        failure: UpstreamError | None = None
        for model in self._order(targets):
            try:
                answer = await ask(model)
            except UpstreamError as error:
                failure = self._failed(model, error)
            else:
                self._breakers.succeeded(model.provider)
                return answer, model
        raise failure or UpstreamUnavailable("an empty route")

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        """The hints that the model's provider is not sent."""
        return self._providers[model.endpoint.dialect].dropped(request, model)

    def _order(self, targets: tuple[Model, ...]) -> Sequence[Model]:
        if len(targets) == 1:
            return targets
        return sorted(targets, key=lambda model: self._breakers.state(model.provider) == "open")

    def _failed(self, model: Model, error: UpstreamError) -> UpstreamError:
        """Notes the failure; raises it when nobody else would do better."""
        error.provider = model.provider
        error.detail = model.endpoint.redacted(error.detail)
        _log.warning("provider failed", provider=model.provider, model=model.name, code=error.code, detail=error.detail)
        if isinstance(error, _COUNTED):
            self._breakers.failed(model.provider)
        if not error.retriable:
            raise error
        return error

    async def _watched(self, stream: AsyncIterator[list[Event]], model: Model) -> AsyncIterator[list[Event]]:
        """`stream`, whose late failure is noted too."""
        async with aclosing(cast("AsyncGenerator[list[Event]]", stream)) as events:
            try:
                async for batch in events:
                    yield batch
            except UpstreamError as error:
                error.retriable = False
                self._failed(model, error)


async def _begin(stream: AsyncIterator[list[Event]], seconds: float) -> list[Event]:
    """Everything up to and with the first event that says something."""
    begun: list[Event] = []
    try:
        async with asyncio.timeout(seconds):
            async for batch in stream:
                begun += batch
                if any(type(event) is not UsageReport for event in batch):
                    return begun
    except TimeoutError as error:
        raise UpstreamTimeout(f"nothing within {seconds} s") from error
    raise UpstreamProtocol("an empty stream", code="upstream_stream_cut")


async def _resume(begun: list[Event], stream: AsyncGenerator[list[Event]]) -> AsyncIterator[list[Event]]:
    async with aclosing(stream):
        yield begun
        async for batch in stream:
            yield batch


def _fit(request: Request, model: Model, failure: UpstreamError | None) -> bool:
    """Whether `model` can take the request; one that stands in for a model that failed is then just passed over.

    Raises:
        InvalidRequest: it cannot, and nobody was asked before it.
    """
    try:
        check_supported(request, model)
    except InvalidRequest:
        if failure is None:
            raise
        return False
    return True


def check_supported(request: Request, model: Model) -> None:
    """Refuse what the catalogue says a model lacks; an unlisted model is not judged.

    Raises:
        InvalidRequest: names the parameter.
    """
    if not model.supports:
        return
    if request.tools and "tools" not in model.supports and EMULATED_TOOLS not in model.supports:
        raise _unsupported("tools", f"'{model.name}' has no tool calling")
    if "vision" not in model.supports and _has_images(request):
        raise _unsupported("messages", f"'{model.name}' takes no images")


def _unsupported(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{param}: {why}", param=param, code="unsupported_parameter")


def _has_images(request: Request) -> bool:
    return any(isinstance(part, Image) for message in request.messages for part in message.content)
