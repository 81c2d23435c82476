from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import msgspec
import pytest
from fake_providers import Behavior, Endless, Fails, FakeOpenAI, Says, Sends
from llm_gateway.canonical import Delta, Event, Message, Request, Result, Text
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.errors import UpstreamError, UpstreamProtocol
from llm_gateway.net.transport import Transport
from llm_gateway.providers.http import HttpProvider
from service_kit.testing import running

from tests.llm_gateway import values

ASK = Request(model="m", messages=(Message(role="user", content=(Text(text="Hola"),)),))
ASK_STREAM = msgspec.structs.replace(ASK, stream=True)


@asynccontextmanager
async def provider_of(*script: Behavior) -> AsyncIterator[tuple[HttpProvider, Model, FakeOpenAI]]:
    fake = FakeOpenAI(*script)
    transport = Transport(max_connections=4, max_bytes=10**6)
    async with running(fake) as url, transport.running():
        at = values.endpoint(base_url=f"{url}/v1")
        yield HttpProvider(OpenAIChatClient(), transport), values.model("m", endpoint=at), fake
    fake.check()


async def collected(stream: AsyncIterator[list[Event]]) -> Result:
    aggregate = Aggregate()
    async for events in stream:
        aggregate.feed(events)
    assert aggregate.finished
    return aggregate.result()


async def test_a_stream_says_what_a_plain_answer_says():
    says = Says(["¡Ho", "la!"], calls=[("a", "add", '{"a": 1}')], usage={"prompt_tokens": 3, "completion_tokens": 2})
    async with provider_of(says, says) as (provider, model, fake):
        plain = await provider.complete(ASK, model)
        streamed = await collected(provider.stream(ASK_STREAM, model))
    assert streamed == msgspec.structs.replace(plain, id=None)
    assert fake.calls[0].path == "/v1/chat/completions" and fake.calls[0].headers["authorization"] == "Bearer sk-secret"


async def test_letters_that_are_split_between_chunks_come_whole():
    data = b"".join(
        b"data: " + msgspec.json.encode(piece) + b"\n\n" for piece in Says("ñandú 😀 日本").chunks({"model": "m"})
    )
    for size in (1, 3, 7):
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        async with provider_of(Sends(pieces)) as (provider, model, _):
            answer = await collected(provider.stream(ASK_STREAM, model))
        assert answer.content == (Text(text="ñandú 😀 日本"),)


async def test_an_error_is_raised_before_anything_is_said():
    async with provider_of(Fails(429, retry_after="3"), Fails(429, retry_after="3")) as (provider, model, _):
        with pytest.raises(UpstreamError) as plain:
            await provider.complete(ASK, model)
        with pytest.raises(UpstreamError) as streamed:
            await collected(provider.stream(ASK_STREAM, model))
    assert plain.value.retry_after == streamed.value.retry_after == 3


async def test_an_event_without_end_is_refused():
    async with provider_of(Sends([b"data: " + b"a" * 600_000] * 10)) as (provider, model, _):
        with pytest.raises(UpstreamProtocol):
            await collected(provider.stream(ASK_STREAM, model))


async def test_closing_the_stream_hangs_up():
    async with provider_of(Endless(pause=0.01)) as (provider, model, fake):
        stream = cast("AsyncGenerator[list[Event]]", provider.stream(ASK_STREAM, model))
        await anext(stream)
        await stream.aclose()
        await asyncio.wait_for(fake.calls[0].left.wait(), 8)


async def test_streams_that_ended_well_give_their_connection_back():
    async with provider_of(*[Says("x")] * 4) as (provider, model, fake):
        for _ in range(4):
            await collected(provider.stream(ASK_STREAM, model))
    assert len({call.client for call in fake.calls}) == 1


async def test_what_is_no_stream_is_refused():
    async with provider_of(Sends([b"{}"], "application/json")) as (provider, model, _):
        with pytest.raises(UpstreamProtocol):
            await collected(provider.stream(ASK_STREAM, model))


def _piece(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


async def test_what_came_together_with_a_failure_is_not_lost():
    async with provider_of(Sends([_piece("uno "), 0.05, _piece("dos") + b"data: nonsense\n\n"])) as (
        provider,
        model,
        _,
    ):
        said = ""
        with pytest.raises(UpstreamProtocol):
            async for events in provider.stream(ASK_STREAM, model):
                said += "".join(event.text for event in events if isinstance(event, Delta))
    assert said == "uno dos"


async def test_a_failure_together_with_the_first_words_leaves_them_unsaid():
    """Nothing was said by then, so another model may still answer in its stead."""
    async with provider_of(Sends([_piece("uno") + b"data: nonsense\n\n"])) as (provider, model, _):
        with pytest.raises(UpstreamProtocol):
            async for events in provider.stream(ASK_STREAM, model):
                raise AssertionError(events)
