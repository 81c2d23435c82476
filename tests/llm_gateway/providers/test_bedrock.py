"""Bedrock through the running gateway: an OpenAI client's request in, Converse out, and everything back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_providers import Behavior, Sends
from fake_providers.bedrock import Embeds, Endless, Fails, FakeBedrock, Raises, Says, Secret, event
from service_kit.testing import running

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.harness import CHAT, GENERATE, QUESTION, Stage, error_of, gateway

KNOWN = {"AKIDRIGHT": Secret("right")}
NOVA = "bedrock-nova-pro"
CLAUDE = "aws/claude-sonnet-4-5"
TOOL = {
    "type": "function",
    "function": {"name": "add", "description": "Adds", "parameters": {"type": "object", "properties": {}}},
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
WANTED = {"type": "json_schema", "json_schema": {"name": "number", "schema": SCHEMA}}
CALLS = [("tooluse_1", "add", '{"a":1,"b":2}'), ("tooluse_2", "add", '{"a":3,"b":4}')]


@asynccontextmanager
async def staged(fake: FakeBedrock, **environ: str) -> AsyncIterator[Stage]:
    async with running(fake) as upstream:
        keys = {"AWS_ACCESS_KEY_ID": "AKIDRIGHT", "AWS_SECRET_ACCESS_KEY": "right", "AWS_REGION": "eu-west-1"}
        async with gateway(**{**keys, "BEDROCK_BASE_URL": upstream, "CACHE_ENABLED": "false", **environ}) as stage:
            yield stage
    fake.check()


def bedrock(*script: Behavior) -> FakeBedrock:
    return FakeBedrock(*script, credentials=KNOWN)


async def test_a_plain_answer():
    fake = bedrock(Says("¡Hola!", usage={"inputTokens": 9, "outputTokens": 4, "cacheReadInputTokens": 6}))
    async with staged(fake) as stage:
        response = await stage.chat(model=NOVA, temperature=0.5)
    body = response.json()
    assert body["choices"][0]["message"]["content"] == "¡Hola!"
    assert body["usage"]["prompt_tokens"] == 15 and body["usage"]["prompt_tokens_details"]["cached_tokens"] == 6
    assert (response.headers["x-provider"], response.headers["x-provider-model"]) == ("aws", "us.amazon.nova-pro-v1:0")
    assert float(response.headers["x-response-cost-usd"]) > 0
    assert fake.calls[0].raw_path == "/model/us.amazon.nova-pro-v1%3A0/converse"
    assert fake.calls[0].body == {
        "messages": [{"role": "user", "content": [{"text": "Hola"}]}], "inferenceConfig": {"temperature": 0.5},
    }  # fmt: skip


async def test_the_default_model_once_aws_is_configured():
    async with staged(bedrock(Says("sí"))) as stage:
        assert (await stage.chat(model="")).json()["model"] == NOVA


async def test_a_stream():
    async with staged(bedrock(Says(["¡Ho", "la!"], reasoning="mmm"))) as stage:
        response = await stage.chat(model=CLAUDE, stream=True, stream_options={"include_usage": True})
    *chunks, done = events(response.text)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "¡Hola!"
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "mmm"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]][-1] == "stop"
    assert chunks[-1]["usage"]["total_tokens"] == 13
    assert done == "[DONE]"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_parallel_calls_and_their_results(stream: bool):
    fake = bedrock(Says("Voy", calls=CALLS), Says("7 y 3"))
    async with staged(fake) as stage:
        response = await stage.chat(model=CLAUDE, tools=[TOOL], stream=stream)
        if stream:
            chunks = [chunk for chunk in events(response.text) if chunk != "[DONE]"]
            pieces = [p for c in chunks for p in c["choices"][0]["delta"].get("tool_calls", ())]
            calls = [{"id": p["id"], "type": "function", "function": dict(p["function"])} for p in pieces if "id" in p]
            for piece in pieces:
                if "id" not in piece:  # the index counts tools: the text before them was Bedrock's block 0
                    calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
        else:
            calls = response.json()["choices"][0]["message"]["tool_calls"]
        assert [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in calls] == CALLS
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "3"} for call in calls]
        told = [*QUESTION, {"role": "assistant", "content": "Voy", "tool_calls": calls}, *results]
        assert (await stage.chat(model=CLAUDE, tools=[TOOL], messages=told)).json()["choices"][0]["message"][
            "content"
        ] == "7 y 3"
    sent = fake.calls[1].body["messages"]
    assert [block["toolResult"]["toolUseId"] for block in sent[2]["content"]] == ["tooluse_1", "tooluse_2"]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("model", [NOVA, CLAUDE])
async def test_a_schema_is_never_ignored(model: str, stream: bool):
    """Nova has none of its own: a forced tool's arguments are the answer."""
    forced = model == NOVA
    says = Says("Ahora", calls=[("t", "number", '{"n": 7}')]) if forced else Says('{"n": 7}')
    fake = bedrock(says)
    async with staged(fake) as stage:
        response = await stage.chat(model=model, response_format=WANTED, stream=stream)
    if stream:
        *chunks, _ = events(response.text)
        content = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
        reason = chunks[-1]["choices"][0]["finish_reason"]
    else:
        choice = response.json()["choices"][0]
        content, reason = choice["message"]["content"], choice["finish_reason"]
        assert not choice["message"].get("tool_calls")
    assert (content, reason) == ('{"n": 7}', "stop")
    assert ("toolConfig" in fake.calls[0].body, "outputConfig" in fake.calls[0].body) == (forced, not forced)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("behavior", "status", "code"),
    [
        (Fails("ThrottlingException", retry_after="7"), 429, "upstream_rate_limited"),
        (Fails("ServiceQuotaExceededException"), 429, "insufficient_quota"),
        (Fails("ValidationException"), 400, "upstream_rejected"),
        (Fails("ValidationException", "Input is too long for requested model."), 400, "context_length_exceeded"),
        (Fails("AccessDeniedException"), 502, "upstream_credentials"),
        (Fails("ExpiredTokenException", in_body=True), 502, "upstream_credentials_stale"),
        (Fails("ResourceNotFoundException"), 404, "upstream_model_not_found"),
        (Fails("ModelNotReadyException"), 503, "upstream_unavailable"),
        (Fails("ModelTimeoutException"), 504, "upstream_timeout"),
        (Fails("ModelErrorException"), 503, "upstream_unavailable"),
        (Fails("InternalServerException"), 503, "upstream_unavailable"),
        (Fails("ServiceUnavailableException"), 503, "upstream_unavailable"),
        (Fails("SomethingNewException", status=418), 400, "upstream_rejected"),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
async def test_errors(behavior: Fails, status: int, code: str, stream: bool):
    async with staged(bedrock(behavior)) as stage:
        response = await stage.chat(model=NOVA, stream=stream)
    assert (response.status_code, error_of(response)["code"]) == (status, code)
    assert "the provider's own words" not in response.text and "too long" not in response.text
    if behavior.retry_after:
        assert response.headers["retry-after"] == "7"


async def test_wrong_keys():
    async with staged(bedrock(), AWS_SECRET_ACCESS_KEY="wrong") as stage:
        response = await stage.chat(model=NOVA)
    assert (response.status_code, error_of(response)["code"]) == (502, "upstream_credentials")


async def test_an_api_key_of_bedrocks_own():
    fake = FakeBedrock(Says("sí"), keys=["bedrock-key"])
    async with (
        running(fake) as upstream,
        gateway(AWS_BEARER_TOKEN_BEDROCK="bedrock-key", AWS_REGION="eu-west-1", BEDROCK_BASE_URL=upstream) as stage,
    ):
        assert (await stage.chat(model=NOVA)).status_code == 200


@pytest.mark.parametrize(
    ("type_", "status", "code"),
    [
        ("throttlingException", 429, "upstream_rate_limited"),
        ("modelStreamErrorException", 503, "upstream_unavailable"),
        ("internalServerException", 503, "upstream_unavailable"),
        ("serviceUnavailableException", 503, "upstream_unavailable"),
        ("validationException", 400, "upstream_rejected"),
        ("modelTimeoutException", 504, "upstream_timeout"),
    ],
)
async def test_exceptions_in_a_stream(type_: str, status: int, code: str):
    """Before the first content they are an answer's status; after it, a last event and no `[DONE]`."""
    async with staged(bedrock(Raises(type_, text=None))) as stage:
        early = await stage.chat(model=NOVA, stream=True)
    async with staged(bedrock(Raises(type_, pause=0.1))) as stage:
        late = await stage.chat(model=NOVA, stream=True)
    assert (early.status_code, error_of(early)["code"]) == (status, code)
    assert late.status_code == 200 and "[DONE]" not in late.text
    assert events(late.text)[-1]["error"]["code"] == code
    assert "the provider's own words" not in late.text


MESSAGE = event("messageStart", {"role": "assistant"})
PIECE = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Ho"}})
STOP = event("messageStop", {"stopReason": "end_turn"})
EVENT_STREAM = "application/vnd.amazon.eventstream"


@pytest.mark.parametrize(
    ("behavior", "code"),
    [
        (Says(["Ho", "la"], cut_after=2), "upstream_stream_cut"),
        (Sends([MESSAGE, PIECE], EVENT_STREAM), "upstream_stream_cut"),
        (Sends([MESSAGE, PIECE, STOP[:-3]], EVENT_STREAM), "upstream_stream_cut"),
        (Sends([MESSAGE, PIECE, b"\x00" * 32], EVENT_STREAM), "upstream_protocol_error"),
        (Sends([MESSAGE, PIECE, STOP[:-1] + b"\x00"], EVENT_STREAM), "upstream_protocol_error"),
        (
            Sends([MESSAGE, PIECE, event("messageStop", {"stopReason": "malformed_model_output"})], EVENT_STREAM),
            "upstream_malformed_output",
        ),
        (Sends([MESSAGE, PIECE], EVENT_STREAM, then="silence"), "upstream_timeout"),
    ],
    ids=["cut", "no end", "half a frame", "garbage", "checksum", "malformed", "silence"],
)
async def test_a_stream_that_dies_never_looks_whole(behavior: Behavior, code: str):
    async with staged(bedrock(behavior), UPSTREAM_IDLE_TIMEOUT="0.3") as stage:
        response = await stage.chat(model=NOVA, stream=True)
    assert "[DONE]" not in response.text
    last = events(response.text)[-1]
    assert last["error"]["code"] == code


async def test_a_stream_without_usage_or_end_of_connection_is_whole():
    """The usage comes after the end of the message; when it does not, the answer is not held back for long."""
    fake = bedrock(Sends([MESSAGE, PIECE, STOP], EVENT_STREAM, then="cut"), Says("Hola", stay=True))
    async with staged(fake) as stage:
        for _ in range(2):
            async with asyncio.timeout(5):
                response = await stage.chat(model=NOVA, stream=True)
            assert response.text.endswith("[DONE]\n\n")


async def test_an_answer_that_is_no_event_stream():
    async with staged(bedrock(Sends([b"<html>"], "text/html"))) as stage:
        response = await stage.chat(model=NOVA, stream=True)
    assert (response.status_code, error_of(response)["code"]) == (502, "upstream_protocol_error")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b"\xff", b'{"output":{"message":{"content":[{"text":1}]}}}'])
