"""The offline planner as a provider: no network, no key, no cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import offline_planner as offline

from llm_gateway.canonical import Event, Message, Request, Result, Text
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.models import Model

_CARRIES = EVERYTHING - {"n", "logprobs", "top_logprobs"}
"""What says how to sample means nothing to a planner that does not; several answers or their odds it does not have."""


class EmbeddedProvider:
    """Answers with the deterministic planner of this package; `delay_seconds` spaces a stream's pieces."""

    def __init__(self, delay_seconds: float = 0.0) -> None:
        self._delay = delay_seconds

    def warm(self) -> None:
        """Build the planner's word tables now, not in the first request."""
        offline.plan(Request(model="", messages=(Message(role="user", content=(Text(text="hola"),)),)))

    async def complete(self, request: Request, model: Model) -> Result:
        return offline.plan(request)

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        for event in offline.stream(request):
            yield [event]
            await asyncio.sleep(self._delay)

    def carries(self, model: Model) -> frozenset[str]:
        return _CARRIES

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return (*request.hints, *request.extra)
