from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from fake_providers import FakeOpenAI, Says
from llm_gateway.errors import InvalidRequest
from llm_gateway.pipeline.caller import CacheControl
from llm_gateway.surfaces.http.raw_endpoint import cache_control

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import CHAT, GENERATE, KEY, QUESTION, error_of, gateway, staged

JSON = {"content-type": "application/json"}
PATHS = [CHAT, GENERATE]


# --- what is refused ---


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_cannot_be_read_is_a_400(path: str):
    deep = b'{"messages": [{"role": "user", "content": "x"}], "metadata": ' + b"[" * 50_000
    question = b'{"messages": [{"role": "user", "content": "x"}], "tools": [{"function": {"name": "f", "parameters": '
    depths = [question + b'{"a":' * n + b"1" + b"}" * n + b"}}]}" for n in (400, 800, 900, 940, 960, 980, 1000, 2000)]
    bodies = [b"{", b"nonsense", b"[]", b"null", b'{"messages": "\xff"}', b'{"messages": [], "model": "\\ud800"}', deep]
    async with gateway() as stage:
        for body in bodies:
            answer = await stage.http.post(path, content=body, headers=JSON)
            assert answer.status_code == 400 and error_of(answer)["type"] == "invalid_request_error", body[:60]
        for body in depths:
            answer = await stage.http.post(path, content=body, headers=JSON)
            assert answer.status_code in (200, 400), (len(body), answer.text)
        calls = await stage.observed()
    assert all(call.status == "error" for call in calls[: len(bodies)]), "a request that cannot be read is counted too"
    assert len(calls) >= len(bodies)


@pytest.mark.parametrize("path", PATHS)
async def test_no_body_at_all_is_a_400(path: str):
    async with gateway() as stage:
        for headers in ({}, JSON):
            answer = await stage.http.post(path, headers=headers)
            assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("path", PATHS)
async def test_the_wrong_field_is_named(path: str):
    async with gateway() as stage:
        wrong = await stage.http.post(path, json={"messages": [{"role": "user", "content": 5}]})
        unknown = await stage.http.post(path, json={"model": "xxx", "messages": QUESTION})
        empty = await stage.http.post(path, json={"messages": []})
    assert (wrong.status_code, error_of(wrong)["param"]) == (400, "messages[0].content")
    assert (unknown.status_code, error_of(unknown)["message"]) == (404, "LLM 'xxx' not found")
    assert (error_of(unknown)["code"], error_of(unknown)["param"]) == ("model_not_found", "model")
    assert (empty.status_code, error_of(empty)["param"]) == (400, "messages")


@pytest.mark.parametrize("path", PATHS)
async def test_a_huge_body_is_a_413_whether_or_not_it_says_so(path: str):
    body = msgspec.json.encode({"messages": [{"role": "user", "content": "a" * 3000}]})

    async def unannounced() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 500):
            yield body[start : start + 500]

    async with gateway(MAX_BODY_BYTES="2000") as stage:
        announced = await stage.http.post(path, content=body, headers=JSON)
        chunked = await stage.http.post(path, content=unannounced(), headers=JSON)
        small = await stage.http.post(path, json={"model": "offline", "messages": QUESTION})
    for answer in (announced, chunked):
        assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large")
    assert small.status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_only_json_and_only_post(path: str):
    async with gateway() as stage:
        form = await stage.http.post(path, data={"messages": "x"})
        text = await stage.http.post(path, content=b"{}", headers={"content-type": "text/plain"})
        others = [await stage.http.request(method, path) for method in ("GET", "PUT", "DELETE", "OPTIONS")]
        charset = await stage.http.post(
            path,
            json={"model": "offline", "messages": QUESTION},
            headers={"content-type": "application/json; charset=utf-8"},
        )
    for answer in (form, text):
        assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_media_type")
    for answer in others:
        assert (answer.status_code, error_of(answer)["code"], answer.headers["allow"]) == (
            405, "method_not_allowed", "POST",
        )  # fmt: skip
    assert charset.status_code == 200


async def test_keys_are_asked_for():
    async with gateway(AUTH_MODE="keys", API_KEYS="right-key,other-key") as stage:
        body = {"model": "offline", "messages": QUESTION}
        for path in PATHS:
            none = await stage.http.post(path, json=body)
            wrong = await stage.http.post(path, json=body, headers={"authorization": "Bearer wrong"})
            bearer = await stage.http.post(path, json=body, headers={"authorization": "Bearer right-key"})
            header = await stage.http.post(path, json=body, headers={"x-api-key": "other-key"})
            assert (none.status_code, error_of(none)["code"]) == (401, "missing_api_key")
            assert (wrong.status_code, error_of(wrong)["code"]) == (401, "invalid_api_key")
            assert bearer.status_code == header.status_code == 200
        for path in ("/mcp/llm/list", "/v1/models", "/metrics"):
            assert (await stage.http.get(path)).status_code == 401
        assert (await stage.http.post("/cache/clear")).status_code == 401
        for path in ("/health", "/healthz", "/readyz", "/openapi.json", "/docs"):
            assert (await stage.http.get(path)).status_code == 200
        calls = await stage.observed()
    assert {call.principal for call in calls} and all("right" not in call.principal for call in calls)


# --- what is answered ---