async def test_an_answer_that_is_none(body: bytes):
    async with staged(bedrock(Sends([body], "application/json"))) as stage:
        response = await stage.chat(model=NOVA)
    assert (response.status_code, error_of(response)["code"]) == (502, "upstream_protocol_error")


async def test_a_client_that_leaves_ends_the_call():
    fake = bedrock(Endless(pause=0.01))
    async with staged(fake) as stage:
        async with stage.http.stream(
            "POST", CHAT, json={"model": NOVA, "messages": QUESTION, "stream": True}
        ) as response:
            async for _ in response.aiter_bytes():
                break
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)


async def test_embeddings():
    fake = bedrock(Embeds(), Embeds(), Embeds())
    async with staged(fake) as stage:
        titan = await stage.http.post("/v1/embeddings", json={"model": "titan-embed-text-v2", "input": ["a", "bb"]})
        cohere = await stage.http.post(
            "/v1/embeddings", json={"model": "cohere-embed-multilingual-v3", "input": ["a", "bb"]}
        )
    for response in (titan, cohere):
        assert [item["embedding"][0] for item in response.json()["data"]] == [1.0, 2.0]
    assert titan.json()["usage"]["prompt_tokens"] == 2
    assert fake.calls[2].body == {"texts": ["a", "bb"], "input_type": "search_document"}


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        ("titan-text-express", {"response_format": WANTED}, "response_format"),
        ("llama3-70b", {"top_k": 3}, "top_k"),
        (NOVA, {"seed": 1}, "seed"),
        (NOVA, {"parallel_tool_calls": False, "tools": [TOOL]}, "parallel_tool_calls"),
        (NOVA, {"temperature": 1.5}, "temperature"),
        (NOVA, {"tools": [{"type": "function", "function": {"name": "más"}}]}, "tools"),
    ],
)
async def test_what_a_model_lacks_is_named(model: str, fields: dict[str, Any], param: str):
    async with staged(bedrock()) as stage:
        path = GENERATE if param == "top_k" else CHAT
        response = await stage.http.post(path, json={"model": model, "messages": QUESTION, **fields})
    assert (response.status_code, error_of(response)["param"]) == (400, param)


