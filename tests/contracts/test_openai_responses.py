"""OpenAI's own client against `/v1/responses`, over fakes of several providers and over the embedded planner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from fake_providers import Behavior, Endless, Fails, FakeOpenAI, FakeProvider, Says, Sends, gemini
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from llm_gateway.canonical import Choice, Part, Reasoning, Result, Text, ToolCall, Usage
from openai.types.responses import FunctionToolParam, Response, ResponseFunctionToolCall, ResponseReasoningItem
from pydantic import BaseModel, SecretStr
from service_kit.testing import running

from tests.llm_gateway.harness import KEY, Stage, gateway, staged
from tests.llm_gateway.vendors.anthropic import ANTHROPIC, SIGNATURE
from tests.llm_gateway.vendors.bedrock import BEDROCK
from tests.llm_gateway.vendors.gemini import GEMINI
from tests.llm_gateway.vendors.openai import OPENAI
from tests.llm_gateway.vendors.vendor import Vendor

ADD: FunctionToolParam = {
    "type": "function",
    "name": "add",
    "description": "Adds two numbers. Suma dos números.",
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
    "strict": None,
}
CALLS = (
    ToolCall(id="call_1", name="add", arguments='{"a":1,"b":2}'),
    ToolCall(id="call_2", name="add", arguments='{"a":3,"b":4}'),
)


@dataclass(frozen=True)
class Behind:
    """A provider behind the gateway: the model's name, and the variables with its key and the address of its fake."""

    vendor: Vendor
    model: str
    key: str
    url: str
    path: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.vendor.name

    @asynccontextmanager
    async def saying(self, *results: Result, **environ: str) -> AsyncIterator[tuple[openai.AsyncOpenAI, FakeProvider]]:
        """A client of a gateway, behind which the provider gives these answers."""
        async with (
            self.playing(*map(self.vendor.says, results), **environ) as (stage, fake),
            client_of(stage) as client,
        ):
            yield client, fake

    @asynccontextmanager
    async def playing(self, *script: Behavior, **environ: str) -> AsyncIterator[tuple[Stage, FakeProvider]]:
        """A gateway, behind which the provider does this."""
        fake = self.vendor.fake(*script)
        async with running(fake) as upstream:
            variables = {self.key: KEY, self.url: upstream + self.path, "CACHE_ENABLED": "false", **self.more}
            async with gateway(**variables, **environ) as stage:
                yield stage, fake
        fake.check()


