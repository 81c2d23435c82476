"""Oddities of Anthropic, Gemini and Bedrock through the running gateway, plain and streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
import pytest
from fake_providers import Behavior, FakeProvider, Sends
from fake_providers.anthropic import FakeAnthropic
from fake_providers.bedrock import FakeBedrock
from fake_providers.bedrock.frames import CONTENT_TYPE, event
from fake_providers.gemini import FakeGemini
from service_kit.testing import running

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import Stage, error_of, gateway

Name = Literal["anthropic", "gemini", "bedrock"]
NAMES: tuple[Name, ...] = ("anthropic", "gemini", "bedrock")
KEY = "k-test-0123456789"
AWS = {"AWS_ACCESS_KEY_ID": "AKIDRIGHT", "AWS_SECRET_ACCESS_KEY": "right", "AWS_REGION": "eu-west-1"}


@asynccontextmanager
async def staged(name: Name, *script: Behavior, **more: str) -> AsyncIterator[Stage]:
    """A gateway whose `name` plays the script, at any model."""
    fakes: dict[Name, FakeProvider] = {
        "anthropic": FakeAnthropic(*script), "gemini": FakeGemini(*script), "bedrock": FakeBedrock(*script),
    }  # fmt: skip
    fake = fakes[name]
    async with running(fake) as url:
        environ: dict[Name, dict[str, str]] = {
            "anthropic": {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url},
            "gemini": {"GOOGLE_API_KEY": KEY, "GOOGLE_BASE_URL": url},
            "bedrock": {**AWS, "BEDROCK_BASE_URL": url},
        }
        async with gateway(**{**environ[name], "CACHE_ENABLED": "false", **more}) as stage:
            yield stage
    fake.check()


MODELS: dict[Name, str] = {"anthropic": "claude-opus-5", "gemini": "gemini-pro", "bedrock": "bedrock-nova-pro"}


def sse(*bodies: Any) -> bytes:
    return b"".join(b"data: " + (b if isinstance(b, bytes) else msgspec.json.encode(b)) + b"\n\n" for b in bodies)


def whole(name: Name, usage: Any, **odd: Any) -> bytes:
    """A plain answer that says `Hola`."""
    bodies: dict[Name, Any] = {
        "anthropic": {
            "type": "message", "content": [{"type": "text", "text": "Hola"}], "stop_reason": "end_turn", "usage": usage,
        },
        "gemini": {
            "candidates": [{"content": {"parts": [{"text": "Hola"}]}, "finishReason": "STOP"}], "usageMetadata": usage,
        },
        "bedrock": {"output": {"message": {"content": [{"text": "Hola"}]}}, "stopReason": "end_turn", "usage": usage},
    }  # fmt: skip
    return msgspec.json.encode({**bodies[name], **odd})


def stream(name: Name, usage: Any, behind: bytes = b"") -> Sends:
    """A stream that says `Hola`, with something behind its end in the same piece."""
    if name == "anthropic":
        body = sse(
            {"type": "message_start", "message": {"content": [], "usage": usage}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hola"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
            {"type": "message_stop"},
        )
    elif name == "gemini":
        body = sse(msgspec.json.decode(whole(name, usage)))
    else:
        body = (
            event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hola"}})
            + event("messageStop", {"stopReason": "end_turn"})
            + event("metadata", {"usage": usage})
        )
    return Sends([body + behind], CONTENT_TYPE if name == "bedrock" else "text/event-stream")


async def hears(stage: Stage, name: Name, *, streamed: bool) -> None:
    """The answer arrives whole."""
    answer = await stage.chat(model=MODELS[name], stream=streamed)
    assert answer.status_code == 200, answer.text
    if not streamed:
        assert answer.json()["choices"][0]["message"]["content"] == "Hola"
        return
    *chunks, end = events(answer.content)
    assert end == "[DONE]", answer.text
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]) == "Hola"


COUNTS = ("input_tokens", "promptTokenCount", "inputTokens")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("usage", [[], "x", dict.fromkeys(COUNTS, -1), dict.fromkeys(COUNTS, "9")], ids=str)
async def test_usage_costs_no_answer(name: Name, usage: Any, streamed: bool):
    behavior = stream(name, usage) if streamed else Sends([whole(name, usage)], "application/json")
    async with staged(name, behavior) as stage:
        await hears(stage, name, streamed=streamed)
        [call] = await stage.observed()
    assert call.usage is not None and call.usage.estimated and call.usage.prompt_tokens > 0
    assert call.cost_source == "estimated"


@pytest.mark.parametrize("name", NAMES)
async def test_odd_fields_cost_no_answer(name: Name):
    odd = {"id": 7, "model": [], "responseId": 7, "modelVersion": {}, "error": None, "metrics": "x", "new": [1]}
    async with staged(name, Sends([b"\xef\xbb\xbf" + whole(name, None, **odd)], "application/json")) as stage:
        await hears(stage, name, streamed=False)


BEHIND: dict[Name, list[bytes]] = {
    "anthropic": [sse(b"garbage"), sse({"type": "error", "error": {"type": "api_error"}})],
    "gemini": [sse(b"garbage"), sse({"error": {"code": 500, "status": "INTERNAL"}})],
    "bedrock": [b"garbage" * 9, event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "fantasma"}})],
}


@pytest.mark.parametrize(("name", "behind"), [(name, behind) for name in NAMES for behind in BEHIND[name]])
async def test_behind_the_end_nothing_counts(name: Name, behind: bytes):
    async with staged(name, stream(name, dict.fromkeys(COUNTS, 9), behind)) as stage:
        await hears(stage, name, streamed=True)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("anthropic", {"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}),
        ("gemini", {"error": {"status": "RESOURCE_EXHAUSTED", "message": "x"}}),
        ("bedrock", {"__type": "com.amazon#ThrottlingException", "message": "x"}),
    ],
)
async def test_an_error_with_status_200_is_read(name: Name, error: Any, streamed: bool):
    async with staged(name, Sends([msgspec.json.encode(error)], "application/json")) as stage:
        answer = await stage.chat(model=MODELS[name], stream=streamed)
    assert (answer.status_code, error_of(answer)["code"]) == (429, "upstream_rate_limited")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [204, 302, 304])
@pytest.mark.parametrize("name", NAMES)
async def test_a_status_that_promises_no_answer_is_the_providers_fault(name: Name, status: int, streamed: bool):
    async with staged(name, Sends([], "text/plain", status)) as stage:
        answer = await stage.chat(model=MODELS[name], stream=streamed)
    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_protocol_error")


def _ghost(name: Name) -> bytes:
    if name == "anthropic":
        return sse(
            {"type": "content_block_start", "index": 7, "content_block": {"type": "text", "text": " fantasma"}},
            {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": " fantasma"}},
        )
    if name == "gemini":
        return sse({"candidates": [{"content": {"parts": [{"text": " fantasma"}]}, "finishReason": "STOP"}]})
    return event("contentBlockDelta", {"contentBlockIndex": 7, "delta": {"text": " fantasma"}})


def _stopped(name: Name) -> bytes:
    """A stream up to and with its stop reason, without its end."""
    if name == "anthropic":
        return sse(
            {"type": "message_start", "message": {"content": []}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hola"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        )
    if name == "gemini":
        return sse(msgspec.json.decode(whole("gemini", None)))
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hola"}}) + event(
        "messageStop", {"stopReason": "end_turn"}
    )


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("name", NAMES)
async def test_text_behind_the_stop_reason_does_not_count(name: Name, apart: bool):
    said, ghost = _stopped(name), _ghost(name)
    sent: list[Any] = [said, 0.05, ghost] if apart else [said + ghost]
    kind = CONTENT_TYPE if name == "bedrock" else "text/event-stream"
    async with staged(name, Sends(sent, kind)) as stage:
        await hears(stage, name, streamed=True)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("anthropic", {"error": {"type": "rate_limit_error"}}),
        ("anthropic", {"error": {"code": 429, "message": "m"}}),
        ("anthropic", {"type": "rate_limit_error", "message": "m"}),
        ("gemini", [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]),
        ("gemini", {"error": {"code": 429.0}}),
        ("bedrock", {"Output": {"__type": "com.amazon.coral.service#ThrottlingException"}}),
    ],
    ids=str,
)
async def test_an_error_in_another_form_is_that_error(name: Name, told: Any, streamed: bool):
    in_events = streamed and name != "bedrock"
    behavior = Sends([sse(told)]) if in_events else Sends([msgspec.json.encode(told)], "application/json")
    async with staged(name, behavior) as stage:
        answer = await stage.chat(model=MODELS[name], stream=streamed)
    assert (answer.status_code, error_of(answer)["code"]) == (429, "upstream_rate_limited")


NO_ANSWER: dict[Name, list[Any]] = {
    "anthropic": [{}, {"type": "ping"}, {"type": "message_stop"}],
    "gemini": [{}, {"usageMetadata": {"promptTokenCount": 9}}, {"candidates": []}, {"responseId": "x"}],
}


@pytest.mark.parametrize(("name", "said"), [(name, said) for name, all_ in NO_ANSWER.items() for said in all_], ids=str)
async def test_a_stream_without_an_answer_is_not_asked_for_again_at_the_same_deployment(name: Name, said: Any):
    async with staged(name, Sends([sse(said, said)]), UPSTREAM_RETRIES="2") as stage:
        answer = await stage.chat(model=MODELS[name], stream=True)
        [call] = await stage.observed()
    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_protocol_error")
    assert len(call.attempts) == 1
