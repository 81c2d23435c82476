"""How the clients of each surface ask, go on after a tool call, and are told of a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from llm_gateway.types import Result

from tests.llm_gateway.harness import error_of
from tests.llm_gateway.hourglass import surfaces as served
from tests.llm_gateway.matrix import cells

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

    `ask` makes the body of a question (with `image`, `tools` or a `schema`), `answer_tools` goes on with the results
    after an answer's calls; `failure` checks the form of an error answer and gives its code, `stream_failure` that of
    a stream that ended badly.
    """

    surface: served.Surface
    ask: Callable[..., Body]
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


def _ask_chat(model: str, *, image: bool = False, tools: bool = False, schema: bool = False) -> Body:
    content: Any = QUESTION
    if image:
        url = {"url": f"data:image/png;base64,{PIXEL}"}
        content = [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": url}]
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
    message = {"role": "assistant", "content": answered["content"], "tool_calls": answered["tool_calls"]}
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


CHAT = Asking(served.CHAT, _ask_chat, _go_on_chat, _envelope, _last_is_envelope)
NATIVE = Asking(served.NATIVE, _ask_chat, _go_on_native, _envelope, _last_is_envelope)

ASKINGS = (CHAT, NATIVE)
