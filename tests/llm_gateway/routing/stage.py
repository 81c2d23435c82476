"""A router between scripted providers, with a clock that only sleeping moves; and catalogs for a real gateway."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Message,
    Request,
    Result,
    Text,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.catalog import Route
from llm_gateway.catalog.models import Model
from llm_gateway.routing import RetryPolicy, Router
from llm_gateway.routing.breakers import Breakers

from tests.llm_gateway import values

ASK = Request(model="main", messages=(Message(role="user", content=(Text(text="Hola"),)),))

Step = Result | BaseException | Sequence[Any]
"""A whole answer, a failure, or the batches of a stream, at the end of which a failure may stand."""


class Clock:
    """Seconds that pass only in `sleep`; `slept` remembers each."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Scripted:
    """Plays one step a call for each deployment, by the id of its model; `asked` is who was asked, in order."""

    def __init__(self, carries: frozenset[str] = EVERYTHING, **script: Sequence[Step]) -> None:
        self._script = {name.replace("_", "-"): deque(steps) for name, steps in script.items()}
        self._carries = carries
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.closed = 0

    def _next(self, request: Request, model: Model) -> Step:
        self.asked.append(model.id)
        self.requests.append(request)
        return self._script[model.id].popleft()

    async def complete(self, request: Request, model: Model) -> Result:
        await asyncio.sleep(0)
        step = self._next(request, model)
        if isinstance(step, BaseException):
            raise step
        assert isinstance(step, Result)
        return step

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        step = self._next(request, model)
        try:
            assert isinstance(step, Sequence)
            for batch in step:
                await asyncio.sleep(0)
                if isinstance(batch, BaseException):
                    raise batch
                yield list(batch)
        finally:
            self.closed += 1

    def carries(self, model: Model) -> frozenset[str]:
        return self._carries

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return ()

    def left(self) -> int:
        """How many steps were never played."""
        return sum(len(steps) for steps in self._script.values())


class Stage:
    """A router whose providers are `scripted`, with every random number `drawn`."""

    def __init__(self, scripted: Scripted, draw: Callable[[], float] = lambda: 0.5, **retry: float) -> None:
        self.clock = Clock()
        self.breakers = Breakers(self.clock)
        self.scripted = scripted
        self.router = Router(
            {"openai_chat": scripted}, self.breakers, retry=RetryPolicy(**retry), draw=draw, clock=self.clock,
            sleep=self.clock.sleep,
        )  # fmt: skip


def model(name: str = "main", id_: str | None = None, provider: str = "openai", **changes: Any) -> Model:
    at = values.endpoint(provider, base_url=changes.pop("base_url", f"http://{provider}.test/v1"))
    return values.model(name, provider, endpoint=at, id=id_ or name, **{"retries": 2, **changes})


def several(*ids: str, name: str = "main", **changes: Any) -> Model:
    """A model that each of these ids answers, at an address of its own unless `base_url` says another; `weights` are
    theirs."""
    weights: Sequence[float] = changes.pop("weights", [1.0] * len(ids))
    each = tuple(
        model(name, id_, weight=weight, **{"base_url": f"http://{id_}.test/v1", **changes})
        for id_, weight in zip(ids, weights, strict=True)
    )
    return msgspec.structs.replace(each[0], deployments=each)


def route(*targets: Model, **others: tuple[Model, ...]) -> Route:
    return Route(targets[0].name, targets, **others)


def spoken(*pieces: str, usage: Usage | None = None, reason: str = "stop") -> list[list[Event]]:
    """The batches of a whole stream, one for each piece."""
    batches: list[list[Event]] = [[BlockStart(index=0, kind="text")], *broken(*pieces)[1:]]
    end: list[Event] = [BlockStop(index=0), Finish(reason=reason)]  # type: ignore[arg-type]
    return [*batches, [*end, *([UsageReport(usage=usage)] if usage else [])]]


def broken(*pieces: str) -> list[list[Event]]:
    """The batches of a stream up to where it breaks."""
    return [[BlockStart(index=0, kind="text")], *([Delta(index=0, text=piece)] for piece in pieces)]
