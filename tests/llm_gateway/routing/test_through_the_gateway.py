"""Routing as a client of the running gateway sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_providers import Fails, FakeOpenAI, Says, Sends, Silent
from service_kit.testing import running

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import Stage, error_of, gateway

CATALOG = """
providers:
  first: {{base_url: "{first}/v1", key_variable: FIRST_KEY, lacks: [seed]}}
  second: {{base_url: "{second}/v1", key_variable: SECOND_KEY}}
  offline: {{dialect: offline, free: true}}
models:
  - name: main
    provider: first
    id: m-1
    fallbacks: [spare]
    price: {{input_usd_per_mtok: 1, output_usd_per_mtok: 10}}
  - name: spare
    provider: second
    id: s-1
    supports: [stream, tools, prefill]
    price: {{input_usd_per_mtok: 2, output_usd_per_mtok: 20}}
  - {{name: alone, provider: first, id: m-1}}
  - {{name: long, provider: second, id: l-1}}
  - {{name: short, provider: first, id: m-2, context_window_fallbacks: [long], content_filter_fallbacks: [spare]}}
  - {{name: loose, provider: first, id: m-3, drop_params: all}}
  - {{name: whole, provider: first, id: m-4, fallbacks: [spare], safe_stream: hold}}
  - name: many
    deployments: [{{provider: first, id: d-1, weight: 1000000}}, {{provider: second, id: d-2, weight: 0.000001}}]
  - {{name: offline, provider: offline, id: planner}}
"""


@asynccontextmanager
async def two(tmp_path: Path, first: FakeOpenAI, second: FakeOpenAI, **environ: str) -> AsyncIterator[Stage]:
    async with running(first) as one, running(second) as other:
        path = tmp_path / "catalog.yaml"
        path.write_text(CATALOG.format(first=one, second=other))
        given = {"FIRST_KEY": "k1", "SECOND_KEY": "k2", "DEFAULT_MODEL": "main", "CATALOG_FILE": str(path)}
        async with gateway(**{**given, **environ}) as stage:
            yield stage
    first.check()
    second.check()


def words(*pieces: str) -> list[bytes]:
    """The chunks of a stream up to where it breaks."""
    head = {"id": "x", "object": "chat.completion.chunk", "model": "m", "created": 1}
    return [
        b"data: " + msgspec.json.encode({**head, "choices": [{"index": 0, "delta": {"content": piece}}]}) + b"\n\n"
        for piece in pieces
    ]


def text_of(content: bytes) -> str:
    """What the chunks of OpenAI's stream, or of the native one, say."""
    said = ""
    for event in events(content):
        if isinstance(event, dict):
            choices = event.get("choices") or [{"delta": event}]
            said += choices[0].get("delta", {}).get("content") or ""
    return said


# --- parameters ---


async def test_what_a_model_lacks_is_refused_by_name_before_anybody_is_asked(tmp_path: Path):
    async with two(tmp_path, FakeOpenAI(), FakeOpenAI()) as stage:
        for stream in (False, True):
            refused = await stage.chat(model="main", seed=7, stream=stream)
            error = error_of(refused)
            assert (refused.status_code, error["code"], error["param"]) == (400, "unsupported_parameter", "seed")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "header"),
    [("loose", None), ("main", "seed"), ("main", "top_k, seed"), ("main", "all"), ("main", "seed ,, ,seed")],
)
async def test_or_left_out_and_listed(tmp_path: Path, stream: bool, model: str, header: str | None):
    first = FakeOpenAI(Says("x"))
    headers = {"x-drop-params": header} if header else {}
    async with two(tmp_path, first, FakeOpenAI()) as stage:
        answer = await stage.chat(model=model, seed=7, stream=stream, headers=headers)
        again = await stage.chat(model=model, seed=7, stream=stream, headers=headers)
    assert answer.status_code == 200 and answer.headers["x-dropped-params"] == "seed"
    assert "seed" not in first.calls[0].body
    assert (again.headers["x-cache"], again.headers["x-dropped-params"]) == ("hit", "seed")


async def test_what_was_kept_without_a_parameter_is_no_answer_to_who_insists_on_it(tmp_path: Path):
    async with two(tmp_path, FakeOpenAI(Says("x")), FakeOpenAI()) as stage:
        assert (await stage.chat(model="main", seed=7, headers={"x-drop-params": "seed"})).status_code == 200
        assert (await stage.chat(model="main", seed=7)).status_code == 400
        plain = await stage.chat(model="main")
    assert plain.headers["x-cache"] == "hit" and "x-dropped-params" not in plain.headers


