"""A provider that takes images only as bytes gets them; no other does."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from llm_gateway.canonical import Delta, Event, Finish, Image, Message, Request, Result, Text
from llm_gateway.catalog.models import Model
from llm_gateway.errors import InvalidRequest
from llm_gateway.providers.remote_images.inlining import InlinedImages

from tests.llm_gateway import values
from tests.llm_gateway.providers.remote_images.pictures import PNG, Pictures, answer, pictures

MODEL = values.model()
GOT = Image(data=base64.b64encode(PNG).decode(), media_type="image/png", detail="low", cache="5m")


class Picky:
    """A provider that refuses addresses, as Bedrock's dialect does, or (`code`) something else."""

    def __init__(self, code: str = "image_url_unsupported") -> None:
        self.code = code
        self.asked: list[Request] = []

    def _ask(self, request: Request) -> None:
        self.asked.append(request)
        parts = [part for message in request.messages for part in message.content]
        if any(isinstance(part, Image) and part.url for part in parts):
            raise InvalidRequest("messages: no addresses", param="messages", code=self.code)

    async def complete(self, request: Request, model: Model) -> Result:
        self._ask(request)
        return values.said("seen")

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        self._ask(request)
        yield [Delta(index=0, text="seen")]
        yield [Finish(reason="stop")]

    def carries(self, model: Model) -> frozenset[str]:
        return frozenset({"tools"})

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return ("store",)


def ask(*urls: str) -> Request:
    """A question about these images, the last one in a turn of its own."""
    images = [Image(url=url, detail="low", cache="5m") for url in urls]
    first = Message(role="user", content=(Text(text="?"), *images[:-1]))
    return Request(model="m", messages=(first, Message(role="user", content=tuple(images[-1:]))))


async def run(provider: InlinedImages, request: Request, *, stream: bool) -> Any:
    if not stream:
        return await provider.complete(request, MODEL)
    return [event for batch in [batch async for batch in provider.stream(request, MODEL)] for event in batch]


@pytest.mark.parametrize("stream", [False, True])
async def test_images_take_the_place_of_their_addresses(tmp_path: Path, stream: bool):
    picky = Picky()
    async with pictures(tmp_path, a=answer(), b=answer()) as stage:
        provider = InlinedImages(picky, stage.fetcher())
        assert await run(provider, ask(stage.url("/a"), stage.url("/a"), stage.url("/b")), stream=stream)
    assert [message.content for message in picky.asked[-1].messages] == [(Text(text="?"), GOT, GOT), (GOT,)]
    assert len(stage.requests) == 2  # the same address is gone to once


@pytest.mark.parametrize("stream", [False, True])
async def test_without_addresses_nothing_is_fetched(tmp_path: Path, stream: bool):
    picky = Picky()
    async with pictures(tmp_path) as stage:
        await run(InlinedImages(picky, stage.fetcher()), ask(), stream=stream)
    assert len(picky.asked) == 1 and not stage.requests


@pytest.mark.parametrize("stream", [False, True])
async def test_another_refusal_is_left_as_it_is(tmp_path: Path, stream: bool):
    picky = Picky("unsupported_parameter")
    async with pictures(tmp_path, a=answer()) as stage:
        with pytest.raises(InvalidRequest, match="no addresses"):
            await run(InlinedImages(picky, stage.fetcher()), ask(stage.url("/a")), stream=stream)
    assert len(picky.asked) == 1 and not stage.requests


async def failure(stage: Pictures, *paths: str, stream: bool = False) -> InvalidRequest:
    picky = Picky()
    with pytest.raises(InvalidRequest) as failed:
        await run(InlinedImages(picky, stage.fetcher()), ask(*map(stage.url, paths)), stream=stream)
    assert len(picky.asked) == 1
    return failed.value


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_names_the_message_and_nothing_of_our_network(tmp_path: Path, stream: bool):
    async with pictures(tmp_path, a=answer(), b=answer(status="404 Gone")) as stage:
        error = await failure(stage, "/a", "/b", stream=stream)
        assert (error.status, error.code, error.param) == (400, "image_fetch_failed", "messages[1]")
        assert error.message == "messages[1]: the image could not be fetched: its server did not give it"
        stage.port += 1  # nobody is there
        assert "127.0.0.1" not in (await failure(stage, "/a")).message


async def test_too_many_images_are_not_even_begun(tmp_path: Path):
    async with pictures(tmp_path) as stage:
        error = await failure(stage, *(f"/{number}" for number in range(21)))
        assert error.code == "image_fetch_failed" and "at most 20" in error.message
    assert not stage.requests


async def test_some_at_a_time(tmp_path: Path):
    at_once: list[int] = []
    busy, some = 0, asyncio.Event()

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal busy
        busy += 1
        at_once.append(busy)
        if busy == 4:
            some.set()
        await some.wait()
        await asyncio.sleep(0)
        busy -= 1
        writer.write(answer())

    async with pictures(tmp_path, **{f"p{number}": slow for number in range(10)}) as stage:
        provider = InlinedImages(Picky(), stage.fetcher())
        await provider.complete(ask(*(stage.url(f"/p{number}") for number in range(10))), MODEL)
    assert len(stage.requests) == 10 and max(at_once) == 4


def test_what_else_is_asked_goes_through():
    picky = Picky()
    provider = InlinedImages(picky, Pictures().fetcher())
    assert provider.carries(MODEL) == picky.carries(MODEL)
    assert provider.dropped(ask(), MODEL) == ("store",)
