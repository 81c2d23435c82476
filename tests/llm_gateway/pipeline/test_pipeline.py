"""The pipeline without a network: scripted providers, and clients that are mere tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from llm_gateway.cache.levels import CacheLevels
from llm_gateway.cache.memory import MemoryCache
from llm_gateway.canonical import (
    BlockStart,
    Delta,
    EmbeddingRequest,
    Event,
    Finish,
    Message,
    Request,
    Result,
    Text,
    Usage,
    UsageReport,
)
from llm_gateway.canonical.answer import Answer
from llm_gateway.canonical.parameters import EVERYTHING
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.native import server as native
from llm_gateway.errors import (
    InvalidRequest,
    UpstreamError,
    UpstreamProtocol,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from llm_gateway.pipeline.admission import AdmissionControl
from llm_gateway.pipeline.caller import CacheControl, Caller
from llm_gateway.pipeline.context import Defaults
from llm_gateway.pipeline.kinds import Generation, Vectors
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.pipeline.single_flight import SingleFlight
from llm_gateway.routing import Router
from llm_gateway.routing.breakers import Breakers
from llm_gateway.routing.options import CallOptions
from llm_gateway.settings import GatewaySettings
from llm_gateway.surfaces.http.generation import GenerationSurface
from llm_gateway.telemetry.record import CallRecord
from service_kit.auth.principal import open_principal
from service_kit.errors import ApiError
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
STREAM = msgspec.structs.replace(ASK, stream=True)
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
def seen() -> list[CallRecord]:
    return []


@pytest.fixture
def pipeline(catalog: Catalog, seen: list[CallRecord]) -> Callable[[Scripted], Pipeline]:
    def build(provider: Scripted) -> Pipeline:
        router = Router({"openai_chat": provider, "offline": provider}, Breakers())
        return Pipeline(
            catalog=lambda: catalog,
            generation=Generation(router, Defaults(max_tokens=7)),
            vectors=Vectors(router, {}),
            cache=CacheLevels(MemoryCache(max_entries=10, max_bytes=10**6)),
            admission=AdmissionControl(100, 100),
            calls=SingleFlight(),
            records=seen.append,
            clock=lambda: 1000.0,
        )

    return build


def caller(id_: str = "r1", **changes: Any) -> Caller:
    return Caller(request_id=id_, surface="test", **changes)


async def generated(pipeline: Pipeline, request: Request, caller: Caller) -> Answer:
    """The whole answer, once it is kept: that happens behind it."""
    async with pipeline.generate(request, caller) as call:
        answer = await call.whole()
    for _ in range(3):
        await asyncio.sleep(0)
    return answer


async def asked(provider: Scripted) -> None:
    """The provider is asked; callers that were there before share that call by then."""
    async with asyncio.timeout(8):
        while not provider.asked:
            await asyncio.sleep(0)


async def streamed(pipeline: Pipeline, caller: Caller, request: Request = STREAM) -> tuple[str, str]:
    """What a stream says, and what it tells of the cache."""
    async with pipeline.generate(request, caller) as call:
        await call.begun()
        said = [event.text async for batch in call.batches() for event in batch if isinstance(event, Delta)]
        return "".join(said), call.cache


async def test_an_answer_and_its_record(pipeline: Any, seen: list[CallRecord]):
    provider = Scripted()
    provider.gate.set()
    answer = await generated(pipeline(provider), ASK, caller(user="ana"))
    assert answer.result.content == (Text(text="Hola"),)
    assert answer.cost.usd == Decimal("0.000017") and answer.cache == "miss"
    assert (answer.answered_by.model, answer.answered_by.created, answer.answered_by.request_id) == ("one", 1000, "r1")
    [call] = seen
    assert (call.asked, call.model, call.provider, call.provider_model) == ("one", "one", "mine", "m-1")
    assert (call.status, call.end_user, call.cost_usd, call.finished_at) == ("ok", "ana", answer.cost.usd, 1000.0)
    assert call.usage == Usage(prompt_tokens=9, completion_tokens=4)


async def test_the_record_of_a_stream_has_its_first_token(pipeline: Any, seen: list[CallRecord]):
    provider = Scripted()
    provider.gate.set()
    assert await streamed(pipeline(provider), caller()) == ("Hola", "miss")
    assert seen[0].usage == Usage(prompt_tokens=9) and seen[0].stream
    assert seen[0].ttft_ms is not None and seen[0].ttft_ms <= seen[0].latency_ms


@pytest.mark.parametrize("failure", [UpstreamUnavailable("x"), InvalidRequest("x"), ValueError("a bug")])
async def test_a_failure_ends_the_flight(pipeline: Any, failure: Exception):
    provider = Scripted(failure)
    gateway = pipeline(provider)
    asking = [asyncio.create_task(generated(gateway, ASK, caller(str(n)))) for n in range(3)]
    await asked(provider)
    assert provider.asked == 1
    provider.gate.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert results[0] is failure
    shared = failure if not isinstance(failure, ValueError) else None
    assert all(result is shared if shared else isinstance(result, UpstreamProtocol) for result in results[1:])
    provider.failure = None
    assert (await generated(gateway, ASK, caller())).cache == "miss"


async def test_a_failure_in_the_middle_ends_the_flight_of_a_stream(pipeline: Any, seen: list[CallRecord]):
    provider = Scripted(UpstreamUnavailable("x"))
    gateway = pipeline(provider)
    asking = [asyncio.create_task(streamed(gateway, caller(str(n)))) for n in range(2)]
    await asked(provider)
    provider.gate.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(result, UpstreamError) for result in results)
    assert [call.status for call in seen] == ["error", "error"] and provider.closed == 1
    assert [call.cache for call in seen] == ["miss", "coalesced"] and [call.billed for call in seen] == [True, False]
    provider.failure = None
    assert await streamed(gateway, caller()) == ("Hola", "miss")


async def test_leaving_in_the_middle_of_a_stream_ends_its_flight(pipeline: Any, seen: list[CallRecord]):
    provider = Scripted()
    gateway = pipeline(provider)
    heard = asyncio.Event()

    async def listens() -> None:
        async with gateway.generate(STREAM, caller()) as call:
            async for _ in call.batches():
                heard.set()

    task = asyncio.create_task(listens())
    await heard.wait()
    task.cancel()
    await asyncio.wait([task])
    assert provider.closed == 1 and seen[0].status == "cancelled"
    assert seen[0].usage and seen[0].usage.estimated and seen[0].cost_source == "estimated"
    provider.gate.set()
    assert await streamed(gateway, caller()) == ("Hola", "miss") and provider.asked == 2


async def test_a_client_that_is_gone_before_the_first_byte_leaves_no_flight_behind(pipeline: Any):
    """Its answer cannot even begin; the next one who asks the same must not wait for it."""
    provider = Scripted()
    surface = GenerationSurface("generate", native, pipeline(provider))
    body = b'{"model": "one", "messages": [{"role": "user", "content": "Hola"}], "stream": true}'
    sent: list[Any] = []

    async def receive() -> Any:
        if sent == ["read"]:
            await asyncio.Event().wait()
        sent.append("read")
        return {"type": "http.request", "body": body}

    async def broken(message: Any) -> None:
        raise ConnectionResetError

    scope = {"type": "http", "headers": [], "state": {"request_id": "r1", "principal": open_principal(operator=True)}}
    with pytest.raises(ConnectionResetError):
        await surface(scope, receive, broken)
    provider.gate.set()
    sent.clear()
    answered: list[Any] = []

    async def send(message: Any) -> None:
        answered.append(message)

    async with asyncio.timeout(8):
        await surface(scope, receive, send)
    assert provider.asked == 2 and answered[0]["status"] == 200 and b"[DONE]" in answered[-1]["body"]


async def test_a_request_that_cannot_be_read_is_recorded(pipeline: Any, seen: list[CallRecord]):
    pipeline(Scripted()).unread(InvalidRequest("x", code="invalid_json"), caller())
    assert (seen[0].status, seen[0].http_status, seen[0].error_code, seen[0].metered_model) == (
        "error", 400, "invalid_json", "none",
    )  # fmt: skip


async def test_defaults_count_in_the_key(pipeline: Any):
    provider = Scripted()
    provider.gate.set()
    gateway = pipeline(provider)
    assert (await generated(gateway, ASK, caller())).cache == "miss"
    explicit = Request(model="one", messages=ASK.messages, max_tokens=7)
    assert (await generated(gateway, explicit, caller())).cache == "hit"
    assert (await generated(gateway, explicit, caller(principal="key_other"))).cache == "miss"


async def test_no_store_neither_reads_nor_writes(pipeline: Any):
    provider = Scripted()
    provider.gate.set()
    gateway = pipeline(provider)
    no_store = caller(cache_control=CacheControl(read=False, write=False))
    assert [(await generated(gateway, ASK, no_store)).cache for _ in range(2)] == ["bypass", "bypass"]
    assert (await generated(gateway, ASK, caller())).cache == "miss" and provider.asked == 3


# --- a place at a provider ---


class Watched(Scripted):
    """Notes the places taken at both providers whenever one is asked; the first that is asked fails."""

    def __init__(self, admission: AdmissionControl) -> None:
        super().__init__()
        self.admission = admission
        self.places: list[tuple[int, int]] = []

    async def complete(self, request: Request, model: Model) -> Result:
        self.places.append((self.admission.calls("mine"), self.admission.calls("offline")))
        if model.provider == "mine":
            raise UpstreamUnavailable("x")
        return values.said("Hola")


def two_models(tmp_path: Path, admission: AdmissionControl, seen: list[CallRecord]) -> tuple[Watched, Pipeline]:
    path = tmp_path / "two.yaml"
    path.write_text(FILE.replace("id: m-1,", "id: m-1, fallbacks: [offline], retries: 0,"))
    catalog, provider = load_catalog(load(GatewaySettings, {}), {}, path), Watched(admission)
    router = Router({"openai_chat": provider, "offline": provider}, Breakers())
    return provider, Pipeline(
        catalog=lambda: catalog, generation=Generation(router), vectors=Vectors(router, {}), cache=None,
        admission=admission, calls=SingleFlight(), records=seen.append,
    )  # fmt: skip


async def test_a_place_moves_to_the_provider_that_is_asked(tmp_path: Path, seen: list[CallRecord]):
    admission = AdmissionControl(10, 1)
    provider, gateway = two_models(tmp_path, admission, seen)
    assert (await generated(gateway, ASK, caller())).answered_by.model == "offline"
    assert provider.places == [(1, 0), (0, 1)]
    assert (admission.calls("mine"), admission.calls("offline"), admission.callers) == (0, 0, 0)


async def test_a_provider_without_a_free_place_is_passed_over(tmp_path: Path, seen: list[CallRecord]):
    admission = AdmissionControl(10, 1)
    provider, gateway = two_models(tmp_path, admission, seen)
    held = admission.dispatch("mine")
    assert (await generated(gateway, ASK, caller())).answered_by.fallback_from == "one"
    held.release()
    assert provider.places == [(1, 1)] and admission.calls("mine") == admission.calls("offline") == 0
    assert [attempt.error_code for attempt in seen[0].attempts] == ["gateway_saturated", None]


# --- what is owned at every moment ---


async def test_a_stream_that_nobody_begins_to_read_is_closed(pipeline: Any, seen: list[CallRecord]):
    provider = Scripted()
    gateway = pipeline(provider)
    async with gateway.generate(STREAM, caller()) as call:
        await call.begun()
    assert provider.closed == 1 and [record.status for record in seen] == ["cancelled"]
    provider.gate.set()
    async with asyncio.timeout(8):
        assert await streamed(gateway, caller()) == ("Hola", "miss"), "an equal question does not wait for it"


async def test_a_client_that_leaves_between_the_beginning_and_the_first_read_leaves_nothing(
    pipeline: Any, seen: list[CallRecord]
):
    provider = Scripted()
    gateway = pipeline(provider)

    async def beats_while_it_begins() -> None:
        async with gateway.generate(STREAM, caller()) as call:
            await call.begun()
            await asyncio.Event().wait()

    task = asyncio.create_task(beats_while_it_begins())
    while not provider.asked:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert provider.closed == 1 and [record.error_code for record in seen] == ["client_gone"]
    assert not [one for one in asyncio.all_tasks() if one.get_name().startswith("call ")]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_of_ours_leaves_a_record_too(pipeline: Any, seen: list[CallRecord], stream: bool):
    provider = Scripted(ValueError("a bug"))
    provider.gate.set()
    with pytest.raises(ValueError, match="a bug"):
        async with pipeline(provider).generate(STREAM if stream else ASK, caller()) as call:
            await call.whole()
    [record] = seen
    assert (record.status, record.http_status, record.error_code) == ("error", 500, "internal_error")
    assert (record.metered_model, record.provider) == ("one", "mine")


async def test_so_does_one_that_comes_while_the_answer_is_written(pipeline: Any, seen: list[CallRecord]):
    provider = Scripted()
    provider.gate.set()
    with pytest.raises(ZeroDivisionError):
        async with pipeline(provider).generate(ASK, caller()) as call:
            await call.whole()
            raise ZeroDivisionError
    [record] = seen
    assert (record.status, record.http_status) == ("error", 500) and record.cost_usd, "it was paid for all the same"


async def test_what_is_refused_before_anybody_is_asked_counts_for_the_model_that_was_meant(
    pipeline: Any, seen: list[CallRecord]
):
    with pytest.raises(ApiError):
        async with pipeline(Scripted()).embed(EmbeddingRequest(model="offline", inputs=("x",)), caller()) as call:
            await call.whole()
    with pytest.raises(ApiError):
        async with pipeline(Scripted()).generate(msgspec.structs.replace(ASK, model="none such"), caller()):
            pass
    assert [record.metered_model for record in seen] == ["offline", "none"]


async def test_callers_that_come_and_leave_while_a_call_is_silent_leave_nothing_with_it(pipeline: Any):
    provider = Scripted()
    gateway = pipeline(provider)
    patient = asyncio.create_task(generated(gateway, ASK, caller("patient")))
    await asked(provider)
    [call] = [task for task in asyncio.all_tasks() if task.get_name().startswith("call ")]
    running: Any = cast("Any", call.get_coro()).cr_frame.f_locals["self"]
    for number in range(20):
        leaving = asyncio.create_task(generated(gateway, ASK, caller(str(number))))
        while len(running.waiters) < 2:
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
    assert len(running.waiters) == running.call.readers == 1
    provider.gate.set()
    assert (await patient).result.content == (Text(text="Hola"),) and provider.asked == 1


async def test_one_callers_time_ends_no_other_callers_call(pipeline: Any, seen: list[CallRecord]):
    provider = Scripted()
    gateway = pipeline(provider)
    patient = asyncio.create_task(streamed(gateway, caller("patient")))
    while not provider.asked:
        await asyncio.sleep(0)
    hasty = caller("hasty", options=CallOptions(timeout=0.02))
    with pytest.raises(UpstreamTimeout):
        await streamed(gateway, hasty)
    provider.gate.set()
    assert await patient == ("Hola", "miss") and provider.asked == 1
    assert [(record.request_id, record.status, record.billed) for record in seen] == [
        ("hasty", "error", False), ("patient", "ok", True),
    ]  # fmt: skip
