"""Streams on their way through the router: until they say something, after that, and as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from typing import TypeVar, cast

from llm_gateway.canonical import BlockStart, Delta, Event, Finish, Result, UsageReport
from llm_gateway.errors import UpstreamProtocol, UpstreamRejected, UpstreamTimeout

T = TypeVar("T")
Batches = AsyncIterator[list[Event]]


def says_something(events: Iterable[Event]) -> bool:
    """Returns whether a client would see any of it: a block of words that has only begun is not seen."""
    for event in events:
        kind = type(event)
        if kind is BlockStart:
            if event.kind == "tool_call":  # type: ignore[union-attr]
                return True
        elif kind is not UsageReport:
            return True
    return False


async def begin(stream: Batches, seconds: float) -> list[Event]:
    """Returns everything up to and with the first event that says something.

    Raises:
        UpstreamTimeout: nothing within so many seconds.
        UpstreamProtocol: the stream ended without a word.
    """
    begun: list[Event] = []
    try:
        async with asyncio.timeout(seconds):
            async for batch in stream:
                begun += batch
                if says_something(batch):
                    return begun
    except TimeoutError as error:
        raise UpstreamTimeout(f"nothing within {seconds} s") from error
    raise UpstreamProtocol("an empty stream", code="upstream_stream_cut")


async def replay(batches: list[list[Event]]) -> Batches:
    """Yields what was held back."""
    for batch in batches:
        yield batch


async def within(items: AsyncIterator[T], ends_at: float) -> AsyncIterator[T]:
    """Yields `items`, until their caller stops waiting at `ends_at` (by the loop's clock).

    Raises:
        UpstreamTimeout: that is now.
    """
    async with aclosing(cast("AsyncGenerator[T]", items)) as source:
        while True:
            try:
                async with asyncio.timeout_at(ends_at):
                    item = await anext(source, None)
            except TimeoutError as error:
                raise too_late() from error
            if item is None:
                return
            yield item


def too_late() -> UpstreamTimeout:
    """Returns the error for a caller whose own limit in time has passed."""
    return UpstreamTimeout(
        "the caller's own time limit", message="The time limit that the request set for itself has passed.",
        spanish="Ha pasado el límite de tiempo que la petición se había puesto.",
    )  # fmt: skip


def check_filter(begun: list[Event]) -> None:
    """Raises UpstreamRejected for a stream that ends filtered before it has said a word."""
    if any(type(event) is Delta for event in begun):
        return
    if any(isinstance(event, Finish) and event.reason == "content_filter" for event in begun):
        raise filtered()


def check_filtered(result: Result) -> None:
    """Raises UpstreamRejected for an answer of which the provider's filter left nothing."""
    if all(choice.finish_reason == "content_filter" and not _said(choice.content) for choice in result.choices):
        raise filtered()


def _said(content: Iterable[object]) -> bool:
    return any(getattr(part, "text", None) or getattr(part, "arguments", None) for part in content)


def filtered() -> UpstreamRejected:
    return UpstreamRejected(
        "an answer that was filtered as a whole",
        code="content_policy_violation",
        message="The provider's content policy refused this request.",
    )
