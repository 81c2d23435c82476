"""The pipeline without a network: scripted providers, and clients that are mere tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from llm_gateway.cache.memory import MemoryCache
from llm_gateway.calls import CacheControl, Call, Caller
from llm_gateway.canonical import (
    BlockStart,
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
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.native.server import NativeServer
from llm_gateway.errors import InvalidRequest, UpstreamError, UpstreamProtocol, UpstreamUnavailable
from llm_gateway.gateway import Gateway, LiveStream
from llm_gateway.journey import Defaults, Waist
from llm_gateway.routing import Router
from llm_gateway.routing.breakers import Breakers
from llm_gateway.settings import GatewaySettings
from llm_gateway.surfaces.http.generation import GenerationSurface
from service_kit.settings import load

from tests.llm_gateway import values

FILE = """
providers:
  mine: {base_url: "http://127.0.0.1:9/v1"}
  offline: {dialect: offline, free: true}
models:
  - {name: one, provider: mine, id: m-1, price: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}}
  - {name: offline, provider: offline, id: p}
"""
ASK = Request(model="one", messages=(Message(role="user", content=(Text(text="Hola"),)),))
BEGIN: list[Event] = [BlockStart(index=0, kind="text"), Delta(index=0, text="Ho")]
END: list[Event] = [Delta(index=0, text="la"), Finish(reason="stop"), UsageReport(usage=Usage(prompt_tokens=9))]


class Scripted:
    """A provider that says `Hola`, once `gate` is open; `failure` is raised where it stands in the script."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked = 0
        self.closed = 0
        self.gate = asyncio.Event()
        self.failure = failure

    async def complete(self, request: Request, model: Model) -> Result:
        self.asked += 1
        await self.gate.wait()
        if self.failure:
            raise self.failure
        return values.said("Hola")

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        self.asked += 1
        try:
            yield BEGIN
            await self.gate.wait()
            if self.failure:
                raise self.failure
            yield END
        finally:
            self.closed += 1

    def carries(self, model: Model) -> frozenset[str]:
        return EVERYTHING

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return tuple(request.hints)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    path = tmp_path / "catalog.yaml"
    path.write_text(FILE)
    return load_catalog(load(GatewaySettings, {}), {}, path)


@pytest.fixture
def seen() -> list[Call]:
    return []


@pytest.fixture
def pipeline(catalog: Catalog, seen: list[Call]) -> Callable[[Scripted], Gateway]:
    def build(provider: Scripted) -> Gateway:
        cache = MemoryCache(max_entries=10, max_bytes=10**6, ttl=60)
        router = Router({"openai_chat": provider, "offline": provider}, Breakers())
        waist = Waist(
            catalog=lambda: catalog, router=router, cache=cache, observe=seen.append,
            defaults=Defaults(max_tokens=7), clock=lambda: 1000.0,
        )  # fmt: skip
        return Gateway(waist)

    return build


def caller(id_: str = "r1", **changes: Any) -> Caller:
    return Caller(request_id=id_, surface="test", **changes)


async def drained(stream: LiveStream) -> str:
    said = [event.text async for batch in stream.batches() for event in batch if isinstance(event, Delta)]
    return "".join(said)


async def test_an_answer_and_its_record(pipeline: Any, seen: list[Call]):
    provider = Scripted()
    provider.gate.set()
    answer = await pipeline(provider).generate(ASK, caller(user="ana"))
    assert answer.result.content == (Text(text="Hola"),)
    assert answer.cost.usd == Decimal("0.000017") and answer.cache == "miss"
    assert (answer.origin.model, answer.origin.created, answer.origin.request_id) == ("one", 1000, "r1")
    [call] = seen
    assert (call.asked, call.model, call.provider, call.provider_model) == ("one", "one", "mine", "m-1")
    assert (call.status, call.user, call.cost_usd, call.finished_at) == ("ok", "ana", answer.cost.usd, 1000.0)
    assert call.usage == Usage(prompt_tokens=9, completion_tokens=4)


async def test_the_record_of_a_stream_has_its_first_token(pipeline: Any, seen: list[Call]):
    provider = Scripted()
    provider.gate.set()
    stream = await pipeline(provider).stream(ASK, caller())
    assert await drained(stream) == "Hola"
    assert stream.answer and stream.answer.usage == Usage(prompt_tokens=9)
    assert seen[0].ttft_ms is not None and seen[0].ttft_ms <= seen[0].latency_ms


