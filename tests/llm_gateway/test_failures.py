"""What a client sees of a provider that fails: a clear error, in time, and nothing of the provider's own words."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest
from fake_providers import Behavior, Endless, Fails, FakeOpenAI, Says, Sends, Silent
from service_kit.testing import running

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import KEY, error_of, gateway, staged

SECRET = "internal-host-7.corp: " + KEY


def chunk(**delta: object) -> bytes:
    body = {"id": "x", "object": "chat.completion.chunk", "model": "gpt-4o", "choices": [{"index": 0, **delta}]}
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


HELLO = chunk(delta={"role": "assistant", "content": "Ho"}, finish_reason=None)
END = chunk(delta={}, finish_reason="stop")

FAILURES = [
    pytest.param(Fails(401, "invalid_api_key", SECRET), 502, "upstream_credentials", id="401"),
    pytest.param(Fails(403, None, SECRET), 502, "upstream_credentials", id="403"),
    pytest.param(Fails(404, "model_not_found", SECRET), 404, "upstream_model_not_found", id="404"),
    pytest.param(Fails(429, "rate_limit_exceeded", SECRET, retry_after="7"), 429, "upstream_rate_limited", id="429"),
    pytest.param(Fails(429, "insufficient_quota", SECRET), 429, "insufficient_quota", id="quota"),
    pytest.param(Fails(500, None, SECRET), 503, "upstream_unavailable", id="500"),
    pytest.param(Fails(503, None, SECRET, retry_after="3"), 503, "upstream_unavailable", id="503"),
    pytest.param(Fails(408, None, SECRET), 504, "upstream_timeout", id="408"),
    pytest.param(Fails(400, None, SECRET, param="temperature"), 400, "upstream_rejected", id="400"),
    pytest.param(Fails(400, "context_length_exceeded", SECRET), 400, "context_length_exceeded", id="context"),
    pytest.param(Fails(400, "content_filter", SECRET), 400, "content_policy_violation", id="policy"),
    pytest.param(Fails(302, headers={"location": "http://x.test/"}), 502, "upstream_protocol_error", id="redirect"),
    pytest.param(Sends([], "text/plain", 204), 502, "upstream_protocol_error", id="204"),
    pytest.param(Sends([], "text/plain", 304), 502, "upstream_protocol_error", id="304"),
    pytest.param(Fails(405, None, SECRET), 502, "upstream_protocol_error", id="405"),
    pytest.param(Fails(409, None, SECRET), 503, "upstream_unavailable", id="409"),
    pytest.param(Fails(425, None, SECRET), 503, "upstream_unavailable", id="425"),
    pytest.param(Sends([SECRET.encode()], "text/plain", 500), 503, "upstream_unavailable", id="500 text"),
    pytest.param(Sends([SECRET.encode()], "text/html"), 502, "upstream_protocol_error", id="garbage"),
    pytest.param(Sends([b"{}"], "application/json"), 502, "upstream_protocol_error", id="empty object"),
    pytest.param(Sends([b""], "application/json"), 502, "upstream_protocol_error", id="nothing"),
    pytest.param(
        Sends([b'{"error": {"message": "' + SECRET.encode() + b'", "code": 429}}'], "application/json"),
        429, "upstream_rate_limited", id="an error that came as 200",
    ),
    pytest.param(
        Sends([b'{"choices": [', b"1"], "application/json", then="cut"), 502, "upstream_stream_cut", id="cut",
    ),
    pytest.param(
        Sends([b'{"error":' + b"[" * 100_000], "application/json"), 502, "upstream_protocol_error", id="too deep",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("behavior", "status", "code"), FAILURES)
async def test_a_failure_is_translated_and_tells_nothing(behavior: Behavior, status: int, code: str):
    async with staged(FakeOpenAI(behavior)) as stage:
        answer = await stage.chat()
        calls = await stage.observed()
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert "corp" not in answer.text and KEY not in answer.text
    assert (calls[0].status, calls[0].http_status, calls[0].error_code) == ("error", status, code)
    assert calls[0].provider == "openai"


@pytest.mark.parametrize(("behavior", "status", "code"), [f for f in FAILURES if f.id not in ("nothing",)])
async def test_a_stream_that_fails_before_it_begins_has_a_status(behavior: Behavior, status: int, code: str):
    async with staged(FakeOpenAI(behavior)) as stage:
        answer = await stage.chat(stream=True)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert "corp" not in answer.text and KEY not in answer.text


@pytest.mark.parametrize(
    ("behavior", "message"),
    [
        (Fails(401), "openai refused OPENAI_API_KEY, the gateway's credential."),
        (Fails(429), "openai's rate limit is reached."),
        (Fails(429, "insufficient_quota"), "openai's quota is used up."),
        (Fails(500), "openai is not available at OPENAI_BASE_URL."),
        (Fails(404, "model_not_found"), "openai does not have this model."),
        (Sends([b"{}"], "application/json"), "openai's answer could not be understood."),
    ],
    ids=lambda value: "" if isinstance(value, str) else repr(value)[:40],
)
async def test_an_error_names_the_provider_and_the_variable_to_mend(behavior: Behavior, message: str):
    async with staged(FakeOpenAI(behavior)) as stage:
        assert error_of(await stage.chat())["message"] == message


async def test_so_does_the_error_of_a_stream():
    async with staged(FakeOpenAI(Fails(401))) as stage:
        refused = await stage.chat(stream=True)
    assert error_of(refused)["message"] == "openai refused OPENAI_API_KEY, the gateway's credential."


async def test_a_provider_that_is_not_there_is_named_with_its_address_variable():
    async with gateway(OPENAI_API_KEY=KEY, OPENAI_BASE_URL="http://127.0.0.1:9/v1") as stage:
        away = await stage.chat()
    assert error_of(away)["message"] == "openai is not available at OPENAI_BASE_URL."


@pytest.mark.parametrize("surface", ["chat", "generate"])
async def test_retry_after_is_passed_on(surface: str):
    fake = FakeOpenAI(Fails(429, retry_after="7"), Fails(429, headers={"retry-after-ms": "1200"}))
    async with staged(fake, CACHE_ENABLED="false") as stage:
        first = await getattr(stage, surface)()
        other = await getattr(stage, surface)(model="openai/gpt-4o-mini")
        again = await getattr(stage, surface)()
    assert first.headers["retry-after"] == "7"
    assert other.headers["retry-after"] == "2"
    assert (again.status_code, again.headers["retry-after"]) == (429, "7"), "it is not asked before it wants to be"


@pytest.mark.parametrize("value", ["inf", "nan", "-5", "1e999", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
async def test_a_retry_after_that_means_nothing_is_replaced(value: str):
    async with staged(FakeOpenAI(Fails(429, retry_after=value))) as stage:
        answer = await stage.chat()
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 86_400


@pytest.mark.parametrize("code", ["context_length_exceeded", "string_above_max_length"])
async def test_a_rejections_parameter_is_passed_on(code: str):
    async with staged(FakeOpenAI(Fails(400, code, SECRET, param="messages"))) as stage:
        error = error_of(await stage.chat())
    assert (error["code"], error["param"], error["type"]) == (
        "context_length_exceeded", "messages", "invalid_request_error",
    )  # fmt: skip


# --- in time ---


@pytest.mark.parametrize("stream", [False, True])
async def test_silence_ends_at_the_deadline(stream: bool):
    fake = FakeOpenAI(Silent())
    async with staged(fake, UPSTREAM_FIRST_TOKEN_TIMEOUT="0.2", UPSTREAM_TOTAL_TIMEOUT="0.3") as stage:
        before = time.perf_counter()
        answer = await stage.chat(stream=stream)
        assert time.perf_counter() - before < 3
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)
    assert (answer.status_code, error_of(answer)["code"]) == (504, "upstream_timeout")


async def test_headers_alone_are_no_first_token():
    fake = FakeOpenAI(Sends([b": ping\n\n", chunk(delta={"role": "assistant", "content": ""})], then="silence"))
    async with staged(fake, UPSTREAM_FIRST_TOKEN_TIMEOUT="0.2") as stage:
        answer = await stage.chat(stream=True)
    assert (answer.status_code, error_of(answer)["code"]) == (504, "upstream_timeout")


async def test_silence_in_the_middle_ends_at_the_idle_deadline():
    fake = FakeOpenAI(Sends([HELLO], then="silence"))
    async with staged(fake, UPSTREAM_IDLE_TIMEOUT="0.3") as stage:  # the first token may take a minute
        before = time.perf_counter()
        answer = await stage.chat(stream=True)
        assert time.perf_counter() - before < 5
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)
    *_, last = events(answer.content)
    assert last["error"]["code"] == "upstream_timeout"


async def test_a_stream_that_drips_ends_at_the_total_deadline():
    fake = FakeOpenAI(Endless(pause=0.02))
    async with staged(fake, UPSTREAM_TOTAL_TIMEOUT="0.4") as stage:
        before = time.perf_counter()
        answer = await stage.chat(stream=True)
        assert 0.3 < time.perf_counter() - before < 4
    *said, last = events(answer.content)
    assert len(said) > 3 and last["error"]["code"] == "upstream_timeout"


async def test_an_endless_stream_is_bounded_in_size():
    fake = FakeOpenAI(Endless("a" * 1000))
    async with staged(fake, UPSTREAM_MAX_BYTES="100000") as stage:
        answer = await stage.chat(stream=True)
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)
    *_, last = events(answer.content)
    assert last["error"]["code"] == "upstream_protocol_error"
    assert len(answer.content) < 200_000


async def test_an_endless_plain_answer_is_bounded_in_size():
    fake = FakeOpenAI(Sends([b"[" + b" " * 50_000] * 10, "application/json"))
    async with staged(fake, UPSTREAM_MAX_BYTES="100000") as stage:
        answer = await stage.chat()
    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_protocol_error")


# --- streams that break off ---


@pytest.mark.parametrize("surface", ["chat", "generate"])
@pytest.mark.parametrize(
    ("pieces", "then", "code"),
    [
        ([HELLO], "cut", "upstream_stream_cut"),
        ([HELLO], "end", "upstream_stream_cut"),
        ([HELLO, 0.1, b"data: {oops\n\n"], "end", "upstream_protocol_error"),
        ([HELLO, 0.1, b'data: {"error": {"message": "x", "code": 500}}\n\n'], "end", "upstream_unavailable"),
        ([HELLO, b'data: {"choices": [{"in'], "cut", "upstream_stream_cut"),
    ],
    ids=["cut", "no finish reason", "garbage", "error event", "cut in an event"],
)
async def test_a_broken_stream_ends_with_an_error_and_no_done(surface: str, pieces: list[bytes], then: str, code: str):
    async with staged(FakeOpenAI(Sends(pieces, then=then))) as stage:  # type: ignore[arg-type]
        answer = await getattr(stage, surface)(stream=True)
        calls = await stage.observed()
    assert answer.status_code == 200
    *said, last = events(answer.content)
    assert "Ho" in msgspec.json.encode(said).decode() and "[DONE]" not in said
    assert last["error"]["code"] == code
    assert last["error"]["request_id"] == answer.headers["x-request-id"]
    assert (calls[0].status, calls[0].error_code) == ("error", code)
    usage = calls[0].usage
    assert usage is not None and usage.estimated and usage.completion_tokens == 1 and calls[0].cost_usd


@pytest.mark.parametrize("surface", ["chat", "generate"])
@pytest.mark.parametrize("then", ["end", "silence", "cut"])
async def test_a_missing_done_ends_promptly(surface: str, then: str):
    fake = FakeOpenAI(Sends([HELLO, END], then=then))  # type: ignore[arg-type]
    async with staged(fake, UPSTREAM_IDLE_TIMEOUT="30") as stage:
        before = time.perf_counter()
        answer = await getattr(stage, surface)(stream=True)
        assert time.perf_counter() - before < 5
    assert events(answer.content)[-1] == "[DONE]"


# --- refused, and back again ---


async def test_a_provider_that_is_away_and_comes_back_needs_no_restart():
    fake = FakeOpenAI(always=Says("ya estoy"))
    async with running(fake) as upstream:
        port = int(upstream.rpartition(":")[2])
    async with gateway(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=f"{upstream}/v1", CACHE_ENABLED="false") as stage:
        for _ in range(2):
            for stream in (False, True):
                refused = await stage.chat(stream=stream)
                assert (refused.status_code, error_of(refused)["code"]) == (503, "upstream_unavailable")
                assert int(refused.headers["retry-after"]) >= 1
            async with running(fake, port=port):
                assert (await stage.chat()).status_code == 200
                assert events((await stage.chat(stream=True)).content)[-1] == "[DONE]"


async def test_many_failures_open_the_circuit_of_a_deployment():
    fake = FakeOpenAI(*[Fails(500)] * 5, Says("soy otro"))
    async with staged(fake, CACHE_ENABLED="false") as stage:
        for _ in range(5):
            assert (await stage.chat()).status_code == 503
        health = (await stage.http.get("/health")).json()
        assert (health["status"], health["providers"]["openai"]["circuit"]) == ("degraded", "open")
        [troubled] = health["providers"]["openai"]["deployments"]
        assert (troubled["id"], troubled["circuit"], troubled["cooling"]) == ("gpt-4o", "open", False)
        assert 10 < troubled["retry_in"] <= 15
        refused = await stage.chat()
        assert (refused.status_code, error_of(refused)["code"]) == (503, "upstream_circuit_open")
        assert 10 < int(refused.headers["retry-after"]) <= 15
        assert (await stage.chat(model="openai/gpt-4o-mini")).status_code == 200, (
            "another model there is another matter"
        )
