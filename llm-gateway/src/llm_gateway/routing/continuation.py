"""Streams that break off after some text, and are continued by a model that goes on from an assistant's half turn.

said so far:   [Once upon a ]  ✂        asked:  … user, assistant: "Once upon a"
continuation:  [ time]                  joined: [Once upon a time]    one block, no space twice
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import cast

from llm_gateway.canonical import Event, Request, UsageReport
from llm_gateway.canonical.estimate import estimated_usage
from llm_gateway.catalog.catalog import Route
from llm_gateway.catalog.models import Model
from llm_gateway.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from llm_gateway.routing.routed import Routed
from llm_gateway.routing.segments import broken_segment
from llm_gateway.routing.splicer import StreamSplicer, Transcript, onward
from llm_gateway.routing.streams import Batches

PREFILL = "prefill"
"""In a model's `supports`: it goes on from an assistant message at the end of a request."""
_MOST_SEAMS = 2
"""How often one answer may break and be continued."""

Further = Callable[[Request, Route], Awaitable[Routed[Batches]]]
"""The first stream that answers a request, of those on a route; raises as a router does."""


async def continued(
    stream: Batches, answered: Routed[Batches], request: Request, route: Route, further: Further
) -> Batches:
    """Yields `stream`; where it breaks, another model continues it, if that can be done without a visible join.

    That model becomes the `model` of `answered`, and what was said before goes into its `broken` parts.
    """
    transcript = Transcript(request)
    splicer: StreamSplicer | None = None
    asked = request
    while True:
        try:
            async with aclosing(cast("AsyncGenerator[list[Event]]", stream)) as events:
                async for batch in events:
                    joined = batch if splicer is None else splicer.join(batch)
                    transcript.feed(joined)
                    if joined:
                        yield joined
            if splicer is not None and transcript.usage is None:  # else the first part's would stand for the second's
                yield [UsageReport(usage=estimated_usage(asked, transcript.characters))]
            return
        except UpstreamError as error:
            rest = _onward(transcript, answered, error, request, route)
            if rest is None:
                raise
            onto = await _tried(further, *rest)
            if onto is None:
                raise
        answered.broken = (
            *answered.broken,
            broken_segment(answered.model, asked, transcript.usage, transcript.characters),
        )
        asked, stream, splicer = rest[0], onto.value, StreamSplicer(transcript)
        answered.model = onto.model
        transcript.begin_part()


def _onward(
    transcript: Transcript, answered: Routed[Batches], error: UpstreamError, request: Request, route: Route
) -> tuple[Request, Route] | None:
    """Returns the request and the route that continue this partial answer, or None if no model can."""
    if not (transcript.possible and error.retriable and len(answered.broken) < _MOST_SEAMS):
        return None
    others = continuers(route, answered.model, silent=isinstance(error, UpstreamTimeout))
    return (onward(request, transcript.text()), Route(route.asked, others)) if others else None


async def _tried(further: Further, request: Request, route: Route) -> Routed[Batches] | None:
    """Returns the continuation, or None if no model continues: the break itself is then the error to tell."""
    try:
        return await further(request, route)
    except (UpstreamError, InvalidRequest):
        return None


def continuers(route: Route, broken: Model, *, silent: bool) -> tuple[Model, ...]:
    """Returns the models that may continue: the one that broke, unless it fell silent or may not be asked twice, and
    those after it."""
    names = [model.name for model in route.targets]
    start = names.index(broken.name) if broken.name in names else 0
    twice = broken.retries > 0 and not silent
    return tuple(
        model for model in route.targets[start:] if PREFILL in model.supports and (twice or model.name != broken.name)
    )