@pytest.mark.parametrize("failure", [UpstreamUnavailable("x"), InvalidRequest("x"), ValueError("a bug")])
async def test_a_failure_ends_the_flight(pipeline: Any, failure: Exception):
    provider = Scripted(failure)
    gateway = pipeline(provider)
    asking = [asyncio.create_task(gateway.generate(ASK, caller(str(n)))) for n in range(3)]
    await asyncio.sleep(0.01)
    assert provider.asked == 1
    provider.gate.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert results[0] is failure
    shared = failure if not isinstance(failure, ValueError) else None
    assert all(result is shared if shared else isinstance(result, UpstreamProtocol) for result in results[1:])
    provider.failure = None
    assert (await gateway.generate(ASK, caller())).cache == "miss"


async def test_a_failure_in_the_middle_ends_the_flight_of_a_stream(pipeline: Any, seen: list[Call]):
    provider = Scripted(UpstreamUnavailable("x"))
    gateway = pipeline(provider)
    streams = [await gateway.stream(ASK, caller(str(n))) for n in range(2)]
    assert [stream.cache for stream in streams] == ["miss", "coalesced"]
    provider.gate.set()
    results = await asyncio.gather(*(drained(stream) for stream in streams), return_exceptions=True)
    assert all(isinstance(result, UpstreamError) for result in results)
    assert [call.status for call in seen] == ["error", "error"] and provider.closed == 1
    provider.failure = None
    assert (await gateway.stream(ASK, caller())).cache == "miss"


async def test_leaving_in_the_middle_of_a_stream_ends_its_flight(pipeline: Any, seen: list[Call]):
    provider = Scripted()
    gateway = pipeline(provider)
    task = asyncio.create_task(drained(await gateway.stream(ASK, caller())))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert provider.closed == 1 and seen[0].status == "cancelled"
    assert seen[0].usage and seen[0].usage.estimated and seen[0].cost_source == "estimated"
    provider.gate.set()
    assert await drained(await gateway.stream(ASK, caller())) == "Hola" and provider.asked == 2


async def test_a_client_that_is_gone_before_the_first_byte_leaves_no_flight_behind(pipeline: Any):
    """Its answer cannot even begin; the next one who asks the same must not wait for it."""
    provider = Scripted()
    surface = GenerationSurface("generate", NativeServer(), pipeline(provider))
    body = b'{"model": "one", "messages": [{"role": "user", "content": "Hola"}], "stream": true}'
    sent: list[Any] = []

    async def receive() -> Any:
        if sent == ["read"]:
            await asyncio.Event().wait()
        sent.append("read")
        return {"type": "http.request", "body": body}

    async def broken(message: Any) -> None:
        raise ConnectionResetError

    scope = {"type": "http", "headers": [], "state": {"request_id": "r1", "principal": "anonymous"}}
    with pytest.raises(ConnectionResetError):
        await surface(scope, receive, broken)
    provider.gate.set()
    sent.clear()
    answered: list[Any] = []

    async def send(message: Any) -> None:
        answered.append(message)

    async with asyncio.timeout(2):
        await surface(scope, receive, send)
    assert provider.asked == 2 and answered[0]["status"] == 200 and b"[DONE]" in answered[-1]["body"]


async def test_a_request_that_cannot_be_read_is_recorded(pipeline: Any, seen: list[Call]):
    pipeline(Scripted()).refused(InvalidRequest("x", code="invalid_json"), caller())
    assert (seen[0].status, seen[0].http_status, seen[0].error_code, seen[0].metered_model) == (
        "error", 400, "invalid_json", "none",
    )  # fmt: skip


async def test_defaults_count_in_the_key(pipeline: Any):
    provider = Scripted()
    provider.gate.set()
    gateway = pipeline(provider)
    assert (await gateway.generate(ASK, caller())).cache == "miss"
    explicit = Request(model="one", messages=ASK.messages, max_tokens=7)
    assert (await gateway.generate(explicit, caller())).cache == "hit"
    assert (await gateway.generate(explicit, caller(principal="key_other"))).cache == "miss"


async def test_no_store_neither_reads_nor_writes(pipeline: Any):
    provider = Scripted()
    provider.gate.set()
    gateway = pipeline(provider)
    no_store = caller(cache_control=CacheControl(read=False, write=False))
    assert [(await gateway.generate(ASK, no_store)).cache for _ in range(2)] == ["bypass", "bypass"]
    assert (await gateway.generate(ASK, caller())).cache == "miss" and provider.asked == 3
