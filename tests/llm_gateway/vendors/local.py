"""A small model behind OpenAI's API, without tool calling: it writes what it is told to write."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from fake_providers import Behavior, Exchange, FakeOpenAI
from llm_gateway.canonical import Choice, Result, Text, ToolCall

from tests.llm_gateway.vendors.openai import look_alike, says
from tests.llm_gateway.vendors.vendor import text_of


@dataclass(frozen=True)
class Writes:
    """The answer in the notation that the prompt asks for, where it offers functions; else as it is."""

    result: Result

    async def play(self, exchange: Exchange) -> None:
        prompt = exchange.call.body["messages"][0]["content"]
        await says(_written(self.result) if "You can call these functions" in prompt else self.result).play(exchange)


def _written(result: Result) -> Result:
    calls = [
        {"name": part.name, "arguments": msgspec.json.decode(part.arguments)}
        for part in result.content
        if isinstance(part, ToolCall)
    ]
    reply = {"tool_calls": calls} if calls else {"answer": text_of(result)}
    text = Text(text=msgspec.json.encode(reply).decode())
    return msgspec.structs.replace(result, choices=(Choice(content=(text,)),))


def _says(result: Result) -> Behavior:
    return Writes(result)


def _carried(result: Result) -> Result:
    """A reply is calls or text, and the calls have no ids but those that the gateway gives."""
    calls = tuple(part for part in result.content if isinstance(part, ToolCall))
    if not calls:
        return result
    return msgspec.structs.replace(result, choices=(msgspec.structs.replace(result.choices[0], content=calls),))


LOCAL = look_alike("local", FakeOpenAI, says=_says, carried=_carried, gives_ids=False)
