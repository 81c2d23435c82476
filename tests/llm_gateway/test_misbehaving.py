"""Providers that answer oddly: what the official client takes, a client of the gateway gets."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from fake_providers import Fails, FakeOpenAI, Says, Sends
from structlog.testing import capture_logs

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import Stage, error_of, staged

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def line(data: bytes | dict[str, Any]) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else msgspec.json.encode(data)) + b"\n\n"


def said(text: str, reason: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return line({"id": "x", "object": "chat.completion.chunk", "model": "gpt-4o", "choices": [choice], **fields})


END, DONE = said("", "stop"), line(b"[DONE]")


def text_of(content: bytes) -> str:
    chunks = [event for event in events(content) if isinstance(event, dict)]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", ()))


async def asked(stage: Stage, *, stream: bool) -> str:
    """The text of a good answer."""
    answer = await stage.chat(stream=stream)
    assert answer.status_code == 200, answer.text
    if not stream:
        return answer.json()["choices"][0]["message"]["content"]
    assert events(answer.content)[-1] == "[DONE]", answer.text
    return text_of(answer.content)


# --- odd answers ---

ODD = [
    b'"usage": []', b'"usage": {"prompt_tokens": "9"}', b'"usage": {"prompt_tokens": -1, "completion_tokens": 4}',
    b'"usage": {"prompt_tokens": NaN}', b'"usage": {"prompt_tokens": 9, "prompt_tokens_details": []}',
    b'"usage": {"prompt_tokens": %s}' % (b"9" * 5000), b'"usage": {"prompt_tokens": 1e999}', b'"usage": 7',
    b'"usage": {"prompt_tokens": " 9 ", "completion_tokens": true}', b'"usage": {"completion_tokens": 4}',
    b'"usage": {"prompt_tokens": 9, "cost": -0.5}', b'"usage": {"prompt_tokens": 1e30}', b'"id": 123', b'"id": {}',
    b'"model": 7', b'"x_groq": []', b'"service_tier": 5', b'"created": "now"', b'"error": null', b'"new": [NaN]',
    b'"model": "\\ud83d"', b'"id": "\\ude00"',
]  # fmt: skip
ODD_CHOICE = [
    b'"index": null', b'"index": "0"', b'"index": 0, "finish_reason": 1', b'"logprobs": {"content": [NaN]}',
    b'"logprobs": {"content": [{"token": "\\ud83d"}]}', b'"index": 0.0',
]  # fmt: skip
ODD_MESSAGE = [
    b'"refusal": false', b'"reasoning": {}', b'"reasoning_details": {}', b'"tool_calls": {}', b'"tool_calls": null',
    b'"tool_calls": [null]', b'"role": 7', b'"annotations": 7', b'"reasoning_content": []',
]  # fmt: skip


def plain(top: bytes, choice: bytes, message: bytes) -> bytes:
    return (
        b'{%s, "choices": [{%s, "message": {"role": "assistant", "content": "Hola", %s}, "finish_reason": "stop"}]}'
        % (top, choice, message)
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("top", "choice", "message"),
    [
        *((top, b'"index": 0', b'"role": "assistant"') for top in ODD),
        *((b'"id": "x"', choice, b'"role": "assistant"') for choice in ODD_CHOICE),
        *((b'"id": "x"', b'"index": 0', message) for message in ODD_MESSAGE),
    ],
)
async def test_an_odd_field_costs_no_answer(top: bytes, choice: bytes, message: bytes, stream: bool):
    body = plain(top, choice, message)
    if stream:
        body = line(body.replace(b'"message"', b'"delta"')) + DONE
    behavior = Sends([body], "text/event-stream" if stream else "application/json")
    async with staged(FakeOpenAI(behavior)) as stage:
        assert await asked(stage, stream=stream) == "Hola"
        [call] = await stage.observed()
    assert call.status == "ok" and call.usage is not None and call.usage.prompt_tokens >= 0
    assert call.cost_usd is not None and call.cost_usd >= 0


@pytest.mark.parametrize("sent", [b"\xef\xbb\xbf", b""])
async def test_a_byte_order_mark_is_passed_over(sent: bytes):
    whole = msgspec.json.encode({"choices": [{"message": {"content": "Hola"}, "finish_reason": "stop"}]})
    fake = FakeOpenAI(Sends([sent + whole], "application/json"), Sends([sent + said("Hola") + END + DONE]))
    async with staged(fake, CACHE_ENABLED="false") as stage:
        assert await asked(stage, stream=False) == "Hola"
        assert await asked(stage, stream=True) == "Hola"


async def test_content_that_is_a_number_is_text():
    whole = b'{"choices": [{"message": {"content": 42}, "finish_reason": null}]}'
    async with staged(FakeOpenAI(Sends([whole], "application/json"))) as stage:
        assert await asked(stage, stream=False) == "42"


@pytest.mark.parametrize("usage", [{"prompt_tokens": -1, "completion_tokens": -1}, {**USAGE, "cost": -0.5}])
async def test_impossible_figures_do_not_reach_the_client_or_the_metrics(usage: dict[str, Any]):
    fake = FakeOpenAI(*[Says("Hola", usage=usage)] * 2, Says("Hola"))
    async with staged(fake, CACHE_ENABLED="false") as stage:
        for _ in range(3):
            counted = (await stage.chat()).json()["usage"]
            assert counted["prompt_tokens"] > 0 and counted["total_tokens"] > 0
        calls = await stage.observed()
    assert len(calls) == 3 and all(call.cost_usd is not None and call.cost_usd >= 0 for call in calls)
    assert calls[0].cost_source == ("estimated" if usage["prompt_tokens"] < 0 else "computed")


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 9},
        {"prompt_tokens": 9, "completion_tokens": None},
        {"completion_tokens": 4},
        {"total_tokens": 13},
        {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"audio_tokens": 900}},
        {"prompt_tokens": 9, "completion_tokens": 4, "completion_tokens_details": {"audio_tokens": 5}},
    ],
    ids=str,
)
async def test_half_of_the_figures_is_an_estimate(usage: dict[str, Any]):
    whole = {"choices": [{"message": {"content": "Hola"}, "finish_reason": "stop"}], "usage": usage}
    async with staged(FakeOpenAI(Sends([msgspec.json.encode(whole)], "application/json"))) as stage:
        told = (await stage.chat()).json()["usage"]
        [call] = await stage.observed()
    assert told["completion_tokens"] > 0 and told["prompt_tokens_details"]["audio_tokens"] == 0
    assert call.cost_source == "estimated"


# --- errors that come as 200 ---


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("code", "status", "ours", "times"),
    [
        ("content_policy_violation", 400, "content_policy_violation", 1),
        ("context_length_exceeded", 400, "context_length_exceeded", 1),
        ("insufficient_quota", 429, "insufficient_quota", 1),
        ("invalid_api_key", 502, "upstream_credentials", 1),
        ("server_error", 503, "upstream_unavailable", 2),
    ],
)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain", "event"])
async def test_an_error_inside_a_200_is_that_error(
    code: str, status: int, ours: str, times: int, stream: bool, kind: str
):
    if not stream and kind != "application/json":
        pytest.skip("a plain answer is read whatever its type")
    error = {"error": {"message": "their words", "type": "invalid_request_error", "code": code}}
    sent = line(error) if kind == "event" else msgspec.json.encode(error)
    behavior = Sends([sent], "text/event-stream" if kind == "event" else kind)
    async with staged(FakeOpenAI(*[behavior] * times), UPSTREAM_RETRIES=str(times - 1)) as stage:
        answer = await stage.chat(stream=stream)
    assert (answer.status_code, error_of(answer)["code"]) == (status, ours) and "words" not in answer.text


SHAPES: list[Any] = [
    {"error": {"code": 429.0}}, {"error": {"message": "m", "status": 429}}, {"error": {"status_code": "429"}},
    {"code": "rate_limit_exceeded", "message": "m"}, {"status": 429, "message": "m"},
    {"type": "rate_limit_error", "message": "m"}, {"error": True, "code": 429, "message": "m"},
    {"error": [{"code": "rate_limit_exceeded"}]}, {"errors": [{"code": 429}, {"code": 401}]},
    {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}},
    {"__type": "com.amazon#ThrottlingException:http://x", "message": "m"}, [{"error": {"code": 429}}, {"error": {}}],
]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("told", SHAPES, ids=str)
async def test_an_error_is_read_in_the_form_in_which_other_servers_write_it(told: Any, stream: bool):
    behavior = Sends([line(told)]) if stream else Sends([msgspec.json.encode(told)], "application/json")
    async with staged(FakeOpenAI(behavior)) as stage:
        answer = await stage.chat(stream=stream)
    assert (answer.status_code, error_of(answer)["code"]) == (429, "upstream_rate_limited")


async def test_credentials_that_were_refused_name_provider_and_variable():
    async with staged(FakeOpenAI(Fails(401, "invalid_api_key"))) as stage:
        error = error_of(await stage.chat())
    assert error["message"] == "openai refused OPENAI_API_KEY, the gateway's credential."


@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream; charset=x"])
async def test_a_stream_of_a_general_type_is_one(kind: str):
    async with staged(FakeOpenAI(Sends([said("Hola"), END, DONE], kind))) as stage:
        assert await asked(stage, stream=True) == "Hola"


@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain", "text/html"])
async def test_a_page_is_no_stream(kind: str):
    async with staged(FakeOpenAI(Sends([b"<html>maintenance</html>"], kind))) as stage:
        answer = await stage.chat(stream=True)
    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_protocol_error")


# --- the end of a stream ---

GHOSTS = [said(" fantasma"), line(b"garbage"), line({"error": {"message": "x", "code": 500}})]


@pytest.mark.parametrize("ghost", GHOSTS, ids=["text", "garbage", "error"])
@pytest.mark.parametrize("end", [DONE, line(b"[DONE] "), b"data:[DONE]\n\n", b"data: [DONE]\r\n\r\n"])
async def test_behind_the_end_nothing_counts(ghost: bytes, end: bytes):
    together = said("Hola") + END + end + ghost
    apart = [said("Hola"), END, end, 0.02, ghost]
    async with staged(FakeOpenAI(Sends([together]), Sends(apart)), CACHE_ENABLED="false") as stage:
        assert await asked(stage, stream=True) == "Hola"
        assert await asked(stage, stream=True) == "Hola"


async def test_a_failure_behind_the_finish_reason_takes_nothing_back():
    async with staged(FakeOpenAI(Sends([said("Hola"), END, GHOSTS[1]]))) as stage:
        assert await asked(stage, stream=True) == "Hola"


async def test_text_behind_the_finish_reason_does_not_count():
    ghost = GHOSTS[0]
    fake = FakeOpenAI(Sends([said("Hola", "stop") + ghost + DONE]), Sends([said("Hola", "stop"), 0.05, ghost, DONE]))
    async with staged(fake, CACHE_ENABLED="false") as stage:
        assert await asked(stage, stream=True) == "Hola"
        assert await asked(stage, stream=True) == "Hola"


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello world\n\n",
        b": ping\n\n",
        b"event: ping\n\n",
        b"retry: 9\n\n",
        b"[DONE]",
        b"",
        DONE,
        DONE + DONE,
        line({}),
        line({}) * 9,
        line({"choices": []}),
    ],
)
async def test_a_stream_without_a_word_is_not_asked_for_again_at_the_same_deployment(garbage: bytes):
    async with staged(FakeOpenAI(Sends([garbage])), UPSTREAM_RETRIES="2") as stage:
        answer = await stage.chat(stream=True)
    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_protocol_error")


async def test_comments_behind_the_finish_reason_do_not_hold_the_answer_back():
    comments = [b": keep-alive\n\n", 0.1] * 100
    async with staged(FakeOpenAI(Sends([said("Hola"), END, *comments]))) as stage:
        before = time.perf_counter()
        assert await asked(stage, stream=True) == "Hola"
        assert time.perf_counter() - before < 4


async def test_an_end_mark_without_a_finish_reason_is_an_end_plain_and_streamed():
    whole = msgspec.json.encode({"choices": [{"message": {"content": "Hola"}, "finish_reason": None}]})
    fake = FakeOpenAI(Sends([said("Hola"), DONE]), Sends([whole], "application/json"))
    async with staged(fake, CACHE_ENABLED="false") as stage:
        assert await asked(stage, stream=True) == await asked(stage, stream=False) == "Hola"


# --- a break in mid-stream ---


@pytest.mark.parametrize("then", ["cut", "end", "silence"])
async def test_a_break_in_mid_stream_is_logged_counted_and_told(then: Any):
    code = "upstream_timeout" if then == "silence" else "upstream_stream_cut"
    breaks = 11  # each began with a word, so it takes half of at least twenty
    fake = FakeOpenAI(*[Sends([said("Ho"), 0.02], then=then)] * breaks)
    with capture_logs() as logs:
        async with staged(fake, CACHE_ENABLED="false", UPSTREAM_IDLE_TIMEOUT="0.1") as stage:
            for _ in range(breaks):
                *_, last = events((await stage.chat(stream=True)).content)
                assert last["error"]["code"] == code
            health = (await stage.http.get("/health")).json()
            calls = list(await stage.observed())
            refused = await stage.chat(stream=True)
    assert [call.error_code for call in calls] == [code] * breaks
    assert health["providers"]["openai"]["circuit"] == "open" and refused.status_code == 503
    failures = [entry for entry in logs if entry["event"] == "provider failed"]
    assert [(entry["provider"], entry["code"]) for entry in failures] == [("openai", code)] * breaks


# --- Retry-After ---


async def test_a_quota_that_is_used_up_is_not_worth_asking_again():
    async with staged(FakeOpenAI(Fails(429, "insufficient_quota"))) as stage:
        answer = await stage.chat()
    assert answer.headers["x-should-retry"] == "false" and "retry-after" not in answer.headers


@pytest.mark.parametrize("value", ["0", "-5", "soon", "nan", "1_0"])
async def test_no_time_to_wait_means_backoff(value: str):
    fake = FakeOpenAI(Fails(429, retry_after=value), Says("Hola"))
    async with staged(fake, UPSTREAM_RETRIES="1") as stage:
        before = time.perf_counter()
        assert await asked(stage, stream=False) == "Hola"
        assert time.perf_counter() - before >= 0.39


async def test_an_absurd_time_is_told_and_does_not_take_the_deployment_away_for_long():
    async with staged(FakeOpenAI(Fails(429, retry_after="1795000000"))) as stage:
        first = await stage.chat()
        second = await stage.chat()
    assert int(first.headers["retry-after"]) == 86_400
    assert second.status_code == 429 and 290 < int(second.headers["retry-after"]) <= 300


@pytest.mark.parametrize(("told", "asked_times"), [("false", 1), ("true", 2)])
async def test_the_providers_word_on_repeating_is_heeded(told: str, asked_times: int):
    fails = Fails(503, headers={"x-should-retry": told})
    fake = FakeOpenAI(*[fails] * asked_times)
    async with staged(fake, UPSTREAM_RETRIES="1") as stage:
        assert (await stage.chat()).status_code == 503
    assert len(fake.calls) == asked_times


async def test_a_date_without_date_is_measured_by_our_clock():
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
    async with staged(FakeOpenAI(Fails(429, retry_after=later))) as stage:
        answer = await stage.chat()
    assert 55 <= int(answer.headers["retry-after"]) <= 60
