"""Anthropic's own client against the gateway, over fakes of OpenAI and of Anthropic and over the embedded planner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import fake_providers as openai_wire
import pytest
from anthropic.types import Message, MessageParam, ToolParam
from fake_providers import FakeOpenAI, FakeProvider, Sends
from fake_providers import anthropic as wire
from fake_providers.anthropic import FakeAnthropic
from fake_providers.anthropic.behaviors import framed
from pydantic import BaseModel
from service_kit.testing import running

from tests.llm_gateway.harness import KEY, Stage, gateway

QUESTION: list[MessageParam] = [{"role": "user", "content": "Suma 4 y 6"}]
ADD: ToolParam = {
    "name": "add",
    "description": "Adds two numbers. Suma dos números.",
    "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
}
CALLS = [("toolu_1", "add", '{"a": 1, "b": 2}'), ("toolu_2", "add", '{"a": 3, "b": 4}')]
CLAUDE, GPT = "anthropic/claude-haiku-4-5", "gpt-4o"


@asynccontextmanager
async def over(fake: FakeProvider, **environ: str) -> AsyncIterator[Stage]:
    """A gateway whose OpenAI, or whose Anthropic, is `fake`."""
    async with running(fake) as upstream:
        name = "ANTHROPIC" if isinstance(fake, FakeAnthropic) else "OPENAI"
        address = upstream if isinstance(fake, FakeAnthropic) else f"{upstream}/v1"
        async with gateway(**{f"{name}_API_KEY": KEY, f"{name}_BASE_URL": address, **environ}) as stage:
            yield stage
    fake.check()


@asynccontextmanager
async def client_of(stage: Stage, **options: Any) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=stage.url, **{"api_key": "any", "max_retries": 0, **options}
    ) as client:
        yield client


async def ask(stage: Stage, *, streamed: bool, **asked: Any) -> Message:
    body = {"max_tokens": 1000, "messages": QUESTION, **asked}
    async with client_of(stage) as client:
        if not streamed:
            return await client.messages.create(**body)
        async with client.messages.stream(**body) as stream:
            return await stream.get_final_message()


def texts(answer: Message) -> str:
    return "".join(block.text for block in answer.content if block.type == "text")


EACH_WAY = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


# --- over three providers ---


@EACH_WAY
async def test_over_openai(streamed: bool):
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 90}}
    fake = FakeOpenAI(openai_wire.Says(["¡Ho", "la! 😀"], usage=usage))
    async with over(fake) as stage:
        answer = await ask(stage, streamed=streamed, model=GPT, system="Sé breve")
    assert texts(answer) == "¡Hola! 😀" and answer.stop_reason == "end_turn"
    assert (answer.model, answer.role, answer.type) == ("gpt-4o", "assistant", "message")
    told = answer.usage
    assert (told.input_tokens, told.cache_read_input_tokens, told.output_tokens) == (10, 90, 7)
    sent = fake.calls[0].body
    assert sent["messages"] == [{"role": "system", "content": "Sé breve"}, *QUESTION]
    assert sent["max_completion_tokens"] == 1000


@EACH_WAY
async def test_over_anthropic(streamed: bool):
    usage = {
        "input_tokens": 3, "output_tokens": 12, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5},
        "output_tokens_details": {"thinking_tokens": 6},
    }  # fmt: skip
    says = wire.Says("42", thinking=("Veamos…", "c2ln"), redacted="ZW5j", usage=usage)
    fake = FakeAnthropic(says)
    thinking = {"type": "enabled", "budget_tokens": 2000}
    async with over(fake) as stage:
        answer = await ask(stage, streamed=streamed, model=CLAUDE, thinking=thinking, max_tokens=4000)
    thought, encrypted, text = answer.content
    assert thought.type == "thinking" and (thought.thinking, thought.signature) == ("Veamos…", "c2ln")
    assert encrypted.type == "redacted_thinking" and encrypted.data == "ZW5j"
    assert text.type == "text" and text.text == "42"
    told = answer.usage
    assert (told.input_tokens, told.cache_read_input_tokens, told.cache_creation_input_tokens) == (3, 100, 20)
    assert told.cache_creation and told.cache_creation.ephemeral_1h_input_tokens == 5
    assert told.output_tokens == 12
    assert told.output_tokens_details and told.output_tokens_details.thinking_tokens == 6
    assert answer.model == CLAUDE
    sent = {name: value for name, value in fake.calls[0].body.items() if name != "stream"}
    assert sent == {"model": "claude-haiku-4-5", "max_tokens": 4000, "messages": QUESTION, "thinking": thinking}
    assert fake.calls[0].headers["x-api-key"] == KEY and fake.calls[0].headers["anthropic-version"] == "2023-06-01"


@EACH_WAY
async def test_over_the_planner(streamed: bool):
    async with gateway() as stage:
        answer = await ask(stage, streamed=streamed, model="offline", tools=[ADD])
        (use,) = [block for block in answer.content if block.type == "tool_use"]
        assert (use.name, use.input, answer.stop_reason) == ("add", {"a": 4, "b": 6}, "tool_use")
        messages = [
            *QUESTION,
            {"role": "assistant", "content": answer.to_param()["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "10"}]},
        ]
        last = await ask(stage, streamed=streamed, model="offline", tools=[ADD], messages=messages)
    assert "10" in texts(last) and last.stop_reason == "end_turn"


# --- tools ---


def fake_of(model: str, *calls: tuple[str, str, str]) -> FakeProvider:
    if model == CLAUDE:
        return FakeAnthropic(wire.Says("Voy", calls=calls))
    return FakeOpenAI(openai_wire.Says("Voy", calls=calls))


@EACH_WAY
@pytest.mark.parametrize("model", [CLAUDE, GPT])
@pytest.mark.parametrize("calls", [CALLS[:1], CALLS, [("toolu_0", "add", "{}")]], ids=["one", "parallel", "empty"])
async def test_tool_calls(model: str, streamed: bool, calls: list[tuple[str, str, str]]):
    async with over(fake_of(model, *calls)) as stage:
        answer = await ask(stage, streamed=streamed, model=model, tools=[ADD], tool_choice={"type": "any"})
    assert texts(answer) == "Voy" and answer.stop_reason == "tool_use"
    uses = [block for block in answer.content if block.type == "tool_use"]
    assert [(use.id, use.name, use.input) for use in uses] == [(i, n, json.loads(a)) for i, n, a in calls]


async def test_interleaved_calls_come_one_after_the_other():
    def chunk(index: int, arguments: str, **rest: Any) -> bytes:
        call = {"index": index, "function": {"arguments": arguments, **rest.pop("function", {})}, **rest}
        choice = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}
        return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"

    pieces = [
        chunk(0, "", id="a", function={"name": "f"}), chunk(1, "", id="b", function={"name": "g"}),
        chunk(1, '{"y"'), chunk(0, '{"x"'), chunk(1, ": 2}"), chunk(0, ": 1}"),
        b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}\n\n', b"data: [DONE]\n\n",
    ]  # fmt: skip
    async with over(FakeOpenAI(Sends(pieces))) as stage, client_of(stage) as client:
        stream = await client.messages.create(model=GPT, max_tokens=9, messages=QUESTION, tools=[ADD], stream=True)
        seen = [(event.type, getattr(event, "index", None)) async for event in stream]
    blocks = [(kind.removeprefix("content_block_"), index) for kind, index in seen if index is not None]
    assert blocks == [
        ("start", 0), ("delta", 0), ("delta", 0), ("stop", 0),
        ("start", 1), ("delta", 1), ("delta", 1), ("stop", 1),
    ]  # fmt: skip


async def test_results_go_back_as_they_came():
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    uses = [{"type": "tool_use", "id": i, "name": n, "input": json.loads(a)} for i, n, a in CALLS]
    results = [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "3"}, picture]},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "no", "is_error": True},
    ]
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    messages: Any = [
        *QUESTION,
        {"role": "assistant", "content": [thought, {"type": "text", "text": "Voy"}, *uses]},
        {"role": "user", "content": [*results, {"type": "text", "text": "¿Y bien?"}]},
    ]
    fake = FakeAnthropic(wire.Says("x"))
    async with over(fake) as stage:
        await ask(stage, streamed=False, model=CLAUDE, tools=[ADD], messages=messages)
    assert fake.calls[0].body["messages"] == messages


# --- thoughts of other providers ---


async def test_a_thought_comes_back_to_whoever_signed_it():
    fake = FakeAnthropic(wire.Says("y"))
    foreign = {"type": "thinking", "thinking": "hm", "signature": "gw1.google.c2ln"}
    own = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    messages: Any = [*QUESTION, {"role": "assistant", "content": [foreign, own, {"type": "text", "text": "x"}]}]
    async with over(fake) as stage:
        await ask(stage, streamed=False, model=CLAUDE, messages=[*messages, *QUESTION])
    assert fake.calls[0].body["messages"][1]["content"] == [own, {"type": "text", "text": "x"}]


@EACH_WAY
async def test_unsigned_thoughts_are_shown(streamed: bool):
    async with over(FakeOpenAI(openai_wire.Says("42", reasoning="Veamos…"))) as stage:
        answer = await ask(stage, streamed=streamed, model=GPT)
    thought, text = answer.content
    assert thought.type == "thinking" and (thought.thinking, thought.signature) == ("Veamos…", "")
    assert text.type == "text"


# --- how answers end ---


@EACH_WAY
@pytest.mark.parametrize(
    ("says", "reason", "sequence"),
    [
        (wire.Says("x", stop_reason="max_tokens"), "max_tokens", None),
        (wire.Says("x", stop_sequence="FIN"), "stop_sequence", "FIN"),
        (wire.Says("x", stop_reason="refusal"), "refusal", None),
        (wire.Says("x", stop_reason="model_context_window_exceeded"), "max_tokens", None),
    ],
)
async def test_stop_reasons(says: wire.Says, reason: str, sequence: str | None, streamed: bool):
    async with over(FakeAnthropic(says)) as stage:
        answer = await ask(stage, streamed=streamed, model=CLAUDE, stop_sequences=["FIN"])
    assert (answer.stop_reason, answer.stop_sequence) == (reason, sequence)


@EACH_WAY
async def test_a_refusal_in_words(streamed: bool):
    async with over(FakeOpenAI(openai_wire.Says(refusal="No puedo"))) as stage:
        answer = await ask(stage, streamed=streamed, model=GPT)
    assert texts(answer) == "No puedo" and answer.stop_reason == "refusal"


@EACH_WAY
async def test_a_schema(streamed: bool):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    form: Any = {"format": {"type": "json_schema", "schema": schema}}
    fakes: list[tuple[str, FakeProvider]] = [
        (CLAUDE, FakeAnthropic(wire.Says('{"a": 1}'))), (GPT, FakeOpenAI(openai_wire.Says('{"a": 1}'))),
    ]  # fmt: skip
    for model, fake in fakes:
        async with over(fake) as stage:
            answer = await ask(stage, streamed=streamed, model=model, output_config=form)
        assert json.loads(texts(answer)) == {"a": 1}
        sent = fake.calls[0].body
        assert schema in (
            sent.get("output_config", {}).get("format", {}).get("schema"),
            sent.get("response_format", {}).get("json_schema", {}).get("schema"),
        )


async def test_counting():
    async with gateway() as stage, client_of(stage) as client:
        short = await client.messages.count_tokens(model="offline", messages=QUESTION)
        long = await client.messages.count_tokens(
            model="offline", messages=[{"role": "user", "content": "Hola " * 400}], system="Sé breve", tools=[ADD]
        )
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.count_tokens(model="xxx", messages=QUESTION)
    assert 1 < short.input_tokens < 20 and 500 < long.input_tokens < 700


# --- errors ---


@pytest.mark.parametrize(
    ("failure", "raised", "kind"),
    [
        (wire.Fails(400), anthropic.BadRequestError, "invalid_request_error"),
        (
            wire.Fails(400, message="prompt is too long: 9 tokens > 8"),
            anthropic.BadRequestError,
            "invalid_request_error",
        ),
        (wire.Fails(404), anthropic.NotFoundError, "not_found_error"),
        (wire.Fails(413), anthropic.APIStatusError, "request_too_large"),
        (wire.Fails(429, retry_after="7"), anthropic.RateLimitError, "rate_limit_error"),
    ],
)
@EACH_WAY
async def test_a_providers_errors(failure: wire.Fails, raised: Any, kind: str, streamed: bool):
    async with over(FakeAnthropic(always=failure)) as stage:
        with pytest.raises(raised) as caught:
            await ask(stage, streamed=streamed, model=CLAUDE)
    assert caught.value.type == kind and "own words" not in str(caught.value)
    assert caught.value.error_code is not None
    if failure.retry_after:
        assert caught.value.response.headers["retry-after"] == "7"


async def test_an_unknown_model_and_a_provider_without_a_key():
    async with gateway(OFFLINE_FALLBACK="never") as stage:
        with pytest.raises(anthropic.NotFoundError, match="LLM 'xxx' not found"):
            await ask(stage, streamed=False, model="xxx")
        with pytest.raises(anthropic.APIStatusError, match="ANTHROPIC_API_KEY") as caught:
            await ask(stage, streamed=False, model=CLAUDE)
    assert caught.value.status_code == 503 and caught.value.type == "overloaded_error"


async def test_keys():
    async with gateway(AUTH_MODE="keys", API_KEYS="sk-right-0123456789abcdef") as stage:
        async with client_of(stage, api_key="sk-right-0123456789abcdef") as client:
            await client.messages.create(model="offline", max_tokens=9, messages=QUESTION)
        async with client_of(stage) as client:
            with pytest.raises(anthropic.AuthenticationError) as caught:
                await client.messages.create(model="offline", max_tokens=9, messages=QUESTION)
    assert caught.value.type == "authentication_error"


async def test_a_stream_that_breaks_midway_is_an_error():
    endings = [wire.Says("Ho", breaks="overloaded_error", pause=0.02), Sends([wire_beginning(), 0.05], then="cut")]
    for ending in endings:
        async with over(FakeAnthropic(ending)) as stage, client_of(stage) as client:
            said = ""
            with pytest.raises(anthropic.APIError):
                async with client.messages.stream(model=CLAUDE, max_tokens=9, messages=QUESTION) as stream:
                    async for piece in stream.text_stream:
                        said += piece
            assert said == "Ho"


def wire_beginning() -> bytes:
    events = [*wire.Says("Ho").events({"model": "m"})]
    return b"".join(framed(event) for event in events if event["type"] not in ("message_delta", "message_stop"))


async def test_a_client_that_leaves_ends_the_call():
    fake = FakeAnthropic(wire.Endless(pause=0.01))
    async with over(fake) as stage, client_of(stage) as client:
        stream = await client.messages.create(model=CLAUDE, max_tokens=9, messages=QUESTION, stream=True)
        said = ""
        async for event in stream:
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                said += event.delta.text
            if len(said) >= 40:
                break
        await stream.close()
        await asyncio.wait_for((await fake.call()).left.wait(), 5)
        async with asyncio.timeout(5):
            while not (calls := await stage.observed()):
                await asyncio.sleep(0.02)
    used = calls[0].usage
    assert calls[0].status == "cancelled" and used and used.estimated
    assert used.prompt_tokens == 9 and used.completion_tokens >= 10


@pytest.mark.parametrize("model", [CLAUDE, GPT])
async def test_tools_that_anthropic_runs_itself(model: str):
    search: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    fake = FakeAnthropic(wire.Says("x")) if model == CLAUDE else FakeOpenAI()
    async with over(fake) as stage:
        if model == GPT:
            with pytest.raises(anthropic.BadRequestError, match="web_search_20250305"):
                await ask(stage, streamed=False, model=model, tools=[ADD, search])
            return
        await ask(stage, streamed=False, model=model, tools=[ADD, search])
    assert fake.calls[0].body["tools"] == [
        {"name": "add", "input_schema": ADD["input_schema"], "description": ADD.get("description")}, search,
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_anthropics_address_with_and_without_its_version(ending: str):
    fake = FakeAnthropic(wire.Says("x"))
    async with (
        running(fake) as upstream,
        gateway(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=f"{upstream}{ending}", TEMPERATURE="0.2") as stage,
    ):
        await ask(stage, streamed=False, model="anthropic/claude-sonnet-5-5")
    assert fake.calls[0].path == "/v1/messages" and "temperature" not in fake.calls[0].body


# --- the client's helpers ---


class Sum(BaseModel):
    a: int
    b: int


@pytest.mark.parametrize("model", [CLAUDE, GPT])
async def test_parsed_answers(model: str):
    said = '{"a": 4, "b": 6}'
    fake = FakeAnthropic(wire.Says(said)) if model == CLAUDE else FakeOpenAI(openai_wire.Says(said))
    async with over(fake) as stage, client_of(stage) as client:
        answer = await client.messages.parse(model=model, max_tokens=99, messages=QUESTION, output_format=Sum)
    assert answer.parsed_output == Sum(a=4, b=6)


async def test_the_tool_runner_over_the_planner():
    asked: list[tuple[float, float]] = []

    @anthropic.beta_async_tool
    async def add(a: float, b: float) -> str:
        """Adds two numbers. Suma dos números."""
        asked.append((a, b))
        return str(a + b)

    async with gateway() as stage, client_of(stage) as client:
        runner = client.beta.messages.tool_runner(
            model="offline", max_tokens=99, messages=[{"role": "user", "content": "Suma 4 y 6"}], tools=[add]
        )
        last = await runner.until_done()
    assert asked == [(4, 6)]
    assert "10" in "".join(block.text for block in last.content if block.type == "text")


async def test_the_synchronous_client():
    def calls(url: str) -> list[str]:
        with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
            plain = client.messages.create(model=CLAUDE, max_tokens=9, messages=QUESTION)
            with client.messages.stream(model=CLAUDE, max_tokens=9, messages=QUESTION) as stream:
                return [texts(plain), "".join(stream.text_stream)]

    async with over(FakeAnthropic(wire.Says("uno"), wire.Says(["d", "os"])), CACHE_ENABLED="false") as stage:
        assert await asyncio.to_thread(calls, stage.url) == ["uno", "dos"]