async def test_a_fallback_that_takes_it_is_sent_it(tmp_path: Path):
    second = FakeOpenAI(Says("x"))
    async with two(tmp_path, FakeOpenAI(Fails(500)), second) as stage:
        answer = await stage.chat(model="main", seed=7, headers={"x-drop-params": "seed"})
    assert second.calls[0].body["seed"] == 7 and "x-dropped-params" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"x-drop-params": "sed"}, {"x-drop-params": "model"}, {"x-request-timeout": "soon"}, {"x-request-timeout": ""},
        {"x-request-timeout": "0"}, {"x-request-timeout": "-1"}, {"x-request-timeout": "nan"},
        {"x-request-timeout": "inf"}, {"x-safe-stream": "yes"}, {"x-safe-stream": ""}, {"x-safe-stream": "HOLD"},
    ],
)  # fmt: skip
async def test_a_header_that_means_nothing_is_refused(tmp_path: Path, headers: Mapping[str, str]):
    async with two(tmp_path, FakeOpenAI(), FakeOpenAI()) as stage:
        refused = await stage.chat(model="main", headers=headers)
    [name] = headers
    assert refused.status_code == 400 and (error_of(refused)["param"] or "").lower() == name


# --- retries and fallbacks ---


@pytest.mark.parametrize("stream", [False, True])
async def test_a_passing_failure_is_not_noticed(tmp_path: Path, stream: bool):
    first = FakeOpenAI(Fails(503), Sends([b""], then="cut"), Says("aquí"))
    async with two(tmp_path, first, FakeOpenAI(), UPSTREAM_RETRIES="2") as stage:
        answer = await stage.chat(model="alone", stream=stream)
        calls = await stage.observed()
    assert answer.status_code == 200 and len(first.calls) == 3
    assert [call.status for call in calls] == ["ok"] and calls[0].usage and calls[0].usage.prompt_tokens == 9


async def test_a_limit_that_passes_soon_is_waited_for(tmp_path: Path):
    first = FakeOpenAI(Fails(429, headers={"retry-after-ms": "150"}), Says("aquí"))
    async with two(tmp_path, first, FakeOpenAI(), UPSTREAM_RETRIES="1") as stage:
        before = time.perf_counter()
        answer = await stage.chat(model="alone")
    assert answer.status_code == 200 and 0.15 <= time.perf_counter() - before < 3


async def test_a_date_to_come_back_at_is_told_in_seconds(tmp_path: Path):
    dated = {"date": "Wed, 21 Oct 2026 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2026 07:28:42 GMT"}
    async with two(tmp_path, FakeOpenAI(Fails(429, headers=dated)), FakeOpenAI()) as stage:
        answer = await stage.chat(model="alone")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "42")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_is_too_long_goes_to_who_can_take_it(tmp_path: Path, stream: bool):
    second = FakeOpenAI(Says("largo"))
    async with two(tmp_path, FakeOpenAI(Fails(400, "context_length_exceeded")), second) as stage:
        answer = await stage.chat(model="short", stream=stream)
    assert answer.status_code == 200 and second.calls[0].body["model"] == "l-1"
    assert answer.headers["x-fallback-from"] == "short"


@pytest.mark.parametrize("refusal", [Fails(400, "content_filter"), Says(None, finish_reason="content_filter")])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refused_one_goes_to_who_may_answer_it(tmp_path: Path, refusal: Any, stream: bool):
    second = FakeOpenAI(Says("permitido"))
    async with two(tmp_path, FakeOpenAI(refusal), second) as stage:
        answer = await stage.chat(model="short", stream=stream)
    assert answer.status_code == 200 and second.calls[0].body["model"] == "s-1"
    assert answer.headers["x-fallback-from"] == "short" and answer.headers["x-cache"] == "miss"


async def test_another_deployment_of_the_same_model_is_no_fallback(tmp_path: Path):
    first, second = FakeOpenAI(Fails(500)), FakeOpenAI(Says("aquí"))
    async with two(tmp_path, first, second, UPSTREAM_RETRIES="1") as stage:
        answer = await stage.chat(model="many")
        calls = await stage.observed()
    body = answer.json()
    assert (body["model"], body["provider"]) == ("many", "second") and "x-fallback-from" not in answer.headers
    assert answer.headers["x-provider-model"] == "d-2"
    assert (calls[0].model, calls[0].provider, calls[0].provider_model, calls[0].fallback_from) == (
        "many", "second", "d-2", None,
    )  # fmt: skip


