"""How the clients of each surface ask, go on after a tool call, and are told of a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from llm_gateway.canonical import Result

from tests.llm_gateway.harness import error_of
from tests.llm_gateway.hourglass import surfaces as served
from tests.llm_gateway.matrix import cells

PICTURE = "https://pictures.example/one.png"
QUESTION = "¿Cuánto es 4 + 6?"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "integer"}},
    "required": ["total"],
    "additionalProperties": False,
}
NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
    "required": ["a", "b"],
}
TOOLS = (("add", "Adds two numbers. Suma dos números."), ("multiply", "Multiplies. Multiplica dos números."))

Body = dict[str, Any]


@dataclass(frozen=True)
class Asking:
    """One surface as its clients use it.

    `ask` makes the body of a question (with an `image`, `tools` or a `schema`), `streamed` that of a stream from it;
    `answer_tools` goes on with the results
    after an answer's calls; `failure` checks the form of an error answer and gives its code, `stream_failure` that of
    a stream that ended badly.
    """

    surface: served.Surface
    ask: Callable[..., Body]
    streamed: Callable[[Body], Body]
    answer_tools: Callable[[Body, bytes, Sequence[str]], Body]
    failure: Callable[[httpx.Response], str]
    stream_failure: Callable[[str], str]

    @property
    def name(self) -> str:
        return self.surface.name

    @property
    def path(self) -> str:
        return cells.PATHS[self.name]

    def read(self, body: bytes) -> Result:
        return self.surface.read(body)

    def read_stream(self, body: bytes) -> Result:
        return self.surface.read_stream(body)

    def __repr__(self) -> str:
        return self.name


# --- OpenAI's chat completions, and our own which is close to it ---


def _data_url(image: str) -> str:
    return image if image == PICTURE else f"data:image/png;base64,{image}"


def _ask_chat(
    model: str,
    *,
    image: str | None = None,
    tools: bool = False,
    schema: bool = False,
    question: str = QUESTION,
) -> Body:
    content: Any = question
    if image:
        url = {"url": _data_url(image)}
        content = [{"type": "text", "text": question}, {"type": "image_url", "image_url": url}]
    body: Body = {"model": model, "messages": [{"role": "user", "content": content}]}
    if tools:
        body["tools"] = [
            {"type": "function", "function": {"name": name, "description": about, "parameters": NUMBERS}}
            for name, about in TOOLS
        ]
    if schema:
        form = {"name": "sum", "schema": SCHEMA, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _go_on_chat(asked: Body, answer: bytes, results: Sequence[str]) -> Body:
    message = msgspec.json.decode(answer)["choices"][0]["message"]
    return _with_results(asked, message, results)


def _go_on_native(asked: Body, answer: bytes, results: Sequence[str]) -> Body:
    answered = msgspec.json.decode(answer)
    given = ("content", "tool_calls", "reasoning_details")
    message = {"role": "assistant", **{name: answered[name] for name in given if name in answered}}
    return _with_results(asked, message, results)


def _with_results(asked: Body, message: Body, results: Sequence[str]) -> Body:
    turns = [
        {"role": "tool", "tool_call_id": call["id"], "content": result}
        for call, result in zip(message["tool_calls"], results, strict=True)
    ]
    return {**asked, "messages": [*asked["messages"], message, *turns]}


def _envelope(response: httpx.Response) -> str:
    return error_of(response)["code"]


def _last_is_envelope(stream: str) -> str:
    assert "[DONE]" not in stream
    *_, last = [block for block in stream.split("\n\n") if block]
    error = msgspec.json.decode(last.removeprefix("data: "))["error"]
    assert set(error) == {"message", "type", "code", "param", "request_id"}
    return error["code"]


def _streamed_with_usage(body: Body) -> Body:
    return {**body, "stream": True, "stream_options": {"include_usage": True}}


def _streamed(body: Body) -> Body:
    return {**body, "stream": True}


CHAT = Asking(served.CHAT, _ask_chat, _streamed_with_usage, _go_on_chat, _envelope, _last_is_envelope)
NATIVE = Asking(served.NATIVE, _ask_chat, _streamed, _go_on_native, _envelope, _last_is_envelope)


# --- OpenAI's Responses ---


def _ask_responses(
    model: str,
    *,
    image: str | None = None,
    tools: bool = False,
    schema: bool = False,
    question: str = QUESTION,
) -> Body:
    content: Any = [{"type": "input_text", "text": question}]
    if image:
        content.append({"type": "input_image", "image_url": _data_url(image), "detail": "auto"})
    body: Body = {"model": model, "input": [{"role": "user", "content": content}]}
    if tools:
        body["tools"] = [
            {"type": "function", "name": name, "description": about, "parameters": NUMBERS, "strict": False}
            for name, about in TOOLS
        ]
    if schema:
        body["text"] = {"format": {"type": "json_schema", "name": "sum", "schema": SCHEMA, "strict": True}}
    return body


def _go_on_responses(asked: Body, answer: bytes, results: Sequence[str]) -> Body:
    items = msgspec.json.decode(answer)["output"]
    calls = [item for item in items if item["type"] == "function_call"]
    outputs = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": result}
        for call, result in zip(calls, results, strict=True)
    ]
    return {**asked, "input": [*asked["input"], *items, *outputs]}


def _failed_response(stream: str) -> str:
    *_, failed, error = [msgspec.json.decode(block.split("\ndata: ")[1]) for block in stream.split("\n\n") if block]
    assert failed["type"] == "response.failed" and failed["response"]["status"] == "failed"
    assert error["type"] == "error"
    return error["code"]


RESPONSES = Asking(served.RESPONSES, _ask_responses, _streamed, _go_on_responses, _envelope, _failed_response)


# --- Anthropic's Messages ---


def _ask_messages(
    model: str,
    *,
    image: str | None = None,
    tools: bool = False,
    schema: bool = False,
    question: str = QUESTION,
) -> Body:
    content: Any = question
    if image:
        source = {"type": "base64", "media_type": "image/png", "data": image}
        if image == PICTURE:
            source = {"type": "url", "url": PICTURE}
        content = [{"type": "text", "text": question}, {"type": "image", "source": source}]
    body: Body = {"model": model, "max_tokens": 1000, "messages": [{"role": "user", "content": content}]}
    if tools:
        body["tools"] = [{"name": name, "description": about, "input_schema": NUMBERS} for name, about in TOOLS]
    if schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
    return body


def _go_on_messages(asked: Body, answer: bytes, results: Sequence[str]) -> Body:
    blocks = msgspec.json.decode(answer)["content"]
    calls = [block for block in blocks if block["type"] == "tool_use"]
    answers = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": result}
        for call, result in zip(calls, results, strict=True)
    ]
    turns = [{"role": "assistant", "content": blocks}, {"role": "user", "content": answers}]
    return {**asked, "messages": [*asked["messages"], *turns]}


_TYPES = {400: "invalid_request_error", 429: "rate_limit_error", 503: "overloaded_error"}


def _anthropics(response: httpx.Response) -> str:
    body = response.json()
    assert set(body) == {"type", "error", "request_id"} and body["type"] == "error"
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["error"]["type"] == _TYPES[response.status_code] and body["error"]["message"]
    return body["error"]["details"]["error_code"]


def _failed_message(stream: str) -> str:
    assert "message_stop" not in stream
    *_, last = [block for block in stream.split("\n\n") if block]
    name, data = last.split("\n")
    assert name == "event: error"
    return msgspec.json.decode(data.removeprefix("data: "))["error"]["details"]["error_code"]


MESSAGES = Asking(served.MESSAGES, _ask_messages, _streamed, _go_on_messages, _anthropics, _failed_message)

ASKINGS = (CHAT, RESPONSES, MESSAGES, NATIVE)