async def test_a_plain_answer():
    async with staged(FakeOpenAI(Says("¡Hola! 😀"))) as stage:
        answer = await stage.generate(headers={"x-request-id": "mine-1", "x-user-id": "ana"})
        calls = await stage.observed()
    body = answer.json()
    assert (body["content"], body["request_id"], answer.headers["x-request-id"]) == ("¡Hola! 😀", "mine-1", "mine-1")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert (calls[0].end_user, calls[0].request_id, calls[0].surface) == ("ana", "mine-1", "generate")
    assert (
        body["cost_usd"] == pytest.approx(9 * 2.5e-6 + 4 * 10e-6)
        and sum(body["cost_items"].values()) == body["cost_usd"]
    )
    assert body["latency_ms"] > 0


async def test_a_native_stream():
    async with staged(FakeOpenAI(Says(["¡Ho", "la!"], calls=[("c", "add", '{"a": 1}')]))) as stage:
        answer = await stage.generate(stream=True)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-accel-buffering"] == "no" and "no-transform" in answer.headers["cache-control"]
    *deltas, tail, done = events(answer.content)
    assert done == "[DONE]"
    assert [delta["content"] for delta in deltas if "content" in delta] == ["¡Ho", "la!"]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert calls[0] == {"index": 0, "id": "c", "name": "add", "args_delta": ""}
    assert "".join(call["args_delta"] for call in calls) == '{"a": 1}'
    assert tail["tool_calls"] == [{"id": "c", "name": "add", "args": {"a": 1}}]
    assert tail["usage"]["total_tokens"] == 13 and tail["cost_usd"] > 0 and "content" not in tail


@pytest.mark.parametrize("path", PATHS)
async def test_pieces_are_sent_as_they_come(path: str):
    """The first piece is with the client while the provider still speaks."""
    fake = FakeOpenAI(Says(["uno ", "dos ", "tres "], pause=0.3))
    async with staged(fake) as stage:
        body = {"model": "gpt-4o", "messages": QUESTION, "stream": True}
        async with stage.http.stream("POST", path, json=body) as response:
            lines = response.aiter_lines()
            while "uno" not in await anext(lines):
                pass
            assert not fake.calls[0].answered.is_set()
            rest = [line async for line in lines if line]
    assert any("tres" in line for line in rest) and rest[-1] == "data: [DONE]"


async def test_operators_defaults_fill_in_what_a_request_leaves_out():
    fake = FakeOpenAI(Says("x"), Says("x"))
    async with staged(fake, MAX_TOKENS="77", TEMPERATURE="0.5") as stage:
        await stage.chat()
        await stage.chat(max_tokens=5, temperature=1)
    assert (fake.calls[0].body["max_completion_tokens"], fake.calls[0].body["temperature"]) == (77, 0.5)
    assert (fake.calls[1].body["max_completion_tokens"], fake.calls[1].body["temperature"]) == (5, 1)


async def test_the_providers_key_is_sent_and_the_clients_is_not():
    fake = FakeOpenAI(Says("x"), keys=[KEY])
    async with staged(fake, AUTH_MODE="keys", API_KEYS="client-key") as stage:
        answer = await stage.chat(headers={"authorization": "Bearer client-key", "x-user-id": "ana", "cookie": "a=b"})
    assert answer.status_code == 200
    sent = fake.calls[0].headers
    assert sent["authorization"] == f"Bearer {KEY}" and sent["content-type"] == "application/json"
    assert "cookie" not in sent and "client-key" not in str(sent) and "ana" not in str(sent)


async def test_a_provider_without_usage_is_estimated():
    async with staged(FakeOpenAI(Says("x" * 40, usage=None))) as stage:
        body = (await stage.generate()).json()
    assert body["cost_source"] == "estimated" and body["usage"]["completion_tokens"] == 10 and body["cost_usd"] > 0


async def test_an_unknown_price_is_null():
    async with staged(FakeOpenAI(Says("x"))) as stage:
        answer = await stage.generate(model="openai/ft:of-mine")
    assert answer.json()["cost_usd"] is None and answer.json()["cost_source"] == "unknown"
    assert "x-response-cost-usd" not in answer.headers and answer.json()["model"] == "openai/ft:of-mine"


async def test_a_model_id_of_strange_letters_is_harmless():
    async with staged(FakeOpenAI(Says("x"))) as stage:
        answer = await stage.chat(model="openai/año\r\nx-evil: 1")
    assert answer.headers["x-provider-model"] == "a?o??x-evil: 1" and "x-evil" not in answer.headers


async def test_dropped_hints_are_said():
    async with gateway() as stage:
        answer = await stage.chat(model="offline", metadata={"k": "v"}, web_search_options={})
    assert answer.headers["x-dropped-params"] == "metadata, web_search_options"


# --- Cache-Control ---


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", CacheControl()),
        ("no-cache", CacheControl(read=False)),
        ("no-store", CacheControl(read=False, write=False)),
        ("max-age=60", CacheControl(max_age=60)),
        ('private, Max-Age="5" , no-cache', CacheControl(read=False, max_age=5)),
        ("only-if-cached", CacheControl()),
    ],
)
def test_directives(header: str, expected: CacheControl):
    assert cache_control(header) == expected


@pytest.mark.parametrize("header", ["max-age", "max-age=", "max-age=x", "max-age=-1", "max-age=²"])
def test_a_max_age_must_be_a_number(header: str):
    with pytest.raises(InvalidRequest):
        cache_control(header)