async def test_those_who_share_a_deployments_answer_are_told_which(tmp_path: Path):
    hold = asyncio.Event()
    second = FakeOpenAI(Says("aquí", hold=hold))
    async with two(tmp_path, FakeOpenAI(Fails(500)), second, UPSTREAM_RETRIES="1") as stage:
        asking = [asyncio.create_task(stage.chat(model="many")) for _ in range(3)]
        await second.call()
        await stage.taken_in()
        hold.set()
        answers = await asyncio.gather(*asking)
        calls = await stage.observed()
    assert {answer.headers["x-provider"] for answer in answers} == {"second"}
    assert {(call.provider, call.provider_model) for call in calls} == {("second", "d-2")}


# --- the caller's time ---


@pytest.mark.parametrize("surface", ["chat", "generate"])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_callers_time_bounds_everything(tmp_path: Path, surface: str, stream: bool):
    first, second = FakeOpenAI(Fails(500)), FakeOpenAI(Silent())
    async with two(tmp_path, first, second) as stage:
        before = time.perf_counter()
        answer = await getattr(stage, surface)(model="main", stream=stream, headers={"x-request-timeout": "1"})
        # Time enough to come to the second provider, also on a busy machine; timers may be a millisecond early.
        assert 0.99 <= time.perf_counter() - before < 5
        await asyncio.wait_for(second.calls[0].left.wait(), 5)
        health = (await stage.http.get("/health")).json()
        calls = await stage.observed()
    assert (answer.status_code, error_of(answer)["code"]) == (504, "upstream_timeout")
    assert (calls[0].status, calls[0].http_status) == ("error", 504)
    assert health["providers"]["second"]["circuit"] == "closed"


async def test_a_stream_that_outlasts_it_says_so(tmp_path: Path):
    first = FakeOpenAI(Sends([*words("uno "), 5.0, *words("dos")]))
    async with two(tmp_path, first, FakeOpenAI()) as stage:
        before = time.perf_counter()
        answer = await stage.chat(model="alone", stream=True, headers={"x-request-timeout": "0.4"})
        assert time.perf_counter() - before < 3
        await asyncio.wait_for(first.calls[0].left.wait(), 5)
    assert events(answer.content)[-1]["error"]["code"] == "upstream_timeout"


@pytest.mark.parametrize("stream", [False, True])
async def test_who_has_little_time_does_not_take_others_along(tmp_path: Path, stream: bool):
    hold = asyncio.Event()
    first = FakeOpenAI(Says("a", hold=hold), Says("a", hold=hold))
    async with two(tmp_path, first, FakeOpenAI()) as stage:
        hasty = asyncio.create_task(stage.chat(model="alone", stream=stream, headers={"x-request-timeout": "0.3"}))
        await first.call()
        patient = asyncio.create_task(stage.chat(model="alone", stream=stream))
        await first.call(1)
        late = await stage.chat(model="alone", stream=stream, headers={"x-request-timeout": "0.2"})
        assert (await hasty).status_code == late.status_code == 504, "who follows has its own time too"
        hold.set()
        assert (await patient).status_code == 200


async def test_enough_time_changes_nothing(tmp_path: Path):
    async with two(tmp_path, FakeOpenAI(Says(["a", "b"])), FakeOpenAI()) as stage:
        answer = await stage.chat(model="alone", stream=True, headers={"x-request-timeout": "60"})
        again = await stage.chat(model="alone", headers={"x-request-timeout": "60"})
    assert text_of(answer.content) == "ab" and again.headers["x-cache"] == "hit"


# --- safe streams ---


@pytest.mark.parametrize(("model", "headers"), [("main", {"x-safe-stream": "hold"}), ("whole", {})])
async def test_a_held_stream_is_whole_or_anothers(tmp_path: Path, model: str, headers: Mapping[str, str]):
    first, second = FakeOpenAI(Sends(words("medi"), then="cut")), FakeOpenAI(Says(["en", "tera"]))
    async with two(tmp_path, first, second) as stage:
        answer = await stage.chat(model=model, stream=True, headers=headers)
        calls = await stage.observed()
    assert text_of(answer.content) == "entera" and events(answer.content)[-1] == "[DONE]"
    assert answer.headers["x-fallback-from"] == model and answer.headers["x-provider"] == "second"
    assert (calls[0].model, calls[0].cost_source) == ("spare", "computed"), "what broke is not billed"


async def test_a_held_stream_that_nobody_can_give_has_a_status(tmp_path: Path):
    async with two(tmp_path, FakeOpenAI(Sends(words("medi"), then="cut")), FakeOpenAI()) as stage:
        answer = await stage.chat(model="alone", stream=True, headers={"x-safe-stream": "hold"})
    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_stream_cut")


