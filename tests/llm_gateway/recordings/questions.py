"""The same questions on every surface: bodies that a client of it would send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.llm_gateway.recordings.answers import CALLS

SYSTEM = "Responde en una frase."
NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
    "required": ["a", "b"],
}
TOOLS = (("add", "Suma dos números."), ("multiply", "Multiplica dos números."))
RESULTS = ("10", "6")

Body = dict[str, Any]


@dataclass(frozen=True)
class Surface:
    """`plain` makes the body of a question to a model, `tools` offers two of them with it, `results` goes on after
    both were called. `stream` are the fields that ask for a stream."""

    name: str
    path: str
    plain: Callable[[str, str], Body]
    tools: Callable[[Body], Body]
    results: Callable[[Body], Body]
    stream: Body
    wrong: Body

    def __repr__(self) -> str:
        return self.name


def _chat(model: str, question: str) -> Body:
    return {
        "model": model,
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}],
        "temperature": 0,
        "max_tokens": 200,
        "stop": ["FIN"],
    }


def _chat_tools(body: Body) -> Body:
    tools = [
        {"type": "function", "function": {"name": name, "description": about, "parameters": NUMBERS}}
        for name, about in TOOLS
    ]
    return {**body, "tools": tools, "tool_choice": "auto"}


def _chat_results(body: Body) -> Body:
    calls = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in CALLS
    ]
    turns = [
        {"role": "tool", "tool_call_id": call[0], "content": result}
        for call, result in zip(CALLS, RESULTS, strict=True)
    ]
    said = {"role": "assistant", "content": "Voy.", "tool_calls": calls}
    return {**body, "messages": [*body["messages"], said, *turns]}


def _responses(model: str, question: str) -> Body:
    return {
        "model": model, "instructions": SYSTEM, "input": question, "temperature": 0, "max_output_tokens": 200,
        "store": False,
    }  # fmt: skip


def _responses_tools(body: Body) -> Body:
    tools = [
        {"type": "function", "name": name, "description": about, "parameters": NUMBERS, "strict": False}
        for name, about in TOOLS
    ]
    return {**body, "tools": tools, "tool_choice": "auto"}


def _responses_results(body: Body) -> Body:
    calls = [
        {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments}
        for id_, name, arguments in CALLS
    ]
    outputs = [
        {"type": "function_call_output", "call_id": call[0], "output": result}
        for call, result in zip(CALLS, RESULTS, strict=True)
    ]
    asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": body["input"]}]}
    return {**body, "input": [asked, *calls, *outputs]}


def _messages(model: str, question: str) -> Body:
    return {
        "model": model, "system": SYSTEM, "messages": [{"role": "user", "content": question}], "temperature": 0,
        "max_tokens": 200, "stop_sequences": ["FIN"],
    }  # fmt: skip


def _messages_tools(body: Body) -> Body:
    tools = [{"name": name, "description": about, "input_schema": NUMBERS} for name, about in TOOLS]
    return {**body, "tools": tools, "tool_choice": {"type": "auto"}}


def _messages_results(body: Body) -> Body:
    parsed = ({"a": 4, "b": 6}, {"a": 2, "b": 3})
    calls = [
        {"type": "tool_use", "id": id_, "name": name, "input": given}
        for (id_, name, _), given in zip(CALLS, parsed, strict=True)
    ]
    results = [
        {"type": "tool_result", "tool_use_id": call[0], "content": result}
        for call, result in zip(CALLS, RESULTS, strict=True)
    ]
    said = {"role": "assistant", "content": [{"type": "text", "text": "Voy."}, *calls]}
    return {**body, "messages": [*body["messages"], said, {"role": "user", "content": results}]}


_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
_WRONG = {"temperature": "caliente"}

SURFACES = (
    Surface("generate", "/mcp/llm/generate", _chat, _chat_tools, _chat_results, {"stream": True}, _WRONG),
    Surface("chat.completions", "/v1/chat/completions", _chat, _chat_tools, _chat_results, _USAGE, _WRONG),
    Surface(
        "responses", "/v1/responses", _responses, _responses_tools, _responses_results, {"stream": True}, _WRONG
    ),
    Surface("messages", "/v1/messages", _messages, _messages_tools, _messages_results, {"stream": True}, _WRONG),
)  # fmt: skip
