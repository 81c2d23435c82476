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
from llm_gateway.catalog.models import Model, Route
from llm_gateway.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from llm_gateway.routing.routed import Answered
from llm_gateway.routing.segments import broken_part
from llm_gateway.routing.splicer import Seam, Spoken, onward
from llm_gateway.routing.streams import Batches

PREFILL = "prefill"
"""In a model's `supports`: it goes on from an assistant message at the end of a request."""
_MOST_SEAMS = 2
"""How often one answer may break and be continued."""

Further = Callable[[Request, Route], Awaitable[Answered[Batches]]]
"""The first stream that answers a request, of those on a route; raises as a router does."""


async def continued(
    stream: Batches, answered: Answered[Batches], request: Request, route: Route, further: Further
) -> Batches:
    """`stream`, as it was answered; somebody else goes on where it breaks, if that can be done without a seam.

    Who does is then the `model` of `answered`, and what was said before is in its `broken` parts.
    """
    spoken = Spoken(request)
    seam: Seam | None = None
    asked = request
    while True:
        try:
            async with aclosing(cast("AsyncGenerator[list[Event]]", stream)) as events:
                async for batch in events:
                    joined = batch if seam is None else seam.join(batch)
                    spoken.feed(joined)
                    if joined:
                        yield joined
            if seam is not None and spoken.usage is None:  # else the first part's would stand for the second's
                yield [UsageReport(usage=estimated_usage(asked, spoken.characters))]
            return
        except UpstreamError as error:
            rest = _onward(spoken, answered, error, request, route)
            if rest is None:
                raise
            onto = await _tried(further, *rest)
            if onto is None:
                raise
        answered.broken = (*answered.broken, broken_part(answered.model, asked, spoken.usage, spoken.characters))
        asked, stream, seam = rest[0], onto.value, Seam(spoken)
        answered.model = onto.model
        spoken.begin_part()


def _onward(
    spoken: Spoken, answered: Answered[Batches], error: UpstreamError, request: Request, route: Route
) -> tuple[Request, Route] | None:
    """What is asked of whom to go on from what was said; None when nobody can."""
    if not (spoken.possible and error.retriable and len(answered.broken) < _MOST_SEAMS):
        return None
    others = continuers(route, answered.model, silent=isinstance(error, UpstreamTimeout))
    return (onward(request, spoken.text()), Route(route.asked, others)) if others else None


async def _tried(further: Further, request: Request, route: Route) -> Answered[Batches] | None:
    """Who goes on; None when nobody does, since then the break itself is what to tell."""
    try:
        return await further(request, route)
    except (UpstreamError, InvalidRequest):
        return None


def continuers(route: Route, broken: Model, *, silent: bool) -> tuple[Model, ...]:
    """Who may go on: the model that broke, unless it fell silent or is not to be asked twice, and those after it."""
    names = [model.name for model in route.targets]
    start = names.index(broken.name) if broken.name in names else 0
    twice = broken.retries > 0 and not silent
    return tuple(
        model for model in route.targets[start:] if PREFILL in model.supports and (twice or model.name != broken.name)
    )