async def test_a_continued_stream_is_one_answer(tmp_path: Path):
    first, second = FakeOpenAI(Sends(words("Había ", "una "), then="cut")), FakeOpenAI(Says([" vez", " un rey"]))
    async with two(tmp_path, first, second) as stage:
        answer = await stage.generate(model="main", stream=True, headers={"x-safe-stream": "continue"})
        calls = await stage.observed()
    assert text_of(answer.content) == "Había una vez un rey"
    *_, tail, done = events(answer.content)
    assert done == "[DONE]"
    assert (tail["model"], tail["provider"], tail["fallback_from"]) == ("spare", "second", "main")
    assert answer.headers["x-provider"] == "first", "who began is known when the headers are sent"
    assert second.calls[0].body["messages"][-1] == {"role": "assistant", "content": "Había una"}
    [call] = calls
    assert (call.status, call.model, call.fallback_from, call.cost_source) == ("ok", "spare", "main", "estimated")
    assert call.usage and call.usage.estimated and call.usage.completion_tokens == 3 + 4
    prompt = call.usage.prompt_tokens - 9
    assert float(call.cost_usd or 0) == pytest.approx((prompt * 1 + 3 * 10 + 9 * 2 + 4 * 20) / 1e6)
    assert tail["usage"]["completion_tokens"] == 7


async def test_a_continued_stream_is_not_kept(tmp_path: Path):
    first = FakeOpenAI(Sends(words("uno "), then="cut"), Says("entero"))
    async with two(tmp_path, first, FakeOpenAI(Says("dos"))) as stage:
        await stage.chat(model="main", stream=True, headers={"x-safe-stream": "continue"})
        assert (await stage.chat(model="main")).headers["x-cache"] == "miss"


async def test_by_default_a_broken_stream_says_that_it_broke(tmp_path: Path):
    async with two(tmp_path, FakeOpenAI(Sends(words("uno "), then="cut")), FakeOpenAI()) as stage:
        answer = await stage.chat(model="main", stream=True)
    assert events(answer.content)[-1]["error"]["code"] == "upstream_stream_cut"


async def test_safe_and_unsafe_streams_are_not_shared(tmp_path: Path):
    hold = asyncio.Event()
    first = FakeOpenAI(Says("a", hold=hold), Says("a", hold=hold))
    async with two(tmp_path, first, FakeOpenAI()) as stage:
        asking = [
            asyncio.create_task(stage.chat(model="alone", stream=True, headers=headers))
            for headers in ({}, {"x-safe-stream": "hold"})
        ]
        await first.call(1)
        hold.set()
        assert [answer.headers["x-cache"] for answer in await asyncio.gather(*asking)] == ["miss", "miss"]


# --- for operators ---


async def test_a_call_that_failed_thrice_is_one_failure_and_costs_nothing(tmp_path: Path):
    first = FakeOpenAI(Fails(500), Fails(500), Fails(500))
    async with two(tmp_path, first, FakeOpenAI(), UPSTREAM_RETRIES="2") as stage:
        assert (await stage.chat(model="alone")).status_code == 503
        metrics = (await stage.http.get("/metrics")).json()
        exposition = (await stage.http.get("/metrics?format=prometheus")).text
    assert (metrics["total_requests"], metrics["errors_by_code"]) == (1, {"upstream_unavailable": 1})
    assert (metrics["total_tokens"], metrics["total_cost_usd"]) == (0, 0)
    assert 'mcp_errors_total{provider="first",type="upstream_unavailable"} 1.0' in exposition


async def test_a_cool_down_survives_a_reload_and_new_stand_ins_count_at_once(tmp_path: Path):
    first, second = FakeOpenAI(Fails(429, retry_after="30")), FakeOpenAI(Says("aquí"))
    async with two(tmp_path, first, second) as stage:
        assert (await stage.chat(model="alone")).status_code == 429
        path = tmp_path / "catalog.yaml"
        good = path.read_text()
        path.write_text(good.replace("name: alone,", "name: alone, fallbacks: [nobody],"))
        assert stage.parts.holder.check() is False
        assert "there is no model 'nobody'" in (await stage.http.get("/health")).json()["catalog"]["error"]
        assert (await stage.chat(model="alone")).status_code == 429, "the old one is kept"
        path.write_text(good.replace("name: alone,", "name: alone, fallbacks: [long],"))
        assert stage.parts.holder.check() is True
        answer = await stage.chat(model="alone")
        health = (await stage.http.get("/health")).json()["providers"]["first"]
    assert (answer.json()["model"], answer.headers["x-fallback-from"]) == ("long", "alone")
    assert health["circuit"] == "open" and health["deployments"][0]["cooling"] and len(first.calls) == 1
