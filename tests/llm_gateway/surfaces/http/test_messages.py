"""`POST /v1/messages` and `count_tokens`, byte by byte where Anthropic's own client is too polite to ask."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from fake_providers import FakeOpenAI, Says
from llm_gateway.surfaces.http.schemas.messages import MessageEvent, MessageObject, MessagesError, TokenCount

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import QUESTION, Stage, gateway, staged

MESSAGES, COUNT = "/v1/messages", "/v1/messages/count_tokens"
ASKED: dict[str, Any] = {"model": "gpt-4o", "max_tokens": 100, "messages": QUESTION}
BOTH = pytest.mark.parametrize("path", [MESSAGES, COUNT])


def strictly(body: Any, kind: type) -> None:
    """`body` is a `kind`, and has no field that a `kind` does not describe."""
    assert msgspec.to_builtins(msgspec.convert(body, kind, strict=True)) == body


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error in Anthropic's envelope, checked for its shape."""
    body = response.json()
    strictly(body, MessagesError)
    assert body["request_id"] == response.headers["x-request-id"]
    return body["error"]


async def post(stage: Stage, path: str = MESSAGES, **body: Any) -> httpx.Response:
    return await stage.http.post(path, json={**ASKED, **body})


# --- as described ---

USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}}
ANSWERS = [
    Says("Hola"),
    Says("Hola", reasoning="hm", usage=USAGE),
    Says("Voy", calls=[("a", "add", '{"a": 1}'), ("b", "add", "{}")]),
    Says(refusal="No"),
    Says("x", finish_reason="length", usage=None),
]


@pytest.mark.parametrize("says", ANSWERS, ids=range(len(ANSWERS)))
async def test_answers_are_as_described(says: Says):
    async with staged(FakeOpenAI(always=says)) as stage:
        plain, again = await post(stage), await post(stage)
        stream = await post(stage, stream=True)
    kept = "miss" if says.finish_reason == "length" else "hit"
    assert (plain.headers["x-cache"], again.headers["x-cache"]) == ("miss", kept)
    assert plain.headers["x-provider"] == "openai" and "x-response-cost-usd" in plain.headers
    strictly(plain.json(), MessageObject)
    told = events(stream.content)
    for event in told:
        strictly(event, MessageEvent)
    kinds = [event["type"] for event in told]
    assert kinds[:2] == ["message_start", "ping"] and kinds[-2:] == ["message_delta", "message_stop"]
    names = [line.removeprefix("event: ") for line in stream.text.split("\n") if line.startswith("event: ")]
    assert names == kinds


async def test_a_count_is_as_described():
    async with gateway() as stage:
        counted = await stage.http.post(COUNT, json={"model": "offline", "messages": QUESTION})
    strictly(counted.json(), TokenCount)


# --- errors of ours ---


@BOTH
async def test_the_borders_refusals_are_anthropics(path: str):
    async with gateway(AUTH_MODE="keys", API_KEYS="sk-right-0123456789abcdef", MAX_BODY_BYTES="2000") as stage:
        key = {"x-api-key": "sk-right-0123456789abcdef"}
        without = await stage.http.post(path, json=ASKED)
        wrong = await stage.http.post(path, json=ASKED, headers={"x-api-key": "no"})
        form = await stage.http.post(path, content=b"a=b", headers={**key, "content-type": "text/plain"})
        large = await stage.http.post(path, json={**ASKED, "system": "x" * 3000}, headers=key)
        got = await stage.http.get(path, headers=key)
        stranger = await stage.http.post(path, json=ASKED, headers={**key, "host": "evil.test"})
        page = await stage.http.post(path, json=ASKED, headers={**key, "origin": "https://evil.test"})
        fine = await stage.http.post(path, json={**ASKED, "model": "offline"}, headers=key)
    refusals = [(without, 401), (wrong, 401), (form, 415), (large, 413), (got, 405), (stranger, 421), (page, 403)]
    assert [(r.status_code, error_of(r)["type"]) for r, _ in refusals] == [
        (401, "authentication_error"), (401, "authentication_error"), (415, "invalid_request_error"),
        (413, "request_too_large"), (405, "invalid_request_error"), (421, "invalid_request_error"),
        (403, "permission_error"),
    ]  # fmt: skip
    assert got.headers["allow"] == "POST" and fine.status_code == 200


async def test_other_paths_keep_our_envelope():
    async with gateway() as stage:
        got = await stage.http.get("/v1/chat/completions")
        unknown = await stage.http.post("/v1/messages/batches", json={})
    assert set(got.json()) == set(unknown.json()) == {"error"}
    assert got.status_code == 405 and got.headers["allow"] == "POST"


BLOCK = "messages[0].content[0]"
BAD: dict[str, tuple[dict[str, Any], str | None]] = {
    "no length": ({"max_tokens": None}, "max_tokens"),
    "a length of nothing": ({"max_tokens": 0}, "max_tokens"),
    "too hot": ({"temperature": 1.5}, "temperature"),
    "no messages": ({"messages": []}, "messages"),
    "a strange role": ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    "a number": ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    "a document": ({"messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]}, f"{BLOCK}.type"),
    "a search's result": (
        {"messages": [{"role": "user", "content": [{"type": "web_search_tool_result"}]}]}, f"{BLOCK}.type",
    ),
    "a call by the user": (
        {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}]},
        BLOCK,
    ),
    "a result by the assistant": (
        {"messages": [{"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]}, BLOCK,
    ),
    "a picture by the assistant": (
        {
            "messages": [
                {"role": "assistant", "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}]}
            ]
        },
        BLOCK,
    ),
    "a file": (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
        f"{BLOCK}.source.type",
    ),
    "a call's input that is no object": (
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "x"}]}]},
        f"{BLOCK}.input",
    ),
    "a tool without a name": ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
    "a tool without a schema": ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
    "a choice of nothing": ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    "a strange choice": ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
    "a small budget": ({"thinking": {"type": "enabled", "budget_tokens": 1}}, "thinking.budget_tokens"),
    "no budget": ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    "a budget over all": (
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 2000}, "thinking.budget_tokens",
    ),
    "a thread that we would have to keep": ({"thread": {"type": "create"}}, "thread"),
    "a strange thought": ({"thinking": {"type": "deep"}}, "thinking.type"),
    "a tool of Anthropic's": ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools"),
    "a form without a schema": ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "param"), BAD.values(), ids=BAD.keys())
async def test_what_is_wrong_is_named(asked: dict[str, Any], param: str | None):
    async with staged(FakeOpenAI()) as stage:
        refused = await post(stage, **asked)
    error = error_of(refused)
    assert (refused.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)


@BOTH
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b"null", b'{"messages": ', b"[" * 50_000])
async def test_what_is_no_request(path: str, body: bytes):
    async with staged(FakeOpenAI()) as stage:
        refused = await stage.http.post(path, content=body, headers={"content-type": "application/json"})
    assert (refused.status_code, error_of(refused)["type"]) == (400, "invalid_request_error")


async def test_what_cannot_be_said_elsewhere_is_named_or_listed():
    async with staged(FakeOpenAI(always=Says("x"))) as stage:
        sampled = await post(stage, top_k=5)
        hinted = await post(stage, service_tier="auto", thinking={"type": "disabled"}, context_management={"edits": []})
    assert (sampled.status_code, error_of(sampled)["param"]) == (400, "top_k")
    assert hinted.status_code == 200
    assert set(hinted.headers["x-dropped-params"].split(", ")) == {"service_tier", "thinking", "context_management"}
