"""Signs of life while a stream has nothing to say: when they come, and what may still happen before the first one."""

from __future__ import annotations

import asyncio

import pytest
from fake_providers import Fails, FakeOpenAI, Says, Sends, Silent
from llm_gateway.surfaces.http.keep_alive import KeepAlive

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import CHAT, GENERATE, QUESTION, error_of, staged
from tests.waiting import eventually

BEAT = b": keep-alive\n\n"
ASKED = {"model": "gpt-4o", "messages": QUESTION, "stream": True}


async def test_a_beat_follows_each_silence_and_nothing_else():
    loop = asyncio.get_running_loop()
    silences: list[float] = []
    touched = loop.time()

    async def beat() -> None:
        nonlocal touched
        silences.append(loop.time() - touched)
        touched = loop.time()

    alive = KeepAlive(beat, 0.1)
    for _ in range(8):
        await asyncio.sleep(0.03)  # a piece now and then
        alive.touch()
        touched = loop.time()
    silences.clear()  # on a busy machine a piece may have come late
    await eventually(lambda: len(silences) >= 2)
    alive.stop()
    assert all(silence >= 0.09 for silence in silences)
    told, later = len(silences), asyncio.Event()
    loop.call_later(0.15, later.set)  # behind the beat that would have come
    await later.wait()
    assert len(silences) == told


@pytest.mark.parametrize("path", [CHAT, GENERATE])
async def test_a_slow_first_word_is_preceded_by_signs_of_life(path: str):
    hold = asyncio.Event()
    async with (
        staged(FakeOpenAI(Says("Hola", hold=hold)), STREAM_KEEPALIVE_SECONDS="0.1") as stage,
        stage.http.stream("POST", path, json=ASKED) as answer,
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        pieces = answer.aiter_raw()
        assert await anext(pieces) == BEAT
        hold.set()
        rest = b"".join([piece async for piece in pieces])
    assert rest.endswith(b"data: [DONE]\n\n") and b"Hola" in rest


async def test_until_then_the_status_is_held_back():
    async with staged(FakeOpenAI(Fails(400, "nonsense")), STREAM_KEEPALIVE_SECONDS="5") as stage:
        answer = await stage.chat(stream=True)
    assert (answer.status_code, error_of(answer)["code"]) == (400, "upstream_rejected")


@pytest.mark.parametrize("path", [CHAT, GENERATE])
async def test_a_failure_after_the_first_sign_is_told_in_the_stream(path: str):
    fake = FakeOpenAI(Silent())
    async with staged(fake, STREAM_KEEPALIVE_SECONDS="0.1", UPSTREAM_FIRST_TOKEN_TIMEOUT="0.35") as stage:
        answer = await stage.http.post(path, json=ASKED)
    assert answer.status_code == 200
    assert answer.content.startswith(BEAT) and b"[DONE]" not in answer.content
    (last,) = events(answer.content)
    assert last["error"]["code"] == "upstream_timeout"


async def test_a_pause_in_the_middle_is_bridged():
    said = [b'data: {"choices":[{"index":0,"delta":{"content":"uno"}}]}\n\n', 0.35]
    end = b'data: {"choices":[{"index":0,"delta":{"content":"dos"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    async with staged(FakeOpenAI(Sends([*said, end])), STREAM_KEEPALIVE_SECONDS="0.1") as stage:
        answer = await stage.chat(stream=True)
    before, beats, after = answer.content.partition(BEAT)
    assert b"uno" in before and beats and b"dos" in after
    assert answer.content.endswith(b"data: [DONE]\n\n")


async def test_a_client_that_leaves_while_it_is_kept_alive_ends_the_call():
    fake = FakeOpenAI(Silent())
    async with staged(fake, STREAM_KEEPALIVE_SECONDS="0.05") as stage:
        async with stage.http.stream("POST", CHAT, json=ASKED) as answer:
            assert await anext(answer.aiter_raw()) == BEAT
        call = await fake.call()
        await asyncio.wait_for(call.left.wait(), 5)