PROVIDERS = (
    Behind(OPENAI, "gpt-4o", "OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
    Behind(ANTHROPIC, "anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    Behind(GEMINI, "gemini-pro", "GOOGLE_API_KEY", "GOOGLE_BASE_URL"),
    Behind(
        BEDROCK, "aws/claude-sonnet-4-5", "AWS_SECRET_ACCESS_KEY", "BEDROCK_BASE_URL",
        more={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_REGION": "us-east-1"},
    ),
)  # fmt: skip
everywhere = pytest.mark.parametrize("behind", PROVIDERS, ids=repr)


def answer(*content: Part, **changes: Any) -> Result:
    calls = any(isinstance(part, ToolCall) for part in content)
    choice = Choice(content=content, finish_reason=changes.pop("finish_reason", "tool_calls" if calls else "stop"))
    usage = Usage(prompt_tokens=20, completion_tokens=7, cached_tokens=8, reasoning_tokens=2)
    return Result(choices=(choice,), usage=usage, **changes)


def client_of(stage: Stage, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{stage.url}/v1", **{"api_key": "any", "max_retries": 0, **options})


@asynccontextmanager
async def over(fake: FakeOpenAI, **environ: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with staged(fake, **environ) as stage, client_of(stage) as client:
        yield client


def calls_of(response: Response) -> list[tuple[str, str, Any]]:
    found = [item for item in response.output if isinstance(item, ResponseFunctionToolCall)]
    return [(call.call_id, call.name, json.loads(call.arguments)) for call in found]


# --- answers, whoever gives them ---


@everywhere
async def test_plain(behind: Behind):
    said = answer(Text(text="¡Hola! 😀"))
    async with behind.saying(said) as (client, _):
        raw = await client.responses.with_raw_response.create(model=behind.model, input="Hola", instructions="Breve")
    response = raw.parse()
    assert (response.output_text, response.status, response.object) == ("¡Hola! 😀", "completed", "response")
    assert (response.model, response.instructions) == (behind.model, "Breve")
    assert response.usage and (response.usage.input_tokens, response.usage.output_tokens) == (20, 7)
    assert response.usage.input_tokens_details.cached_tokens == 8
    counted = behind.vendor.carried(said).usage
    assert counted and response.usage.output_tokens_details.reasoning_tokens == counted.reasoning_tokens
    assert raw.headers["x-cache"] == "bypass" and float(raw.headers["x-response-cost-usd"]) > 0
    assert response._request_id == raw.headers["x-request-id"]
    assert response.id == f"resp_{raw.headers['x-request-id']}"


@everywhere
async def test_a_stream_is_the_plain_answer_in_pieces(behind: Behind):
    said = answer(Reasoning(text="Pienso"), Text(text="Voy a sumar"), *CALLS)
    async with behind.saying(said, said) as (client, _):
        asked: dict[str, Any] = {"model": behind.model, "input": "suma", "tools": [ADD]}
        plain = await client.responses.create(**asked, extra_headers={"x-request-id": "same"})
        events = [
            event
            async for event in await client.responses.create(
                **asked, stream=True, extra_headers={"x-request-id": "same"}
            )
        ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[1].type == "response.in_progress"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Voy a sumar"
    thought = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]
    assert "".join(thought) == "Pienso"
    final = events[-1]
    assert final.type == "response.completed"
    when = {"created_at", "completed_at"}
    assert final.response.model_dump(exclude=when) == plain.model_dump(exclude=when)
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert done == final.response.output
    assert [arguments for _, _, arguments in calls_of(final.response)] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


@everywhere
async def test_the_stream_helper_puts_it_together(behind: Behind):
    async with (
        behind.saying(answer(Text(text="Voy"), *CALLS)) as (client, _),
        client.responses.stream(model=behind.model, input="suma", tools=[ADD]) as stream,
    ):
        snapshots = [event.snapshot async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert snapshots[-1] == "Voy" == final.output_text
    assert [(name, arguments) for _, name, arguments in calls_of(final)] == [
        ("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4}),
    ]  # fmt: skip


class Sum(BaseModel):
    total: int


@everywhere
async def test_parsed_answers(behind: Behind):
    said = answer(Text(text='{"total": 10}'))
    async with behind.saying(said, said) as (client, fake):
        parsed = await client.responses.parse(model=behind.model, input="4 y 6", text_format=Sum)
        async with client.responses.stream(model=behind.model, input="4 y 6", text_format=Sum) as stream:
            streamed = await stream.get_final_response()
    assert parsed.output_parsed == streamed.output_parsed == Sum(total=10)
    assert all("total" in call.raw.decode() for call in fake.calls), "the schema did not reach the provider"


@everywhere
@pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streamed"])
async def test_a_loop_of_tools_with_its_thoughts(behind: Behind, streaming: bool):
    """Everything of the answer goes back with the results, as agents do it, and the provider knows its own again."""
    asked = answer(Reasoning(text="Pienso"), *CALLS)
    async with behind.saying(asked, answer(Text(text="3 y 7"))) as (client, fake):
        history: list[Any] = [{"role": "user", "content": "suma 1 y 2, y 3 y 4"}]
        options: dict[str, Any] = {"model": behind.model, "tools": [ADD], "store": False}
        options["include"] = ["reasoning.encrypted_content"]
        if streaming:
            async with client.responses.stream(input=history, **options) as stream:
                first: Response = await stream.get_final_response()
        else:
            first = await client.responses.create(input=history, **options)
        calls = calls_of(first)
        assert [arguments for _, _, arguments in calls] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
        history += [item.to_dict() for item in first.output]
        history += [
            {"type": "function_call_output", "call_id": id_, "output": str(arguments["a"] + arguments["b"])}
            for id_, _, arguments in calls
        ]
        second = await client.responses.create(input=history, **options)
    assert second.output_text == "3 y 7"
    [thought] = [item for item in first.output if isinstance(item, ResponseReasoningItem)]
    assert [part.text for part in thought.summary] == ["Pienso"]
    if behind.vendor is ANTHROPIC:
        assert thought.encrypted_content == f"gw1.anthropic.{SIGNATURE}"
        [turn] = [message for message in fake.calls[1].body["messages"] if message["role"] == "assistant"]
        assert turn["content"][0] == {"type": "thinking", "thinking": "Pienso", "signature": SIGNATURE}
        assert [block["type"] for block in turn["content"][1:]] == ["tool_use", "tool_use"]


@everywhere
async def test_what_agents_send_back_is_understood(behind: Behind):
    """As OpenAI's agents keep a conversation: the answer's own messages, with their ids and statuses."""
    said = {
        "type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": "¡Hola!", "annotations": [], "logprobs": []}],
    }  # fmt: skip
    again: list[Any] = [
        {"role": "user", "content": "Hola"},
        said,
        {"type": "message", "role": "user", "content": "¿Y?"},
    ]
    async with behind.saying(answer(Text(text="Bien"))) as (client, fake):
        response = await client.responses.create(model=behind.model, input=again)
    assert response.output_text == "Bien"
    assert "¡Hola!" in json.dumps(fake.calls[0].body, ensure_ascii=False)


@everywhere
async def test_an_answer_that_was_cut_off_is_incomplete(behind: Behind):
    said = answer(Text(text="Erase una"), finish_reason="length")
    async with behind.saying(said, said) as (client, _):
        plain = await client.responses.create(model=behind.model, input="cuento", max_output_tokens=16)
        events = [event async for event in await client.responses.create(model=behind.model, input="x", stream=True)]
    assert plain.status == "incomplete" and plain.incomplete_details
    assert plain.incomplete_details.reason == "max_output_tokens"
    assert events[-1].type == "response.incomplete" and events[-1].response.output_text == "Erase una"


async def test_the_synchronous_client():
    async with staged(FakeOpenAI(Says("uno"), Says(["d", "os"]))) as stage:

        def ask() -> tuple[str, str]:
            with openai.OpenAI(base_url=f"{stage.url}/v1", api_key="any", max_retries=0) as client:
                plain = client.responses.create(model="gpt-4o", input="Hola")
                with client.responses.stream(model="gpt-4o", input="Adiós") as stream:
                    return plain.output_text, stream.get_final_response().output_text

        assert await asyncio.to_thread(ask) == ("uno", "dos")


async def test_a_refusal_and_logprobs():
    logprobs = {"content": [{"token": "x", "logprob": -0.1, "bytes": [120], "top_logprobs": []}], "refusal": None}
    async with over(FakeOpenAI(Says(refusal="No puedo"), Says("x", logprobs=logprobs))) as client:
        refused = await client.responses.create(model="gpt-4o", input="malo")
        told = await client.responses.create(model="gpt-4o", input="x", include=["message.output_text.logprobs"])
    assert refused.output_text == ""
    [message] = refused.output
    assert message.type == "message" and message.content[0].type == "refusal"
    assert message.content[0].refusal == "No puedo"
    [message] = told.output
    assert message.type == "message" and message.content[0].type == "output_text" and message.content[0].logprobs
    assert message.content[0].logprobs[0].token == "x"


async def test_images_in_questions_and_in_results_of_tools():
    data = "data:image/png;base64,iVBORw0KGgo="
    picture: Any = {"type": "input_image", "image_url": data, "detail": "auto"}
    items: list[Any] = [
        {"role": "user", "content": [{"type": "input_text", "text": "¿Qué es?"}, picture]},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [picture]},
    ]
    claude = PROVIDERS[1]
    async with claude.saying(answer(Text(text="Un gato"))) as (client, fake):
        response = await client.responses.create(model=claude.model, input=items, tools=[ADD])
    assert response.output_text == "Un gato"
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    sent = fake.calls[0].body["messages"]
    assert sent[0]["content"][1] == {"type": "image", "source": source}
    assert sent[2]["content"][0]["content"] == [{"type": "image", "source": source}]


async def test_what_a_provider_signs_on_a_call_comes_back_with_it():
    google = PROVIDERS[2]
    calls = [("call_1", "add", '{"a":1,"b":2}'), (None, "add", '{"a":3,"b":4}')]
    script = (gemini.Says(calls=calls, signature="c2lnbmVk"), gemini.Says("3 y 7"))
    async with google.playing(*script) as (stage, fake), client_of(stage) as client:
        history: list[Any] = [{"role": "user", "content": "suma"}]
        first = await client.responses.create(model=google.model, input=history, tools=[ADD])
        history += [item.to_dict() for item in first.output]
        history += [{"type": "function_call_output", "call_id": id_, "output": "3"} for id_, _, _ in calls_of(first)]
        await client.responses.create(model=google.model, input=history, tools=[ADD])
    assert [item.type for item in first.output] == ["reasoning", "function_call", "function_call"]
    [_, turn, _] = fake.calls[1].body["contents"]
    assert [part.get("thoughtSignature") for part in turn["parts"]] == ["c2lnbmVk", None]


# --- LangChain, as it speaks Responses ---


@tool
def add(a: float, b: float) -> float:
    """Adds two numbers. Suma dos números."""
    return a + b


@everywhere
@pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streamed"])
async def test_langchain_goes_round_with_tools_and_thoughts(behind: Behind, streaming: bool):
    said = answer(Reasoning(text="Pienso"), Text(text="Voy"), *CALLS)
    script = [behind.vendor.says(result) for result in (said, answer(Text(text="3 y 7")))]
    async with behind.playing(*script) as (stage, fake):
        model = ChatOpenAI(
            model=behind.model, base_url=f"{stage.url}/v1", api_key=SecretStr("any"), max_retries=0,
            use_responses_api=True, output_version="responses/v1",
        ).bind_tools([add])  # fmt: skip
        question = HumanMessage("suma 1 y 2, y 3 y 4")
        asked: AIMessage = await model.ainvoke([question]) if not streaming else await gathered(model, question)
        assert [(call["name"], call["args"]) for call in asked.tool_calls] == [
            ("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4}),
        ]  # fmt: skip
        assert asked.usage_metadata and asked.usage_metadata["total_tokens"] == 27
        results = [ToolMessage(str(add.invoke(call["args"])), tool_call_id=call["id"]) for call in asked.tool_calls]
        final = await model.ainvoke([question, asked, *results])
    assert final.text == "3 y 7"
    signed = behind.vendor.carried(said).content[0]
    assert isinstance(signed, Reasoning)
    assert signed.signature is None or signed.signature in fake.calls[1].raw.decode()


async def gathered(model: Any, question: HumanMessage) -> AIMessageChunk:
    whole: AIMessageChunk | None = None
    async for chunk in model.astream([question]):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


# --- errors ---


@pytest.mark.parametrize(
    ("behavior", "error", "code"),
    [
        (Fails(401, "invalid_api_key"), openai.InternalServerError, "upstream_credentials"),
        (Fails(400, "context_length_exceeded"), openai.BadRequestError, "context_length_exceeded"),
        (Fails(429, retry_after="7"), openai.RateLimitError, "upstream_rate_limited"),
        (Fails(500), openai.InternalServerError, "upstream_unavailable"),
        (Sends([b"<html>"], "text/html"), openai.InternalServerError, "upstream_protocol_error"),
    ],
    ids=["401", "400", "429", "500", "garbage"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_providers_failure_is_the_right_exception(
    behavior: Any, error: type[Exception], code: str, stream: bool
):
    async with over(FakeOpenAI(behavior)) as client:
        with pytest.raises(error) as caught:
            await client.responses.create(model="gpt-4o", input="Hola", stream=stream)
    raised = caught.value
    assert isinstance(raised, openai.APIStatusError)
    assert raised.code == code and raised.request_id == raised.response.headers["x-request-id"]
    if code == "upstream_rate_limited":
        assert raised.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [ADD, {"type": "mcp", "server_label": "s", "server_url": "https://x.test"}]}, "tools[1].type"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
        ({"temperature": 9}, "temperature"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_done_is_a_bad_request(asked: dict[str, Any], param: str):
    async with over(FakeOpenAI()) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.create(**{"model": "gpt-4o", "input": "Hola", **asked})
    assert caught.value.param == param


async def test_what_a_provider_lacks_is_named_as_the_client_knows_it():
    claude = PROVIDERS[1]
    async with claude.saying() as (client, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.create(model=claude.model, input="Hola", top_logprobs=2)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "top_logprobs")


async def test_our_own_refusals_are_the_right_exceptions():
    async with staged(FakeOpenAI(), AUTH_MODE="keys", API_KEYS="right-key") as stage:
        async with client_of(stage, api_key="wrong") as stranger:
            with pytest.raises(openai.AuthenticationError) as unknown:
                await stranger.responses.create(model="gpt-4o", input="Hola")
        assert unknown.value.code == "invalid_api_key"
        async with client_of(stage, api_key="right-key") as client:
            with pytest.raises(openai.NotFoundError, match="LLM 'xxx' not found") as missing:
                await client.responses.create(model="xxx", input="Hola")
            assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
            with pytest.raises(openai.InternalServerError, match="GOOGLE_API_KEY"):
                await client.responses.create(model="gemini-pro", input="Hola")


async def test_a_stream_that_breaks_raises():
    chunk = b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"Ho"}}]}\n\n'
    async with over(FakeOpenAI(Sends([chunk], then="cut"))) as client:
        events: list[Any] = []
        with pytest.raises(openai.APIError) as caught:
            async for event in await client.responses.create(model="gpt-4o", input="Hola", stream=True):
                events.append(event)
    assert caught.value.code == "upstream_stream_cut"
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == ["Ho"]
    assert events[-1].type == "response.failed" and events[-1].response.status == "failed"
    assert not [event for event in events if event.type in ("response.completed", "response.output_item.done")]


async def test_the_helper_raises_too():
    chunk = b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"Ho"}}]}\n\n'
    async with (
        over(FakeOpenAI(Sends([chunk], then="cut"))) as client,
        client.responses.stream(model="gpt-4o", input="Hola") as stream,
    ):
        with pytest.raises(openai.APIError):
            await stream.get_final_response()


