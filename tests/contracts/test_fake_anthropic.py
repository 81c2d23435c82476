"""The fake provider speaks Anthropic's wire format: Anthropic's own client, pointed straight at it, is content."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam
from fake_providers import Sends, Silent
from fake_providers.anthropic import Counts, Endless, Fails, FakeAnthropic, Says
from service_kit.testing import running

QUESTION: list[MessageParam] = [{"role": "user", "content": "Hola"}]
MODEL = "claude-haiku-4-5"
TOOL: ToolParam = {"name": "add", "description": "Adds", "input_schema": {"type": "object", "properties": {}}}
CALLS = [("toolu_1", "add", '{"a": 1, "b": 2}'), ("toolu_2", "add", '{"a": 3, "b": 4}')]


@asynccontextmanager
async def client_of(fake: FakeAnthropic, **options: Any) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with (
        running(fake) as url,
        anthropic.AsyncAnthropic(base_url=url, **{"api_key": "sk-ant", "max_retries": 0, **options}) as client,
    ):
        yield client


async def test_plain_answer():
    fake = FakeAnthropic(Says("¡Hola!"))
    async with client_of(fake) as client:
        answer = await client.messages.create(model=MODEL, max_tokens=100, messages=QUESTION, system="Sé breve")
    assert [(block.type, getattr(block, "text", None)) for block in answer.content] == [("text", "¡Hola!")]
    assert answer.stop_reason == "end_turn" and answer.stop_sequence is None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (9, 4)
    assert answer._request_id == "req_011FakeFakeFakeFakeFakeFa"
    body = {"model": MODEL, "max_tokens": 100, "messages": QUESTION, "system": "Sé breve"}
    assert fake.calls[0].body == body
    fake.check()


async def test_stream_helper():
    fake = FakeAnthropic(Says(["¡Ho", "la!"], usage={"input_tokens": 9, "output_tokens": 12}))
    async with (
        client_of(fake) as client,
        client.messages.stream(model=MODEL, max_tokens=100, messages=QUESTION) as stream,
    ):
        pieces = [piece async for piece in stream.text_stream]
        whole = await stream.get_final_message()
    assert pieces == ["¡Ho", "la!"]
    assert whole.stop_reason == "end_turn" and (whole.usage.input_tokens, whole.usage.output_tokens) == (9, 12)


async def test_events_come_in_order_with_a_ping():
    async with client_of(FakeAnthropic(Sends([]), Says("x"))) as client:
        empty = await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION, stream=True)
        assert [event async for event in empty] == []
        stream = await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION, stream=True)
        kinds = [event.type async for event in stream]
    assert kinds == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
    ]  # fmt: skip


@pytest.mark.parametrize("calls", [CALLS[:1], CALLS, [("toolu_0", "add", "{}")]], ids=["one", "parallel", "empty"])
async def test_tool_calls_plain_and_streamed(calls: list[tuple[str, str, str]]):
    async with client_of(FakeAnthropic(always=Says("Voy", calls=calls))) as client:
        asked: Any = {"model": MODEL, "max_tokens": 100, "messages": QUESTION, "tools": [TOOL]}
        plain = await client.messages.create(**asked)
        async with client.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
    for answer in (plain, streamed):
        assert answer.stop_reason == "tool_use"
        uses = [block for block in answer.content if block.type == "tool_use"]
        assert [(use.id, use.name) for use in uses] == [(id_, name) for id_, name, _ in calls]
        assert [use.input for use in uses] == [json.loads(arguments) for _, _, arguments in calls]


async def test_thinking_plain_and_streamed():
    says = Says("42", thinking=("Veamos…", "c2ln"), redacted="ZW5j")
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    async with client_of(FakeAnthropic(always=says)) as client:
        asked: Any = {"model": MODEL, "max_tokens": 2000, "messages": QUESTION, "thinking": thinking}
        plain = await client.messages.create(**asked)
        async with client.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
    for answer in (plain, streamed):
        thought, encrypted, text = answer.content
        assert thought.type == "thinking" and (thought.thinking, thought.signature) == ("Veamos…", "c2ln")
        assert encrypted.type == "redacted_thinking" and encrypted.data == "ZW5j"
        assert text.type == "text" and text.text == "42"


async def test_usage_with_cached_tokens():
    usage = {
        "input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5},
        "output_tokens_details": {"thinking_tokens": 2},
    }  # fmt: skip
    async with client_of(FakeAnthropic(always=Says("x", usage=usage))) as client:
        plain = await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION)
        async with client.messages.stream(model=MODEL, max_tokens=9, messages=QUESTION) as stream:
            streamed = await stream.get_final_message()
    for answer in (plain, streamed):
        told = answer.usage
        assert (told.cache_read_input_tokens, told.cache_creation_input_tokens) == (100, 20)
        assert told.output_tokens_details and told.output_tokens_details.thinking_tokens == 2
        assert told.cache_creation and told.cache_creation.ephemeral_1h_input_tokens == 5


async def test_structured_output():
    form: Any = {"format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}}
    fake = FakeAnthropic(Says("{}"))
    async with client_of(fake) as client:
        await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION, output_config=form)
    assert fake.calls[0].body["output_config"] == form


async def test_counting():
    fake = FakeAnthropic(Counts(17))
    async with client_of(fake) as client:
        counted = await client.messages.count_tokens(model=MODEL, messages=QUESTION)
    assert counted.input_tokens == 17 and fake.calls[0].path == "/v1/messages/count_tokens"


# --- errors ---


@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (404, "not_found_error", anthropic.NotFoundError),
        (413, "request_too_large", anthropic.APIStatusError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (529, "overloaded_error", anthropic.InternalServerError),
    ],
)
async def test_errors(status: int, kind: str, raised: type[anthropic.APIStatusError]):
    async with client_of(FakeAnthropic(Fails(status, retry_after="7"))) as client:
        with pytest.raises(raised) as failure:
            await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION)
    assert failure.value.status_code == status and failure.value.type == kind
    assert failure.value.request_id == "req_011FakeFakeFakeFakeFakeFa"
    assert failure.value.response.headers["retry-after"] == "7"


async def test_an_error_in_a_stream():
    async with client_of(FakeAnthropic(Says("Ho", breaks="overloaded_error"))) as client:
        with pytest.raises(anthropic.APIStatusError) as failure:
            async with client.messages.stream(model=MODEL, max_tokens=9, messages=QUESTION) as stream:
                await stream.get_final_message()
    assert failure.value.type == "overloaded_error"


async def test_keys():
    fake = FakeAnthropic(always=Says("x"), keys=["sk-ant"])
    async with client_of(fake) as client:
        await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION)
        with pytest.raises(anthropic.AuthenticationError):
            await client.with_options(api_key="wrong").messages.create(model=MODEL, max_tokens=9, messages=QUESTION)


RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "3"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
FORCED = {"tools": [TOOL], "tool_choice": {"type": "any"}}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"extra_body": {"store": True}}, "store: Extra inputs are not permitted"),
    "temperature, which this version lacks": ({"extra_body": {"temperature": 0.5}}, "temperature"),
    "no answer's length": ({"max_tokens": 0}, "max_tokens"),
    "an empty message": ({"messages": [{"role": "user", "content": ""}]}, "non-empty content"),
    "an empty text": ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "non-empty"),
    "a blank text": ({"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}, "whitespace"),
    "a strange role": ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
    "a call without result": ({"messages": [*QUESTION, {"role": "assistant", "content": [USE]}, *QUESTION]}, "toolu_1"),
    "a result without call": ({"messages": [{"role": "user", "content": [RESULT]}]}, "unexpected `tool_use_id`"),
    "a result behind text": (
        {
            "messages": [
                *QUESTION,
                {"role": "assistant", "content": [USE]},
                {"role": "user", "content": [{"type": "text", "text": "x"}, RESULT]},
            ]
        },
        "must come before",
    ),
    "a choice without tools": ({"tool_choice": {"type": "auto"}}, "tool_choice"),
    "an unknown tool": ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}, "not found"),
    "a tool's name with a dot": ({"tools": [{**TOOL, "name": "a.b"}]}, "tools.0"),
    "two tools of a name": ({"tools": [TOOL, TOOL]}, "unique"),
    "force while thinking": ({**FORCED, **THINKING}, "Thinking may not be enabled"),
    "a small budget": ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "greater than or equal to 1024"),
    "a budget over the limit": ({**THINKING, "max_tokens": 1024}, "must be greater than `thinking.budget_tokens`"),
    "no URL": (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "ftp://x"}}]}]},
        "Only HTTP",
    ),
}


@pytest.mark.parametrize(("asked", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_anthropic_would_not_take(asked: dict[str, Any], words: str):
    fake = FakeAnthropic(Says("never"))
    async with client_of(fake) as client:
        with pytest.raises(anthropic.BadRequestError, match=words):
            await client.messages.create(**{"model": MODEL, "max_tokens": 9, "messages": QUESTION, **asked})
    with pytest.raises(AssertionError, match="mistakes"):
        fake.check()


async def test_silence_and_leaving():
    fake = FakeAnthropic(Silent(), Endless(pause=0.01))
    async with client_of(fake, timeout=0.2) as client:
        with pytest.raises(anthropic.APITimeoutError):
            await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION)
        stream = await client.messages.create(model=MODEL, max_tokens=9, messages=QUESTION, stream=True)
        async for event in stream:
            if event.type == "content_block_delta":
                break
        await stream.close()
        await asyncio.wait_for(fake.calls[1].left.wait(), 5)
