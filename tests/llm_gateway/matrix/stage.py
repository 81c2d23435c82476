"""One running gateway, and behind it a fake of every provider, all on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from fake_providers import Behavior, Call, Exchange, FakeProvider, Sends
from llm_gateway.app import build_parts, create_app
from llm_gateway.canonical import Result
from llm_gateway.routing.breakers import Breakers
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load
from service_kit.testing import running

from tests.llm_gateway.hourglass.tape import recorded
from tests.llm_gateway.matrix.cells import PROVIDERS, Provider
from tests.llm_gateway.vendors.table import of_api
from tests.llm_gateway.vendors.vendor import Vendor

KEY = "sk-matrix-0123456789abcdef"


class Cue:
    """What a fake does next, as often as it is asked, until told otherwise."""

    def __init__(self) -> None:
        self.behavior: Behavior | None = None

    async def play(self, exchange: Exchange) -> None:
        assert self.behavior is not None, "nobody should ask now"
        await self.behavior.play(exchange)


@dataclass(frozen=True)
class Breaks:
    """The answer up to the piece that says `before`; then the connection is cut, or stays open and silent."""

    answer: Behavior
    before: bytes
    then: Any

    async def play(self, exchange: Exchange) -> None:
        recording = recorded(self.answer, exchange.call)
        exchange.call.answered.clear()  # so far it is only rehearsed
        position = next(n for n, piece in enumerate(recording.pieces) if self.before in piece)
        content_type = recording.headers["content-type"]
        await Sends(recording.pieces[:position], content_type, recording.status, self.then).play(exchange)


@dataclass
class Actor:
    """A provider on the stage."""

    provider: Provider
    vendor: Vendor
    fake: FakeProvider
    cue: Cue

    def says(self, result: Result) -> None:
        self.cue.behavior = self.vendor.says(result)

    def says_json(self, text: str, result: Result) -> None:
        """This JSON, in the way in which the provider answers by a schema."""
        self.cue.behavior = self.vendor.forces(text) if self.vendor.forces else self.vendor.says(result)

    def fails(self, status: int, retry_after: str | None = None) -> None:
        self.cue.behavior = self.vendor.fails(status, retry_after)

    def breaks(self, result: Result, before: str, then: str) -> None:
        self.cue.behavior = Breaks(self.vendor.says(result), before.encode(), then)

    def does(self, behavior: Behavior) -> None:
        self.cue.behavior = behavior

    @property
    def last(self) -> Call:
        return self.fake.calls[-1]


@dataclass
class Stage:
    """`http` is a client of the gateway."""

    http: httpx.AsyncClient
    clock: Clock
    actors: Mapping[str, Actor] = field(default_factory=dict)


class Clock:
    """The circuit breakers' clock, which stands still until a day is over: no failure is remembered the next day."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def next_day(self) -> None:
        self._now += 86_400


@asynccontextmanager
async def whole_stage() -> AsyncIterator[Stage]:
    """Every provider of the matrix, and the gateway; none may have been asked what it would refuse."""
    environ = {"CACHE_ENABLED": "false", "UPSTREAM_RETRIES": "0", "OFFLINE_FALLBACK": "never"}
    actors: dict[str, Actor] = {}
    async with AsyncExitStack() as stack:
        for provider in PROVIDERS:
            if not provider.environ:
                continue
            vendor, cue = of_api(provider.api), Cue()
            fake = vendor.fake(always=cue, keys=[KEY] if "{key}" in provider.environ.values() else [])
            url = await stack.enter_async_context(running(fake))
            environ |= {name: value.format(key=KEY, url=url) for name, value in provider.environ.items()}
            actors[provider.name] = Actor(provider, vendor, fake, cue)
        settings, clock = load(GatewaySettings, environ), Clock()
        parts = msgspec.structs.replace(build_parts(settings, environ), breakers=Breakers(clock))
        url = await stack.enter_async_context(running(create_app(settings, parts)))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=20, verify=False))
        yield Stage(http, clock, actors)
    for actor in actors.values():
        actor.fake.check()