async def test_closing_a_stream_stops_the_provider():
    fake = FakeOpenAI(Endless(pause=0.01))
    async with over(fake) as client:
        stream = await client.responses.create(model="gpt-4o", input="Hola", stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
        await stream.close()
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)


# --- the embedded planner: no key, no network ---


@pytest.mark.parametrize("streaming", [False, True], ids=["plain", "streamed"])
async def test_the_planner_calls_a_tool_and_words_its_result(streaming: bool):
    async with gateway() as stage, client_of(stage) as client:
        history: list[Any] = [{"role": "user", "content": "Suma 4 y 6"}]

        async def ask() -> Response:
            if not streaming:
                return await client.responses.create(model="offline", input=history, tools=[ADD])
            async with client.responses.stream(model="offline", input=history, tools=[ADD]) as stream:
                return await stream.get_final_response()

        asked = await ask()
        [(id_, name, arguments)] = calls_of(asked)
        assert (name, arguments) == ("add", {"a": 4, "b": 6})
        history += [item.to_dict() for item in asked.output]
        history.append({"type": "function_call_output", "call_id": id_, "output": "10"})
        worded = await ask()
    assert "10" in worded.output_text and worded.status == "completed"


async def test_a_fresh_machine_answers_named_models_with_the_planner_and_says_so():
    async with gateway() as stage, client_of(stage) as client:
        response = await client.responses.create(model="gpt-4o", input="Hola")
    assert response.model == "offline" and response.model_extra
    assert response.model_extra["fallback_from"] == "gpt-4o"
