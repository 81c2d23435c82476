"""`/v1/responses` through the real server: what is answered, and what clients and providers do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from fake_providers import Endless, Fails, FakeOpenAI, Says, Sends, Silent

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import Stage, error_of, gateway, staged
from tests.waiting import eventually

PATH = "/v1/responses"
JSON = {"content-type": "application/json"}
SOON = 5


async def ask(stage: Stage, *, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return await stage.http.post(PATH, json={"model": "gpt-4o", "input": "Hola", **body}, headers=headers)


def text_of(response: dict[str, Any]) -> str:
    messages = [item for item in response["output"] if item["type"] == "message"]
    return "".join(part["text"] for message in messages for part in message["content"])


# --- what is answered ---


async def test_an_answer_says_where_it_came_from():
    async with staged(FakeOpenAI(Says("¡Hola! 😀"))) as stage:
        answer = await ask(stage, headers={"x-request-id": "mine-1", "x-user-id": "ana"})
        [call] = await stage.observed()
    body = answer.json()
    assert (text_of(body), body["id"], answer.headers["x-request-id"]) == ("¡Hola! 😀", "resp_mine-1", "mine-1")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert (answer.headers["x-provider"], answer.headers["x-cache"]) == ("openai", "miss")
    assert float(answer.headers["x-response-cost-usd"]) == body["usage"]["cost_usd"] > 0
    assert (call.surface, call.end_user, call.status) == ("responses", "ana", "ok")


async def test_what_a_provider_is_asked():
    tool = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    items = [{"role": "user", "content": [{"type": "input_text", "text": "Hola"}]}]
    fake = FakeOpenAI(Says("{}"))
    async with staged(fake) as stage:
        await ask(
            stage, input=items, instructions="Breve", tools=[tool], tool_choice={"type": "function", "name": "add"},
            text={"format": schema}, reasoning={"effort": "low"}, max_output_tokens=20, parallel_tool_calls=False,
        )  # fmt: skip
    sent = {name: value for name, value in fake.calls[0].body.items() if name not in ("model", "stream")}
    assert sent == {
        "messages": [{"role": "system", "content": "Breve"}, {"role": "user", "content": "Hola"}],
        "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}, "strict": True}}],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "response_format": {
            "type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}
        },
        "reasoning_effort": "low", "max_completion_tokens": 20, "parallel_tool_calls": False,
    }  # fmt: skip


async def test_a_coding_assistants_request():
    """As terminal assistants send it: everything said outright, nothing stored, thoughts sealed."""
    turn = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Sandboxed."}]}
    asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "ls"}]}
    shell = {"type": "function", "name": "shell", "description": "Runs", "strict": False, "parameters": {}}
    fake = FakeOpenAI(Says(reasoning="hm", calls=[("c1", "shell", '{"command":["ls"]}')]))
    async with staged(fake) as stage:
        answer = await ask(
            stage, instructions="You are an agent.", input=[turn, asked], tools=[shell], tool_choice="auto",
            parallel_tool_calls=False, reasoning={"effort": "medium", "summary": "auto"}, store=False, stream=True,
            include=["reasoning.encrypted_content"], prompt_cache_key="k", client_metadata={"x": "y"},
        )  # fmt: skip
    last = events(answer.content)[-1]
    assert last["type"] == "response.completed" and last["response"]["usage"]["total_tokens"] == 13
    assert [item["type"] for item in last["response"]["output"]] == ["reasoning", "function_call"]
    assert [message["role"] for message in fake.calls[0].body["messages"]] == ["system", "system", "user"]
    assert fake.calls[0].body["reasoning_effort"] == "medium"
    assert fake.calls[0].body["prompt_cache_key"] == "k"
    assert answer.headers["x-dropped-params"].startswith("client_metadata")


async def test_dropped_hints_are_said():
    async with gateway() as stage:
        plain = await ask(stage, model="offline", store=True, metadata={"k": "v"}, text={"verbosity": "low"}, novel=1)
        harmless = await ask(stage, model="offline", store=False, metadata={}, include=["reasoning.encrypted_content"])
    assert plain.headers["x-dropped-params"] == "metadata, store, verbosity, novel"
    assert "x-dropped-params" not in harmless.headers


async def test_the_same_question_twice_is_answered_once():
    """From the cache, whether as a whole or as a stream, each with an id of its own; settings do not matter there."""
    async with staged(FakeOpenAI(Says("Hola"))) as stage:
        first = await ask(stage)
        again = await ask(stage, metadata={"a": "b"})
        streamed = await ask(stage, stream=True)
        calls = await stage.observed()
    last = events(streamed.content)[-1]["response"]
    answers = [first.json(), again.json(), last]
    assert [text_of(answer) for answer in answers] == ["Hola"] * 3
    assert len({answer["id"] for answer in answers}) == len({answer["output"][0]["id"] for answer in answers}) == 3
    assert again.json()["metadata"] == {"a": "b"} and again.json()["usage"]["cost_usd"] == 0
    assert [response.headers["x-cache"] for response in (first, again, streamed)] == ["miss", "hit", "hit"]
    assert len(calls) == 3


async def test_the_same_question_on_another_surface_is_the_same_question():
    async with staged(FakeOpenAI(Says("Hola"))) as stage:
        await stage.chat()
        answer = await ask(stage)
    assert answer.headers["x-cache"] == "hit" and text_of(answer.json()) == "Hola"


async def test_pieces_are_sent_as_they_come():
    fake = FakeOpenAI(Says(["uno ", "dos ", "tres "], pause=0.1))
    async with staged(fake) as stage:
        body = {"model": "gpt-4o", "input": "Hola", "stream": True}
        async with stage.http.stream("POST", PATH, json=body) as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            lines = response.aiter_lines()
            while "uno" not in await anext(lines):
                pass
            assert not fake.calls[0].answered.is_set()
            rest = [line async for line in lines if line.startswith("data: ")]
    assert msgspec.json.decode(rest[-1].removeprefix("data: "))["type"] == "response.completed"
    assert "[DONE]" not in "".join(rest)


# --- what is refused ---


async def test_a_body_that_cannot_be_read_is_a_400():
    deep = b'{"model": "offline", "input": "x", "metadata": ' + b"[" * 50_000
    tools = b'{"model": "offline", "input": "x", "tools": [{"type": "function", "name": "f", "parameters": '
    depths = [tools + b'{"a":' * n + b"1" + b"}" * n + b"}]}" for n in (400, 900, 960, 1000, 2000)]
    bodies = [b"", b"{", b"nonsense", b"[]", b"null", b'"Hola"', b'{"input": "\xff"}', b'{"input": "\\ud800"}', deep]
    async with gateway() as stage:
        for body in bodies:
            answer = await stage.http.post(PATH, content=body, headers=JSON)
            assert answer.status_code == 400 and error_of(answer)["type"] == "invalid_request_error", body[:60]
        for body in depths:
            answer = await stage.http.post(PATH, content=body, headers=JSON)
            assert answer.status_code in (200, 400), (len(body), answer.text)
        calls = await stage.observed()
    assert all(call.status == "error" for call in calls[: len(bodies)]), "a request that cannot be read is counted too"


async def test_the_wrong_field_is_named():
    part = {"type": "input_audio", "data": ""}
    async with gateway() as stage:
        wrong = await ask(stage, input=[{"role": "user", "content": [part]}])
        nothing = await stage.http.post(PATH, json={"model": "offline"})
        empty = await ask(stage, input=[])
        unknown = await ask(stage, model="xxx")
        stateful = await ask(stage, previous_response_id="resp_1")
    assert (wrong.status_code, error_of(wrong)["param"]) == (400, "input[0].content[0].type")
    assert [error_of(answer)["param"] for answer in (nothing, empty)] == ["input", "input"]
    assert (unknown.status_code, error_of(unknown)["message"]) == (404, "LLM 'xxx' not found")
    assert (stateful.status_code, error_of(stateful)["code"]) == (400, "unsupported_parameter")


async def test_a_refused_stream_is_an_http_error():
    async with staged(FakeOpenAI(Fails(429, retry_after="7"))) as stage:
        unread = await ask(stage, stream=True, temperature=9)
        limited = await ask(stage, stream=True)
    assert (unread.status_code, error_of(unread)["param"]) == (400, "temperature")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("value", [None, 0, -1, 1e400, True, "", "x", [], {}, [[]], [None]], ids=repr)
@pytest.mark.parametrize("name", ["input", "tools", "text", "reasoning", "tool_choice", "max_output_tokens", "stream"])
async def test_no_value_is_a_server_error(name: str, value: Any):
    body = {"model": "offline", "input": "Hola", name: value}
    content = msgspec.json.encode(body).replace(b"null" if value == 1e400 else b"\0", b"1e400")
    async with gateway() as stage:
        answer = await stage.http.post(PATH, content=content, headers=JSON)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert error_of(answer)["code"] in ("invalid_request", "invalid_json")


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "\u202e", "👩‍👩‍👧‍👦" * 500, "a\u0301" * 50, "\n" * 100, "</s>", '{"input": 1}', "ﷺ"]
)
async def test_any_text_is_a_question_and_an_answer(text: str):
    async with staged(FakeOpenAI(Says(text), Says([text[:1], text[1:]]))) as stage:
        plain = await ask(stage, input=text, instructions=text, user=text)
        streamed = await ask(stage, input=text, stream=True, headers={"cache-control": "no-store"})
    assert text_of(plain.json()) == text_of(events(streamed.content)[-1]["response"]) == text


async def test_of_a_field_that_comes_twice_the_last_counts():
    async with staged(FakeOpenAI(Says("Hola"))) as stage:
        body = b'{"model": "xxx", "input": "no", "input": "yes", "model": "gpt-4o"}'
        answer = await stage.http.post(PATH, content=body, headers=JSON)
    assert text_of(answer.json()) == "Hola"


async def test_a_huge_body_is_a_413_whether_or_not_it_says_so():
    body = msgspec.json.encode({"model": "offline", "input": "a" * 3000})

    async def unannounced() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 500):
            yield body[start : start + 500]

    async with gateway(MAX_BODY_BYTES="2000") as stage:
        announced = await stage.http.post(PATH, content=body, headers=JSON)
        chunked = await stage.http.post(PATH, content=unannounced(), headers=JSON)
        small = await ask(stage, model="offline")
    for answer in (announced, chunked):
        assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large")
    assert small.status_code == 200


async def test_a_long_conversation_is_no_mistake():
    items: list[Any] = []
    for number in range(2000):
        call = {"type": "function_call", "call_id": f"c{number}", "name": "add", "arguments": "{}"}
        items += [call, {"type": "function_call_output", "call_id": f"c{number}", "output": "x" * 100}]
    fake = FakeOpenAI(Says("ya"))
    async with staged(fake) as stage:
        answer = await ask(stage, input=items)
    assert text_of(answer.json()) == "ya" and len(fake.calls[0].body["messages"]) == 4000


async def test_only_json_and_only_post():
    async with gateway() as stage:
        form = await stage.http.post(PATH, data={"input": "x"})
        text = await stage.http.post(PATH, content=b"{}", headers={"content-type": "text/plain"})
        others = [await stage.http.request(method, PATH) for method in ("GET", "PUT", "DELETE")]
        stored = await stage.http.get(f"{PATH}/resp_1")
    for answer in (form, text):
        assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_media_type")
    for answer in others:
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert stored.status_code == 404


# --- providers that fail midway ---

CHUNKS = (
    b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"}}]}\n\n',
    b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Ho"}}]}\n\n',
    b'data: {"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c",'
    b'"function":{"name":"f","arguments":"{"}}]}}]}\n\n',
)
ENDS: dict[str, Any] = {
    "cut": (),
    "garbage": (b"data: {oops\n\n",),
    "error": (b'data: {"error":{"message":"secret"}}\n\n',),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_stream_that_breaks_never_looks_whole(end: str, after: int):
    sent = Sends([*CHUNKS[:after], 0.05, *ENDS[end]], then="cut" if end == "cut" else "end")
    async with staged(FakeOpenAI(sent)) as stage:
        answer = await ask(stage, stream=True)
        [call] = await stage.observed()
    *said, failed, last = events(answer.content)
    assert [event["sequence_number"] for event in (*said, failed, last)] == list(range(len(said) + 2))
    assert (failed["type"], failed["response"]["status"], last["type"]) == ("response.failed", "failed", "error")
    statuses = [item["status"] for item in failed["response"]["output"]]
    assert statuses == ["completed"] * (after - 1) + ["incomplete"]
    assert last["error"]["request_id"] == answer.headers["x-request-id"]
    assert last["code"].startswith("upstream_") and "secret" not in answer.text
    assert call.status == "error"


async def test_a_failure_after_signs_of_life_is_told_in_the_stream():
    fake = FakeOpenAI(Sends([0.4], status=500))
    async with staged(fake, STREAM_KEEPALIVE_SECONDS="0.1") as stage:
        answer = await ask(stage, stream=True)
    assert answer.status_code == 200 and answer.text.startswith(": keep-alive")
    assert [event["type"] for event in events(answer.content)] == [
        "response.created", "response.in_progress", "response.failed", "error",
    ]  # fmt: skip


# --- clients that leave, or are slow ---


async def test_leaving_a_stream_cancels_it_upstream():
    fake = FakeOpenAI(Endless("palabras ", pause=0.01))
    async with staged(fake) as stage:
        body = {"model": "gpt-4o", "input": "Hola", "stream": True}
        async with stage.http.stream("POST", PATH, json=body) as response:
            async for line in response.aiter_lines():
                if "output_text.delta" in line:
                    break
        await asyncio.wait_for(fake.calls[0].left.wait(), SOON)
        call = await recorded(stage)
    assert (call.status, call.http_status, call.error_code) == ("cancelled", 499, "client_gone")
    assert call.usage and call.usage.estimated and call.usage.completion_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_before_the_first_word_cancels_it_upstream(stream: bool):
    fake = FakeOpenAI(Silent())
    async with staged(fake) as stage:
        body = {"model": "gpt-4o", "input": "Hola", "stream": stream}
        asking = asyncio.create_task(stage.http.post(PATH, json=body))
        await fake.call()
        asking.cancel()
        await asyncio.wait_for(fake.calls[0].left.wait(), SOON)
        assert (await recorded(stage)).status == "cancelled"


async def recorded(stage: Stage) -> Any:
    return (await eventually(stage.observed))[0]


def request_bytes(body: bytes, *headers: str) -> bytes:
    lines = [f"POST {PATH} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def exchanged(stage: Stage, pieces: list[bytes], *, close: bool = False) -> bytes:
    """What the server says to these pieces on one connection; with `close` the client hangs up behind them."""
    address = httpx.URL(stage.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)
        if close:
            return b""
        return await asyncio.wait_for(reader.read(), SOON)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_body_may_come_byte_by_byte():
    body = b'{"model": "offline", "input": "\xc2\xbfQu\xc3\xa9?"}'
    request = request_bytes(body, f"Content-Length: {len(body)}", "Connection: close")
    async with gateway() as stage:
        answer = await exchanged(stage, [bytes([byte]) for byte in request])
    assert answer.startswith(b"HTTP/1.1 200")
    assert msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])["status"] == "completed"


async def test_a_body_that_stops_midway_troubles_nobody():
    body = b'{"model": "gpt-4o", "input": "Hola"}'
    request = request_bytes(body, f"Content-Length: {len(body)}")
    async with staged(FakeOpenAI(Says("Hola"))) as stage:
        for end in (10, len(request) - len(body), len(request) - 1):
            await exchanged(stage, [request[:end]], close=True)
        assert text_of((await ask(stage)).json()) == "Hola"
        *left, call = await stage.observed()
    assert call.status == "ok"
    assert {(one.status, one.http_status, one.error_code) for one in left} == {("cancelled", 499, "client_gone")}


async def test_two_questions_on_one_connection_get_their_answers_in_order():
    def asked(text: str, *headers: str) -> bytes:
        body = msgspec.json.encode({"model": "gpt-4o", "input": text})
        return request_bytes(body, f"Content-Length: {len(body)}", *headers)

    async with staged(FakeOpenAI(Says("uno"), Says("dos"))) as stage:
        both = await exchanged(stage, [asked("1") + asked("2", "Connection: close")])
    assert both.count(b"HTTP/1.1 200") == 2
    assert both.index(b'"uno"') < both.index(b'"dos"')


async def test_many_clients_at_once_get_each_their_own():
    async with staged(FakeOpenAI(always=Says("Hola"))) as stage:
        answers = await asyncio.gather(*(ask(stage, input=f"{n}", stream=n % 2 == 0) for n in range(40)))
    ids = set()
    for number, answer in enumerate(answers):
        body = answer.json() if number % 2 else events(answer.content)[-1]["response"]
        assert text_of(body) == "Hola" and body["id"] == f"resp_{answer.headers['x-request-id']}"
        ids.add(body["id"])
    assert len(ids) == 40


async def test_a_client_that_closes_its_half_has_left():
    body = b'{"model": "gpt-4o", "input": "Hola"}'
    fake = FakeOpenAI(Silent(), Says("Hola"))
    async with staged(fake) as stage:
        address = httpx.URL(stage.url)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(request_bytes(body, f"Content-Length: {len(body)}"))
        await asyncio.wait_for(fake.call(), SOON)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), SOON) == b""
        await asyncio.wait_for(fake.calls[0].left.wait(), SOON)
        writer.close()
        assert (await recorded(stage)).status == "cancelled"
        assert text_of((await ask(stage)).json()) == "Hola"
