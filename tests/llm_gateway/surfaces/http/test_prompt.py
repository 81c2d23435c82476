"""The prompt API's single calls: `/api/v1/generate` and its stream."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fake_providers import Endless, FakeAzure, FakeOpenAI, Says, Sends
from llm_gateway.surfaces.http.schemas.errors import ErrorEnvelope
from llm_gateway.surfaces.http.schemas.prompt import PromptAnswer, PromptChunk
from service_kit.testing import running

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import KEY, PROMPT, error_of, gateway, staged
from tests.llm_gateway.surfaces.http.test_schemas import strictly
from tests.waiting import eventually

STREAM = f"{PROMPT}/stream"


async def test_a_prompt_is_answered():
    async with staged(FakeOpenAI(Says("Hola a ti"))) as stage:
        answer = await stage.prompt(system="Sé breve", maxTokens=50, temperature=0.5)
        [call] = await stage.observed()
    body = answer.json()
    strictly(body, PromptAnswer)
    assert (body["content"], body["model"], body["provider"], body["tokensUsed"]) == (
        "Hola a ti",
        "gpt-4o",
        "openai",
        13,
    )
    assert body["tokens"] == {"current": 13, "historical": 0, "cached": 0}
    assert body["requestId"] == answer.headers["x-request-id"] == call.request_id
    assert f"{body['costUsd']:f}" == f"{float(answer.headers['x-response-cost-usd']):f}" != "0.000000"
    assert body["processingTime"].endswith("s") and float(body["processingTime"][:-1]) >= 0
    assert (call.surface, call.session, call.status) == ("prompt", body["sessionId"], "ok")


async def test_what_is_asked_reaches_the_provider():
    fake = FakeOpenAI(Says("x"))
    async with staged(fake) as stage:
        await stage.prompt(systemPrompt="Sé breve", maxTokens=50, temperature=0.5)
    sent = fake.calls[0].body
    assert sent["messages"] == [{"role": "system", "content": "Sé breve"}, {"role": "user", "content": "Hola"}]
    assert (sent["max_completion_tokens"], sent["temperature"]) == (50, 0.5)


async def test_the_session_is_the_callers_or_a_new_one():
    async with staged(FakeOpenAI(always=Says("x"))) as stage:
        named = await stage.prompt(headers={"X-Session-ID": "session-456", "X-User-ID": "user-123"})
        new = [(await stage.prompt()).json()["sessionId"] for _ in range(2)]
        spaced = await stage.prompt(headers={"X-Session-ID": "a b"})
        first, *_ = await stage.observed()
    assert named.json()["sessionId"] == "session-456"
    assert len({*new, "session-456"}) == 3
    assert (first.end_user, first.session) == ("user-123", "session-456")
    assert (spaced.status_code, error_of(spaced)["param"]) == (400, "X-Session-ID")


async def test_a_stream_is_chunks_and_their_totals():
    async with staged(FakeOpenAI(Says(["Ho", "la"], reasoning="hm"))) as stage:
        streamed = await stage.prompt(STREAM, headers={"X-Session-ID": "s"})
        again = await stage.prompt(STREAM)
        plain = await stage.prompt()
    thought, *chunks, last = events(streamed.content)
    for chunk in (thought, *chunks, last):
        strictly(chunk, PromptChunk)
    assert thought == {"content": "", "reasoning": "hm", "finished": False, "index": 0}
    assert chunks == [
        {"content": "Ho", "finished": False, "index": 1}, {"content": "la", "finished": False, "index": 2},
    ]  # fmt: skip
    assert (last["content"], last["finished"], last["totalTokens"], last["index"]) == ("", True, 13, 3)
    assert (last["model"], last["provider"], last["sessionId"], last["cached"]) == ("gpt-4o", "openai", "s", False)
    assert streamed.headers["x-cache"] == "miss" and again.headers["x-cache"] == plain.headers["x-cache"] == "hit"
    assert plain.json()["tokens"]["cached"] == 13 and plain.json()["costUsd"] == 0
    assert events(again.content)[-1]["cached"] is True


async def test_a_stream_that_breaks_says_so_in_one_last_event():
    chunk = {"index": 0, "delta": {"content": "Ho"}, "finish_reason": None}
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    begun = b"data: " + msgspec.json.encode({**head, "choices": [chunk]}) + b"\n\n"
    async with staged(FakeOpenAI(Sends([begun], then="cut"))) as stage:
        answer = await stage.prompt(STREAM)
    first, last = events(answer.content)
    assert first["content"] == "Ho"
    strictly(last, PromptChunk)
    assert (
        last["finished"] is True and last["code"] == "upstream_stream_cut" and last["error"] and "content" not in last
    )


@pytest.mark.parametrize("path", [PROMPT, STREAM])
@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"{", 400, "invalid_json", None),
        (b"\xff", 400, "invalid_json", None),
        (b"[]", 400, "invalid_request", None),
        (b"{}", 400, "invalid_request", "prompt"),
        (b'{"prompt": " "}', 400, "invalid_request", "prompt"),
        (b'{"prompt": 1}', 400, "invalid_request", "prompt"),
        (b'{"prompt": "x", "maxTokens": 0}', 400, "invalid_request", "maxTokens"),
        (b'{"prompt": "x", "temperature": 3}', 400, "invalid_request", "temperature"),
        (b'{"prompt": "x", "max_tokens": 5}', 400, "invalid_request", "max_tokens"),
        (b'{"prompt": "x", "system": "a", "systemPrompt": "b"}', 400, "invalid_request", "systemPrompt"),
        (b'{"prompt": "x", "model": "nope"}', 404, "model_not_found", "model"),
        (b'{"prompt": "x", "model": "gpt-4o", "provider": "nope"}', 404, "model_not_found", "model"),
        (b'{"prompt": "x", "model": "gpt-4o", "provider": "azure"}', 503, "provider_not_configured", "model"),
    ],
)
async def test_mistakes_are_told_before_anything_begins(
    path: str, body: bytes, status: int, code: str, param: str | None
):
    async with gateway(OFFLINE_FALLBACK="never") as stage:
        answer = await stage.http.post(path, content=body, headers={"content-type": "application/json"})
    strictly(answer.json(), ErrorEnvelope)
    error = error_of(answer)
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert answer.headers.get("x-should-retry") == "false"


@pytest.mark.parametrize("provider", ["azure", "azure-openai"])
async def test_a_provider_is_asked_for_by_either_name_and_answers_by_its_own(provider: str):
    fake = FakeAzure(Says("Hola"))
    async with (
        running(fake) as upstream,
        gateway(AZURE_API_KEY=KEY, AZURE_ENDPOINT=upstream, OPENAI_API_KEY=KEY) as stage,
    ):
        answer = await stage.prompt(provider=provider)
        listed = (await stage.http.get("/api/v1/models")).json()["models"]
    fake.check()
    assert (answer.json()["provider"], answer.headers["x-provider"]) == ("azure-openai", "azure")
    assert answer.json()["model"] == "azure/gpt-4o" and "fallbackFrom" not in answer.json()
    assert {"aws-bedrock", "azure-openai", "openai"} <= {model["provider"] for model in listed}


async def test_another_model_that_answers_is_told():
    async with gateway() as stage:
        body = (await stage.prompt(provider="aws", model="claude-3-haiku", maxTokens=100)).json()
    assert (body["model"], body["fallbackFrom"]) == ("offline", "aws/claude-3-haiku")


# --- what clients leave out ---

UNNAMED = {"curl": "application/x-www-form-urlencoded", "hey": "text/html", "nothing": ""}


@pytest.mark.parametrize("media_type", UNNAMED.values(), ids=UNNAMED)
@pytest.mark.parametrize("path", [PROMPT, STREAM, f"{PROMPT}/batch", f"{PROMPT}/batch/stream"])
async def test_a_body_need_not_say_that_it_is_json(path: str, media_type: str):
    body = b'{"requests": [{"prompt": "Hola"}]}' if "batch" in path else b'{"prompt": "Hola"}'
    headers = {"content-type": media_type} if media_type else {}
    async with gateway() as stage:
        assert (await stage.http.post(path, content=body, headers=headers)).status_code == 200


PAGES: dict[str, dict[str, str]] = {
    "its origin": {"Origin": "http://localhost:8002"}, "fetch metadata": {"Sec-Fetch-Site": "none"},
    "a referrer": {"Referer": "http://localhost:8002/"},
}  # fmt: skip


@pytest.mark.parametrize("shown", PAGES.values(), ids=PAGES)
async def test_a_pages_form_is_no_request(shown: dict[str, str]):
    async with gateway() as stage:
        for path in (PROMPT, "/mcp/llm/generate"):
            headers = {"content-type": "text/plain", **shown}
            answer = await stage.http.post(path, content=b'{"prompt": "Hola"}', headers=headers)
            assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_media_type")


async def test_elsewhere_json_says_that_it_is():
    async with gateway() as stage:
        answer = await stage.http.post("/mcp/llm/generate", content=b"{}", headers={"content-type": "text/plain"})
        assert answer.status_code == 415


async def test_leaving_a_stream_ends_it_upstream():
    fake = FakeOpenAI(Endless("palabras ", pause=0.01))
    async with staged(fake) as stage:
        async with stage.http.stream("POST", STREAM, json={"prompt": "Hola", "model": "gpt-4o"}) as response:
            async for _ in response.aiter_lines():
                break
        await fake.calls[0].left.wait()

        async def left() -> Any:
            return [call.status for call in await stage.observed()]

        assert await eventually(left) == ["cancelled"]
