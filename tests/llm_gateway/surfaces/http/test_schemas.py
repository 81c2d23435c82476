"""The raw routes answer what their description says: their own answers, read back as the described structs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fake_providers import Fails, FakeOpenAI, Says
from llm_gateway.surfaces.http.schemas.chat import ChatCompletion, ChatCompletionChunk
from llm_gateway.surfaces.http.schemas.errors import ErrorEnvelope
from llm_gateway.surfaces.http.schemas.native import GenerateAnswer, GenerateEvent
from llm_gateway.surfaces.http.schemas.responses import ResponseEvent, ResponseObject

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import staged

USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}}
ANSWERS = [
    Says("Hola"),
    Says("Hola", reasoning="hm", usage=USAGE),
    Says("Voy", calls=[("a", "add", '{"a": 1}'), ("b", "add", "{}")]),
    Says(refusal="No"),
    Says("x", finish_reason="length", usage=None),
]


def strictly(body: Any, kind: type) -> None:
    """`body` is a `kind`, and has no field that a `kind` does not describe."""
    described = msgspec.convert(body, kind, strict=True)
    assert msgspec.to_builtins(described) == body


@pytest.mark.parametrize("says", ANSWERS, ids=range(len(ANSWERS)))
async def test_answers_are_as_described(says: Says):
    async with staged(FakeOpenAI(always=says)) as stage:
        chat, again = await stage.chat(), await stage.chat()
        native = await stage.generate()
        chat_stream = await stage.chat(stream=True, stream_options={"include_usage": True})
        native_stream = await stage.generate(stream=True)
        asked = {"model": "gpt-4o", "input": "Hola"}
        response = await stage.http.post("/v1/responses", json=asked)
        response_stream = await stage.http.post("/v1/responses", json={**asked, "stream": True})
    for answer in (chat, again):
        strictly(answer.json(), ChatCompletion)
    strictly(native.json(), GenerateAnswer)
    strictly(response.json(), ResponseObject)
    *chunks, _ = events(chat_stream.content)
    for chunk in chunks:
        strictly(chunk, ChatCompletionChunk)
    *deltas, tail, _ = events(native_stream.content)
    for delta in deltas:
        strictly(delta, GenerateEvent)
    strictly({"content": None, **tail}, GenerateAnswer)
    told = events(response_stream.content)
    assert len(told) > 5
    for event in told:
        strictly(event, ResponseEvent)


async def test_errors_are_as_described():
    async with staged(FakeOpenAI(Fails(500))) as stage:
        failed, unknown = await stage.chat(), await stage.generate(model="xxx")
    for answer in (failed, unknown):
        strictly(answer.json(), ErrorEnvelope)
