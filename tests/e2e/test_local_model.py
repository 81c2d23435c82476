"""A real small language model behind the real gateway. What it says is never looked at, only how it is said."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import msgspec
import pytest
from openai import OpenAI
from openai.types.chat import (
    ChatCompletionMessageParam,
    ChatCompletionNamedToolChoiceParam,
    ChatCompletionToolParam,
)

from tests.e2e.suite import ROOT, clean_environment
from tests.ports import free_ports

READY_SECONDS = 60.0
QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Adds two numbers.",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/number"}},
                "required": ["a", "b"],
                "additionalProperties": False,
                "$defs": {"number": {"type": "integer"}},
            },
        },
    },
    {"type": "function", "function": {"name": "now", "description": "Tells the time."}},
]
ADD: ChatCompletionNamedToolChoiceParam = {"type": "function", "function": {"name": "add"}}


@dataclass(frozen=True)
class Stage:
    model: str
    gateway: str

    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.gateway}/v1", api_key="none", timeout=90, max_retries=0)


@contextmanager
def _process(command: list[str], ready_url: str, **environ: str) -> Iterator[None]:
    process = subprocess.Popen(command, env=clean_environment(**environ), cwd=ROOT)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(ready_url):
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command} was not ready in time"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        assert process.wait(20) == 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    model_port, gateway_port = free_ports(2)
    model, gateway = f"http://127.0.0.1:{model_port}", f"http://127.0.0.1:{gateway_port}"
    code = "import local_model; print(local_model.install())"
    scripts = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    file = subprocess.run([sys.executable, "-c", code], env=scripts, check=True, capture_output=True, text=True).stdout
    serve = [sys.executable, "scripts/local_model.py", "--serve", file.strip(), "--port", str(model_port)]
    with (
        _process(serve, f"{model}/health"),
        _process(
            [sys.executable, "-m", "llm_gateway"], f"{gateway}/readyz",
            PORT=str(gateway_port), LOCAL_MODEL_URL=f"{model}/v1",
        ),
    ):  # fmt: skip
        yield Stage(model, gateway)


def test_it_is_listed_as_available(stage: Stage):
    listed = {row["name"]: row for row in httpx.get(f"{stage.gateway}/mcp/llm/list").json()["llms"]}
    assert (listed["local"]["available"], listed["local"]["provider"]) == (True, "local")


def test_a_plain_answer_is_counted_and_free(stage: Stage):
    with stage.client() as client:
        raw = client.chat.completions.with_raw_response.create(model="local", messages=QUESTION, max_tokens=4)
    answer = raw.parse()
    assert answer.model == "local"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("length", "stop")
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 4
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert float(raw.headers["x-response-cost-usd"]) == 0
    assert raw.headers["x-provider"] == "local"


def test_tokens_come_one_by_one_and_are_counted(stage: Stage):
    with stage.client() as client:
        chunks = list(
            client.chat.completions.create(
                model="local",
                messages=QUESTION,
                max_tokens=6,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert len(pieces) > 1
    assert len(finishes) == 1
    assert chunks[-1].usage is not None
    assert 0 < chunks[-1].usage.completion_tokens <= 6


def test_the_native_answer_says_that_it_cost_nothing(stage: Stage):
    body = {"model": "local", "messages": QUESTION, "max_tokens": 3, "temperature": 0}
    answer = httpx.post(f"{stage.gateway}/mcp/llm/generate", json=body, timeout=90).json()
    assert (answer["provider"], answer["cost_usd"]) == ("local", 0)
    assert answer["usage"]["completion_tokens"] > 0


def _fits_add(arguments: str) -> bool:
    given = msgspec.json.decode(arguments)
    return set(given) == {"a", "b"} and all(type(value) is int for value in given.values())


def test_a_tool_that_it_must_call_is_called_as_its_schema_says(stage: Stage):
    ask: list[ChatCompletionMessageParam] = [{"role": "user", "content": "How much is 12 and 30?"}]
    with stage.client() as client:
        raw = client.chat.completions.with_raw_response.create(
            model="local", messages=ask, tools=TOOLS, tool_choice=ADD, max_tokens=400, temperature=0
        )
    assert raw.headers["x-tools"] == "emulated"
    choice = raw.parse().choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    assert choice.message.tool_calls is not None
    [call] = choice.message.tool_calls
    assert call.type == "function" and call.function.name == "add" and _fits_add(call.function.arguments)


def test_a_choice_of_its_own_is_a_valid_call_or_text(stage: Stage):
    history: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "How much is 12 and 30?"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 12, "b": 30}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    ]
    with stage.client() as client:
        chunks = list(
            client.chat.completions.create(
                model="local", messages=history, tools=TOOLS, max_tokens=120, temperature=0, stream=True
            )
        )
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    [reason] = [choice.finish_reason for choice in choices if choice.finish_reason]
    calls = [call for choice in choices for call in choice.delta.tool_calls or ()]
    text = "".join(choice.delta.content or "" for choice in choices)
    if reason == "tool_calls":
        assert {call.function.name for call in calls if call.function and call.function.name} <= {"add", "now"}
    else:
        assert not calls and reason in ("stop", "length")
        assert reason == "length" or not text.startswith('{"answer"')


def test_a_client_that_leaves_frees_the_server(stage: Stage):
    endless = [{"role": "user", "content": "Count from 1 to 10000, one number a line."}]
    long = {"model": "local", "messages": endless, "max_tokens": 3000, "stream": True, "temperature": 0}
    with httpx.stream("POST", f"{stage.gateway}/v1/chat/completions", json=long, timeout=90) as answer:
        next(answer.iter_lines())
    # It has one slot: 3000 tokens would keep the next question waiting for minutes.
    started = time.monotonic()
    body = {"model": "local", "messages": [{"role": "user", "content": "Bye."}], "max_tokens": 2}
    assert httpx.post(f"{stage.gateway}/v1/chat/completions", json=body, timeout=90).status_code == 200
    assert time.monotonic() - started < 30


def test_two_questions_at_once_are_both_answered(stage: Stage):
    with (
        stage.client() as client,
        client.chat.completions.create(
            model="local",
            messages=QUESTION,
            max_tokens=5,
            stream=True,
            seed=1,
        ) as first,
    ):
        second = client.chat.completions.create(model="local", messages=QUESTION, max_tokens=2, seed=2)
        assert second.choices[0].finish_reason
        assert list(first)
