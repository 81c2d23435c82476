"""The cache and coalescing as clients see them: who asks the provider, and who is answered without it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest
from fake_providers import Exchange, Fails, FakeOpenAI, Says

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import CHAT, QUESTION, Stage, staged
from tests.waiting import eventually


async def ask(stage: Stage, *, control: str | None = None, **body: Any) -> tuple[str, str]:
    """`x-cache`, and what was said."""
    headers = {"cache-control": control} if control else None
    answer = await stage.chat(headers=headers, **body)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-cache"], text_of(answer)


def text_of(answer: httpx.Response) -> str:
    if answer.headers["content-type"] == "application/json":
        return answer.json()["choices"][0]["message"]["content"]
    *chunks, done = events(answer.content)
    assert done == "[DONE]"
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


# --- the cache ---


async def test_the_second_of_two_equal_questions_is_a_hit():
    async with staged(FakeOpenAI(Says("uno"))) as stage:
        first, second = await stage.chat(), await stage.chat()
    assert [a.headers["x-cache"] for a in (first, second)] == ["miss", "hit"]
    assert second.headers["cache-status"] == "llm-gateway; hit"
    assert first.headers["cache-status"] == "llm-gateway; fwd=miss"
    assert float(first.headers["x-response-cost-usd"]) > 0 == float(second.headers["x-response-cost-usd"])
    assert first.json()["choices"] == second.json()["choices"]
    assert first.json()["id"] != second.json()["id"], "the answer is the same, the request is not"


async def test_a_native_hit_says_what_it_saved():
    async with staged(FakeOpenAI(Says("uno"))) as stage:
        first, second = (await stage.generate()).json(), (await stage.generate()).json()
    assert (first["cached"], second["cached"]) == (False, True)
    assert second["cost_usd"] == 0 and second["saved_usd"] == first["cost_usd"] > 0
    assert second["usage"] == first["usage"]


@pytest.mark.parametrize("stream_first", [True, False])
async def test_streams_and_plain_answers_share_an_entry(stream_first: bool):
    async with staged(FakeOpenAI(Says(["¡Ho", "la!"], reasoning="hm"))) as stage:
        assert await ask(stage, stream=stream_first) == ("miss", "¡Hola!")
        assert await ask(stage, stream=not stream_first) == ("hit", "¡Hola!")
        assert await ask(stage, stream=stream_first) == ("hit", "¡Hola!")
        assert (await stage.generate()).json()["reasoning"] == "hm", "surfaces share it too"


async def test_tool_calls_are_replayed_as_a_stream():
    tools = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
    calls = [("call_1", "add", '{"a": 1}'), ("call_2", "add", '{"a": 2}')]
    async with staged(FakeOpenAI(Says(calls=calls))) as stage:
        plain = (await stage.chat(tools=tools)).json()["choices"][0]["message"]["tool_calls"]
        replayed = await stage.chat(tools=tools, stream=True)
    assert replayed.headers["x-cache"] == "hit"
    pieces = [p for c in events(replayed.content)[:-1] for p in c["choices"][0]["delta"].get("tool_calls", ())]
    for index, call in enumerate(plain):
        mine = [piece for piece in pieces if piece["index"] == index]
        assert mine[0]["id"] == call["id"] and mine[0]["function"]["name"] == call["function"]["name"]
        assert "".join(piece["function"]["arguments"] for piece in mine) == call["function"]["arguments"]


async def test_cache_control_of_a_request():
    async with staged(FakeOpenAI(*(Says(str(n)) for n in range(1, 5)))) as stage:
        assert await ask(stage) == ("miss", "1")
        assert (await ask(stage, control="no-cache"))[1] == "2", "asked anew"
        assert await ask(stage) == ("hit", "2"), "and kept"
        assert await ask(stage, control="no-store") == ("bypass", "3")
        assert await ask(stage) == ("hit", "2"), "not kept"
        assert await ask(stage, control="max-age=60") == ("hit", "2")
        await asyncio.sleep(0.01)
        assert await ask(stage, control="private, MAX-AGE=0") == ("miss", "4")


@pytest.mark.parametrize("control", ["max-age=soon", "max-age", "max-age=-1", "max-age=1.5", "max-age=²"])
async def test_a_max_age_that_is_no_number_is_refused(control: str):
    async with staged(FakeOpenAI()) as stage:
        raw = [("cache-control", control.encode("latin-1"))]
        answer = await stage.http.post(CHAT, json={"messages": QUESTION}, headers=raw)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "Cache-Control")


async def test_what_changes_no_meaning_is_still_a_hit():
    async with staged(FakeOpenAI(Says("uno"))) as stage:
        await ask(stage, user="a", metadata={"k": "1"})
        assert await ask(stage, user="b", metadata={"k": "2"}, model="openai/gpt-4o") == ("hit", "uno")
        body = b'{"messages":[{"content":"Hola","role":"user"}],"model":"gpt-4o"}'
        other_order = await stage.http.post(CHAT, content=body, headers={"content-type": "application/json"})
        assert other_order.headers["x-cache"] == "hit"


@pytest.mark.parametrize(
    "change", [{"temperature": 0.1}, {"max_tokens": 9}, {"verbosity": "low"}, {"seed": 1}, {"web_search_options": {}}]
)
async def test_what_changes_the_meaning_is_a_miss(change: dict[str, Any]):
    fake = FakeOpenAI(Says("uno"), Says("dos")) if "web_search_options" not in change else FakeOpenAI(Says("uno"))
    if "web_search_options" in change:  # a field that we do not know may mean anything
        async with staged(fake) as stage:
            await ask(stage)
            assert (await stage.chat(**change)).headers.get("x-cache") != "hit"
            fake._mistakes.clear()  # pyright: ignore[reportPrivateUsage] - the fake does not know the field either
        return
    async with staged(fake) as stage:
        assert await ask(stage) == ("miss", "uno")
        assert await ask(stage, **change) == ("miss", "dos")


async def test_tenants_never_share():
    fake = FakeOpenAI(Says("de uno"), Says("de dos"))
    async with staged(fake, AUTH_MODE="keys", API_KEYS="key-one,key-two") as stage:
        answers = [await stage.chat(headers={"x-api-key": key}) for key in ("key-one", "key-two", "key-one", "key-two")]
    assert [(a.headers["x-cache"], text_of(a)) for a in answers] == [
        ("miss", "de uno"), ("miss", "de dos"), ("hit", "de uno"), ("hit", "de dos"),
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "bad", [Fails(500), Says("a med", finish_reason="length"), Says("x", finish_reason="content_filter")]
)
async def test_what_is_no_whole_answer_is_not_kept(bad: Any, stream: bool):
    async with staged(FakeOpenAI(bad, Says("entera"))) as stage:
        await stage.chat(stream=stream)
        assert await ask(stage, stream=stream) == ("miss", "entera")


async def test_without_a_cache_every_question_is_asked():
    async with staged(FakeOpenAI(Says("1"), Says("2")), CACHE_ENABLED="false") as stage:
        assert [await ask(stage), await ask(stage)] == [("bypass", "1"), ("bypass", "2")]
        assert (await stage.http.post("/cache/clear")).json() == {"cleared": 0}
        assert (await stage.http.get("/health")).json()["cache"] == {"enabled": False, "entries": 0}


async def test_the_cache_can_be_cleared():
    async with staged(FakeOpenAI(Says("1"), Says("2"), Says("3"))) as stage:
        await ask(stage)
        await ask(stage, seed=1)
        assert (await stage.http.get("/health")).json()["cache"] == {"enabled": True, "entries": 2}
        assert (await stage.http.post("/cache/clear")).json() == {"cleared": 2}
        assert (await ask(stage))[0] == "miss"


async def test_the_cache_is_bounded():
    async with staged(FakeOpenAI(always=Says("x")), CACHE_MAX_SIZE="2") as stage:
        for seed in range(5):
            await ask(stage, seed=seed)
        assert (await stage.http.get("/health")).json()["cache"]["entries"] == 2
        assert (await ask(stage, seed=4))[0] == "hit"


async def test_what_the_cache_keeps_expires():
    async with staged(FakeOpenAI(Says("1"), Says("2")), CACHE_TTL="0.05") as stage:
        assert await ask(stage) == ("miss", "1")

        async def anew() -> bool:
            return await ask(stage) == ("miss", "2")

        await eventually(anew)


# --- coalescing ---


@dataclass(frozen=True)
class Halting(Says):
    """A stream that halts halfway until `gate` is set."""

    halfway: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, {"content-type": "text/event-stream"})
        frames = [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in self.chunks(exchange.call.body)]
        for number, frame in enumerate(frames):
            if number == len(frames) // 2:
                self.halfway.set()
                await self.gate.wait()
            await exchange.write(frame)
        await exchange.end(b"data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [False, True])
async def test_equal_questions_in_flight_are_one_call(stream: bool):
    hold = asyncio.Event()
    fake = FakeOpenAI(Says(["¡Ho", "la!"], hold=hold))
    async with staged(fake) as stage:
        asking = [asyncio.create_task(stage.chat(stream=stream)) for _ in range(8)]
        await fake.call()
        await stage.taken_in()
        hold.set()
        answers = await asyncio.gather(*asking)
        calls = await stage.observed()
    assert sorted(a.headers["x-cache"] for a in answers) == ["coalesced"] * 7 + ["miss"]
    assert {text_of(a) for a in answers} == {"¡Hola!"}
    assert len({a.headers["x-request-id"] for a in answers}) == 8
    ids = [events(a.content)[0]["id"] if stream else a.json()["id"] for a in answers]
    assert ids == [f"chatcmpl-{a.headers['x-request-id']}" for a in answers]
    assert sum(call.cost_usd or 0 for call in calls) == next(c.cost_usd for c in calls if c.cache == "miss"), (
        "paid once"
    )
    assert [call.status for call in calls] == ["ok"] * 8


async def test_a_latecomer_to_a_stream_gets_all_of_it():
    behaviour = Halting([f"{n} " for n in range(40)])
    async with staged(FakeOpenAI(behaviour)) as stage:
        first = asyncio.create_task(stage.chat(stream=True))
        await behaviour.halfway.wait()
        coming = asyncio.create_task(stage.chat(stream=True))
        await stage.taken_in()
        behaviour.gate.set()
        late = await coming
    assert late.headers["x-cache"] == "coalesced"
    assert text_of(late) == text_of(await first) == "".join(f"{n} " for n in range(40))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_shared_failure_reaches_everybody(stream: bool):
    fake = FakeOpenAI(Fails(429, headers={"retry-after-ms": "20"}), Says("ya"))
    async with staged(fake) as stage:
        answers = await asyncio.gather(*(stage.chat(stream=stream) for _ in range(4)))

        async def answered() -> bool:
            answer = await stage.chat(stream=stream)  # 429 for as long as the provider asked to be left alone
            return answer.status_code == 200 and (answer.headers["x-cache"], text_of(answer)) == ("miss", "ya")

        await eventually(answered)  # a failure is not kept
    failed = [a for a in answers if a.status_code == 429]
    assert failed and all(a.headers["retry-after"] == "1" for a in failed)


async def test_different_tenants_are_not_coalesced():
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("x", hold=hold), Says("x", hold=hold))
    async with staged(fake, AUTH_MODE="keys", API_KEYS="key-one,key-two") as stage:
        asking = [asyncio.create_task(stage.chat(headers={"x-api-key": key})) for key in ("key-one", "key-two")]
        await asyncio.wait_for(fake.call(1), 5)
        hold.set()
        assert [a.headers["x-cache"] for a in await asyncio.gather(*asking)] == ["miss", "miss"]


async def test_no_store_is_not_coalesced():
    hold = asyncio.Event()
    fake = FakeOpenAI(Says("x", hold=hold), Says("x", hold=hold))
    async with staged(fake) as stage:
        asking = [asyncio.create_task(ask(stage, control="no-store")) for _ in range(2)]
        await asyncio.wait_for(fake.call(1), 5)
        hold.set()
        assert await asyncio.gather(*asking) == [("bypass", "x")] * 2
