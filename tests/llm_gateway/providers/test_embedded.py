from __future__ import annotations

import time

from llm_gateway.canonical import Message, Request, Text, Tool
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.providers.embedded import EmbeddedProvider

from tests.llm_gateway import values

MODEL = values.model("offline", "offline")
ADD = Tool(
    name="add",
    description="Adds two numbers",
    parameters={"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
)


def ask(text: str, *tools: Tool) -> Request:
    return Request(model="offline", messages=(Message(role="user", content=(Text(text=text),)),), tools=tools)


async def test_a_stream_says_what_a_plain_answer_says():
    provider = EmbeddedProvider()
    for request in (ask("Hola"), ask("suma 4 y 6", ADD)):
        aggregate = Aggregate()
        async for events in provider.stream(request, MODEL):
            aggregate.feed(events)
        plain = await provider.complete(request, MODEL)
        assert aggregate.finished
        assert aggregate.result().choices == plain.choices and aggregate.usage == plain.usage


async def test_its_pieces_can_be_spaced():
    started = time.perf_counter()
    pieces = [events async for events in EmbeddedProvider(0.01).stream(ask("Hola"), MODEL)]
    assert len(pieces) > 3 and time.perf_counter() - started >= 0.01 * (len(pieces) - 1)


def test_what_it_does_not_read_is_said():
    request = Request(model="offline", messages=(), hints={"metadata": 1}, extra={"web_search_options": {}})
    assert EmbeddedProvider().dropped(request, MODEL) == ("metadata", "web_search_options")
