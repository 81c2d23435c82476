"""Fallbacks: another model answers before the client notices, and the answer says which."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_providers import Behavior, Endless, Fails, FakeOpenAI, Says, Sends, Silent
from llm_gateway.canonical import Image, Message, Request, Tool
from llm_gateway.errors import InvalidRequest
from llm_gateway.routing import check_supported
from service_kit.testing import running

from tests.llm_gateway import values
from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import Stage, error_of, gateway

CATALOG = """
providers:
  first: {{base_url: "{first}/v1", key_variable: FIRST_KEY}}
  second: {{base_url: "{second}/v1", key_variable: SECOND_KEY}}
  offline: {{dialect: offline, free: true}}
models:
  - {{name: main, provider: first, id: m-1, fallbacks: [spare], timeouts: {{first_token: 0.4, total: 0.8}}}}
  - {{name: spare, provider: second, id: s-1, supports: [{supports}]}}
  - {{name: offline, provider: offline, id: planner}}
"""


@asynccontextmanager
async def two(
    tmp_path: Path, first: FakeOpenAI, second: FakeOpenAI, *, supports: str = "", **environ: str
) -> AsyncIterator[Stage]:
    """A gateway whose model `main` falls back from one provider to another."""
    async with running(first) as one, running(second) as other:
        path = tmp_path / "catalog.yaml"
        path.write_text(CATALOG.format(first=one, second=other, supports=supports))
        keys = {"FIRST_KEY": "k1", "SECOND_KEY": "k2", "DEFAULT_MODEL": "main"}
        async with gateway(CATALOG_FILE=str(path), **{**keys, **environ}) as stage:
            yield stage
    first.check()
    second.check()


NOTHING_YET = b'data: {"id": "x", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'
FAILURES = [
    Fails(401), Fails(404), Fails(429), Fails(500), Sends([b"<html>"], "text/html"), Silent(),
    Sends([NOTHING_YET], then="cut"), Sends([NOTHING_YET], then="silence"), Sends([b""]),
]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("behavior", FAILURES, ids=[str(n) for n in range(len(FAILURES))])
async def test_a_failure_before_the_first_word_is_not_noticed(tmp_path: Path, behavior: Behavior, stream: bool):
    second = FakeOpenAI(Says("aquí estoy"))
    async with two(tmp_path, FakeOpenAI(behavior), second) as stage:
        before = time.perf_counter()
        answer = await stage.chat(model="main", stream=stream)
        assert time.perf_counter() - before < 4
        calls = await stage.observed()
    assert answer.status_code == 200
    assert answer.headers["x-fallback-from"] == "main" and answer.headers["x-provider"] == "second"
    bodies = events(answer.content)[:-1] if stream else [answer.json()]
    assert all(
        (body["model"], body["provider"], body["fallback_from"]) == ("spare", "second", "main") for body in bodies
    )
    assert second.calls[0].body["model"] == "s-1" and second.calls[0].headers["authorization"] == "Bearer k2"
    assert (calls[0].asked, calls[0].model, calls[0].fallback_from) == ("main", "spare", "main")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_rejection_is_nobody_elses_business(tmp_path: Path, stream: bool):
    second = FakeOpenAI()
    async with two(tmp_path, FakeOpenAI(Fails(400, "context_length_exceeded")), second) as stage:
        answer = await stage.chat(model="main", stream=stream)
    assert (answer.status_code, error_of(answer)["code"]) == (400, "context_length_exceeded")
    assert second.calls == []


async def test_after_the_first_word_a_failure_is_said(tmp_path: Path):
    words = b'data: {"id": "x", "choices": [{"index": 0, "delta": {"content": "Ho"}}]}\n\n'
    second = FakeOpenAI()
    async with two(tmp_path, FakeOpenAI(Sends([words], then="cut")), second) as stage:
        answer = await stage.chat(model="main", stream=True)
    assert events(answer.content)[-1]["error"]["code"] == "upstream_stream_cut"
    assert second.calls == [], "half an answer is not begun again"


async def test_when_all_fail_the_last_failure_is_told(tmp_path: Path):
    async with two(tmp_path, FakeOpenAI(Fails(500)), FakeOpenAI(Fails(429, retry_after="5"))) as stage:
        answer = await stage.chat(model="main")
        calls = await stage.observed()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert calls[0].provider == "second" and calls[0].model is None


async def test_a_fallbacks_answer_is_not_kept(tmp_path: Path):
    first, second = FakeOpenAI(Fails(500), Says("mejor")), FakeOpenAI(Says("de repuesto"))
    async with two(tmp_path, first, second) as stage:
        assert (await stage.chat(model="main")).json()["model"] == "spare"
        answer = await stage.chat(model="main")
    assert answer.json()["model"] == "main" and answer.headers["x-cache"] == "miss"


@pytest.mark.parametrize("stream", [False, True])
async def test_those_who_share_a_fallbacks_answer_are_told_too(tmp_path: Path, stream: bool):
    hold = asyncio.Event()
    second = FakeOpenAI(Says(["de ", "repuesto"], hold=hold))
    async with two(tmp_path, FakeOpenAI(Fails(500)), second) as stage:
        asking = [asyncio.create_task(stage.chat(model="main", stream=stream)) for _ in range(3)]
        await second.call()
        await stage.taken_in()
        hold.set()
        answers = await asyncio.gather(*asking)
        calls = await stage.observed()
    assert sorted(answer.headers["x-cache"] for answer in answers) == ["coalesced", "coalesced", "miss"]
    for answer in answers:
        assert (answer.headers["x-provider"], answer.headers["x-fallback-from"]) == ("second", "main")
        body = events(answer.content)[0] if stream else answer.json()
        assert (body["model"], body["fallback_from"]) == ("spare", "main")
    assert {(call.model, call.fallback_from) for call in calls} == {("spare", "main")}


async def test_an_unconfigured_model_goes_straight_to_its_fallback(tmp_path: Path):
    first, second = FakeOpenAI(), FakeOpenAI(Says("x"))
    async with two(tmp_path, first, second, FIRST_KEY="") as stage:
        answer = await stage.chat(model="main")
    assert answer.json()["fallback_from"] == "main" and first.calls == []


async def test_an_unfit_fallback_is_passed_over(tmp_path: Path):
    tools = [{"type": "function", "function": {"name": "f"}}]
    second = FakeOpenAI()
    async with two(tmp_path, FakeOpenAI(Fails(500)), second, supports="stream") as stage:
        answer = await stage.chat(model="main", tools=tools)
        own = await stage.chat(model="spare", tools=tools)
    assert (answer.status_code, error_of(answer)["code"]) == (503, "upstream_unavailable")
    assert (own.status_code, error_of(own)["param"]) == (400, "tools")
    assert second.calls == []


async def test_an_open_circuit_changes_the_order(tmp_path: Path):
    first, second = FakeOpenAI(*[Fails(500)] * 5), FakeOpenAI(always=Says("x"))
    async with two(tmp_path, first, second, CACHE_ENABLED="false") as stage:
        for _ in range(8):
            answer = await stage.chat(model="main")
            assert answer.status_code == 200 and answer.json()["fallback_from"] == "main"
        circuits = (await stage.http.get("/health")).json()["providers"]
    assert len(first.calls) == 5, "the failing one is not asked while its circuit is open"
    assert (circuits["first"]["circuit"], circuits["second"]["circuit"]) == ("open", "closed")


async def test_the_failed_stream_is_closed_before_the_next_begins(tmp_path: Path):
    first = FakeOpenAI(Sends([NOTHING_YET], then="silence"))
    async with two(tmp_path, first, FakeOpenAI(Says("x"))) as stage:
        await stage.chat(model="main", stream=True)
        await asyncio.wait_for(first.calls[0].left.wait(), 8)


async def test_a_client_that_leaves_cancels_the_fallback_too(tmp_path: Path):
    second = FakeOpenAI(Endless(pause=0.01))
    async with two(tmp_path, FakeOpenAI(Fails(500)), second) as stage:
        body: dict[str, Any] = {"model": "main", "messages": [{"role": "user", "content": "x"}], "stream": True}
        async with stage.http.stream("POST", "/mcp/llm/generate", json=body) as response:
            async for _ in response.aiter_lines():
                break
        await asyncio.wait_for(second.calls[0].left.wait(), 5)


# --- what a model can do ---


@pytest.mark.parametrize(
    ("supports", "request_", "param"),
    [
        (("stream",), {"tools": (Tool(name="f"),)}, "tools"),
        (("stream", "tools"), {"messages": (Message(role="user", content=(Image(url="x"),)),)}, "messages"),
        (("stream", "tools", "vision"), {"tools": (Tool(name="f"),)}, None),
        ((), {"tools": (Tool(name="f"),)}, None),
    ],
)
def test_what_a_model_lacks_is_named(supports: tuple[str, ...], request_: dict[str, Any], param: str | None):
    request = msgspec.structs.replace(Request(model="m", messages=()), **request_)
    if param is None:
        check_supported(request, values.model(supports=supports))
        return
    with pytest.raises(InvalidRequest) as caught:
        check_supported(request, values.model(supports=supports))
    assert (caught.value.param, caught.value.code) == (param, "unsupported_parameter")