@pytest.mark.parametrize("model", ["titan-text-express", "llama3-70b", "claude-3-haiku", "nova-micro"])
async def test_every_family_answers(model: str):
    messages = [{"role": "system", "content": "Sé breve."}, *QUESTION]
    async with staged(bedrock(Says("sí"), Says("sí"))) as stage:
        assert (await stage.chat(model=model, messages=messages)).status_code == 200
        assert (await stage.chat(model=model, messages=messages, stream=True)).text.endswith("[DONE]\n\n")


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "set AWS_ACCESS_KEY_ID"),
        ({"AWS_ACCESS_KEY_ID": "AKID"}, "set AWS_ACCESS_KEY_ID"),
        ({"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}, "set AWS_REGION"),
        ({"AWS_USE_INSTANCE_ROLE": "false", "AWS_REGION": "eu-west-1"}, "set AWS_ACCESS_KEY_ID"),
    ],
)
async def test_what_is_missing_is_named(environ: dict[str, str], reason: str):
    async with gateway(OFFLINE_FALLBACK="never", **environ) as stage:
        response = await stage.chat(model=NOVA)
    assert (response.status_code, error_of(response)["code"]) == (503, "provider_not_configured")
    assert reason in error_of(response)["message"]


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "eu-west-1"},
        {"AWS_PROFILE": "work", "AWS_REGION": "eu-west-1"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn", "AWS_REGION": "eu-west-1"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x", "AWS_REGION": "eu-west-1"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/x", "AWS_REGION": "eu-west-1"},
        {"AWS_USE_INSTANCE_ROLE": "true", "AWS_REGION": "eu-west-1"},
        {"AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "eu-west-1"},
    ],
    ids=lambda environ: next(iter(environ)),
)
async def test_every_way_counts_as_configured(environ: dict[str, str]):
    async with gateway(**environ) as stage:
        listed = (await stage.http.get("/mcp/llm/list")).json()["llms"]
        endpoint = stage.parts.holder.current().endpoints["aws"]
    assert next(llm for llm in listed if llm["name"] == NOVA)["available"]
    assert endpoint.base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"


async def test_the_region_of_a_profile(tmp_path: Path):
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-east-2\n[profile work]\nregion = cn-north-1\n")
    async with gateway(AWS_PROFILE="work", AWS_CONFIG_FILE=str(config)) as stage:
        endpoint = stage.parts.holder.current().endpoints["aws"]
    assert endpoint.base_url == "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"
