"""Batches of the prompt API, whole and as a stream."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from fake_providers import Endless, Fails, FakeOpenAI, Says
from llm_gateway.surfaces.http.schemas.errors import ErrorEnvelope
from llm_gateway.surfaces.http.schemas.prompt import BatchAnswer, BatchChunk

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import BATCH, Stage, error_of, gateway, staged
from tests.llm_gateway.surfaces.http.test_schemas import strictly
from tests.waiting import eventually

STREAM = f"{BATCH}/stream"
BOTH = pytest.mark.parametrize("path", [BATCH, STREAM])


def ask(prompt: str = "Hola", **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "model": "gpt-4o", **more}


MIXED = [ask("uno"), {"prompt": ""}, {"nothing": 1}, 7, ask("dos", model="nope"), ask("tres")]
CODES = [None, "invalid_request", "invalid_request", "invalid_request", "model_not_found", None]


async def test_each_item_is_answered_or_failed_in_its_place():
    async with staged(FakeOpenAI(always=Says("Hola"))) as stage:
        answer = await stage.batch(*MIXED, headers={"X-Session-ID": "s", "X-Request-ID": "r"})
        calls = await stage.observed()
    body = answer.json()
    strictly(body, BatchAnswer)
    items = body["responses"]
    assert [item.get("code") for item in items] == CODES
    assert [item["index"] for item in items] == list(range(6))
    assert [item["requestId"] for item in items] == [f"r-{index}" for index in range(6)]
    assert all(("error" in item) == ("content" not in item) for item in items)
    assert (
        items[0]["content"] == items[5]["content"] == "Hola" and items[0]["sessionId"] == items[5]["sessionId"] == "s"
    )
    assert (body["count"], body["totalTokens"], body["parallelProcessing"]) == (6, 26, True)
    assert body["rate"].endswith(" req/s") and float(body["rate"].split()[0]) > 0
    # Each item is a call of its own for whoever counts.
    assert {call.request_id: call.error_code for call in calls} == {
        f"r-{index}": code for index, code in enumerate(CODES)
    }
    assert {call.surface for call in calls} == {"prompt.batch"}
    assert sum((call.cost_usd or Decimal(0)) for call in calls) > 0


async def test_a_streamed_batch_has_each_items_chunks_and_end():
    async with staged(FakeOpenAI(always=Says(["Ho", "la"]))) as stage:
        answer = await stage.batch(*MIXED, path=STREAM)
    *chunks, done = events(answer.content)
    for chunk in (*chunks, done):
        strictly(chunk, BatchChunk)
    assert (done["done"], done["count"], done["totalTokens"]) == (True, 6, 26) and done["rate"].endswith(" req/s")
    for index, code in enumerate(CODES):
        of_item = [chunk for chunk in chunks if chunk["index"] == index]
        assert [chunk["finished"] for chunk in of_item] == [False] * (len(of_item) - 1) + [True]
        if code:
            assert (len(of_item), of_item[0]["code"]) == (1, code)
        else:
            assert "".join(chunk["content"] for chunk in of_item) == "Hola" and of_item[-1]["totalTokens"] == 13


@BOTH
async def test_equal_items_are_one_call(path: str):
    fake = FakeOpenAI(Says("Hola"))
    async with staged(fake) as stage:
        await stage.batch(*[ask()] * 20, path=path)
        calls = await stage.observed()
    assert len(fake.calls) == 1 and len(calls) == 20
    assert sum(call.billed and call.cache == "miss" for call in calls) == 1


@BOTH
async def test_at_most_so_many_items_are_under_way(path: str):
    hold = asyncio.Event()
    fake = FakeOpenAI(always=Says("x", hold=hold))
    async with staged(fake, BATCH_MAX_PARALLEL="3") as stage:
        asking = asyncio.create_task(stage.batch(*[ask(str(number)) for number in range(7)], path=path))
        await fake.call(2)
        await stage.taken_in()
        assert len(fake.calls) == 3
        hold.set()
        await asking
    assert len(fake.calls) == 7


@BOTH
async def test_each_item_is_admitted_like_a_call(path: str):
    async with staged(FakeOpenAI(always=Says("x")), POOL_MAX_CONCURRENT="1", BATCH_MAX_PARALLEL="2") as stage:
        answer = await stage.batch(*[ask(str(number)) for number in range(4)], path=path)
        calls = await stage.observed()
    assert answer.status_code == 200
    assert {call.error_code for call in calls} == {None, "gateway_saturated"}


@BOTH
async def test_a_provider_that_fails_spoils_its_own_items_alone(path: str):
    async with staged(FakeOpenAI(Fails(400, "bad"), always=Says("x")), BATCH_MAX_PARALLEL="1") as stage:
        answer = await stage.batch(ask("a"), ask("b"), path=path)
    items = answer.json()["responses"] if path == BATCH else events(answer.content)
    assert [item["index"] for item in items if item.get("error")] == [0]


@BOTH
@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b"{}", "invalid_request", "requests"),
        (b'{"requests": []}', "invalid_request", "requests"),
        (b'{"requests": {}}', "invalid_request", "requests"),
        (b'{"requests": [1], "x": 1}', "invalid_request", "x"),
        (b'{"requests": [' + b",".join([b"1"] * 1001) + b"]}", "batch_too_large", "requests"),
    ],
)
async def test_what_is_no_batch_is_refused(path: str, body: bytes, code: str, param: str | None):
    async with gateway() as stage:
        answer = await stage.http.post(path, content=body, headers={"content-type": "application/json"})
    strictly(answer.json(), ErrorEnvelope)
    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


async def test_a_thousand_items():
    async with gateway() as stage:
        answer = await stage.batch(*[{"prompt": f"Hola {number}", "model": "offline"} for number in range(1000)])
    items = answer.json()["responses"]
    assert len(items) == 1000 and all(item["content"] for item in items)


@BOTH
async def test_a_client_that_leaves_ends_every_item(path: str):
    fake = FakeOpenAI(always=Endless("palabras ", pause=0.01))
    async with staged(fake, BATCH_MAX_PARALLEL="3") as stage:
        asking = asyncio.create_task(stage.batch(*[ask(str(number)) for number in range(9)], path=path))
        await fake.call(2)
        asking.cancel()
        await asyncio.wait([asking])
        for call in fake.calls:
            await call.left.wait()
        assert await eventually(lambda: _statuses(stage)) == ["cancelled"] * 3


async def _statuses(stage: Stage) -> list[str]:
    calls = await stage.observed()
    return [call.status for call in calls] if len(calls) >= 3 else []
