"""Tools for models that have none: a provider around another one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast
from uuid import uuid4

from llm_gateway.canonical import Event, Request, Result
from llm_gateway.catalog.models import Model
from llm_gateway.providers import Provider
from llm_gateway.providers.emulated_tools import emulates, is_emulated
from llm_gateway.providers.emulated_tools.plan import plan_of
from llm_gateway.providers.emulated_tools.prompt import rewritten
from llm_gateway.providers.emulated_tools.streaming import MakeId, Reread, reread

_CARRIED = frozenset({"tools", "tool_choice", "parallel_tool_calls"})


def new_call_id() -> str:
    """Returns an id for a tool call, as OpenAI's look."""
    return f"call_{uuid4().hex[:24]}"


class EmulatedTools:
    """`inner`, whose models with `emulated_tools` in the catalog are asked for calls in their prompt; whatever else
    is asked goes to it untouched."""

    def __init__(self, inner: Provider, make_id: MakeId = new_call_id) -> None:
        self._inner = inner
        self._make_id = make_id

    async def complete(self, request: Request, model: Model) -> Result:
        if not emulates(request, model):
            return await self._inner.complete(request, model)
        plan = plan_of(request, model)
        return reread(await self._inner.complete(rewritten(request, plan), model), plan, self._make_id)

    def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        return self._emulated(request, model) if emulates(request, model) else self._inner.stream(request, model)

    async def _emulated(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        plan = plan_of(request, model)
        reading = Reread(plan, self._make_id)
        stream = cast("AsyncGenerator[list[Event]]", self._inner.stream(rewritten(request, plan), model))
        async with aclosing(stream) as events:
            async for batch in events:
                said = reading.feed(batch)
                if said:
                    yield said

    def carries(self, model: Model) -> frozenset[str]:
        carried = self._inner.carries(model)
        return carried | _CARRIED if is_emulated(model) else carried

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return self._inner.dropped(request, model)
