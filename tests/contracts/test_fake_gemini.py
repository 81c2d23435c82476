"""The fake Gemini speaks Google's wire format: Google's own client, pointed straight at it, is content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from fake_providers import Sends, Silent
from fake_providers.gemini import Blocks, Embeds, Endless, Fails, FakeGemini, Says
from fake_providers.gemini.behaviors import vector_of
from google import genai
from google.genai import errors, types
from service_kit.testing import running

MODEL = "gemini-3.8-flash"
CALLS = [("fc-1", "add", '{"a": 1, "b": 2}'), ("fc-2", "add", '{"a": 3, "b": 4}')]
ADD = types.FunctionDeclaration(
    name="add",
    description="Adds",
    parameters_json_schema={"type": "object", "properties": {"a": {"type": "number"}}, "additionalProperties": False},
)
WITH_TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[ADD])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
CHUNK = b'data: {"candidates": [{"content": {"parts": [{"text": "Ho"}], "role": "model"}, "index": 0}]}\r\n\r\n'


def genai_client(url: str, key: str = "right", **options: object) -> genai.Client:
    http_options = types.HttpOptions(base_url=url, api_version="v1beta", **options)  # type: ignore[arg-type]
    return genai.Client(api_key=key, http_options=http_options)


@asynccontextmanager
async def client_of(fake: FakeGemini) -> AsyncIterator[genai.client.AsyncClient]:
    async with running(fake) as url, httpx.AsyncClient() as http, genai_client(url, httpx_async_client=http).aio as aio:
        yield aio
    fake.check()


async def test_plain_answer():
    fake = FakeGemini(Says("¡Hola! 😀", thought="hm", usage={"promptTokenCount": 7, "thoughtsTokenCount": 5}))
    async with client_of(fake) as client:
        answer = await client.models.generate_content(
            model=MODEL, contents="Hola", config=types.GenerateContentConfig(temperature=0.5)
        )
    assert answer.text == "¡Hola! 😀" and answer.model_version == MODEL and answer.response_id
    assert answer.candidates and answer.candidates[0].finish_reason is types.FinishReason.STOP
    assert answer.usage_metadata and answer.usage_metadata.thoughts_token_count == 5
    assert answer.parts and answer.parts[0].thought
    assert fake.calls[0].path == f"/v1beta/models/{MODEL}:generateContent"
    assert fake.calls[0].headers["x-goog-api-key"] == "right"
    assert fake.calls[0].body == {
        "contents": [{"parts": [{"text": "Hola"}], "role": "user"}],
        "generationConfig": {"temperature": 0.5},
    }


async def test_the_synchronous_client():
    fake = FakeGemini(Says("uno"), Says(["d", "os"]), Embeds())
    async with running(fake) as url:

        def ask() -> tuple[str | None, str, int]:
            with genai_client(url) as client:
                plain = client.models.generate_content(model=MODEL, contents="Hola")
                stream = client.models.generate_content_stream(model=MODEL, contents="Hola")
                streamed = "".join(chunk.text or "" for chunk in stream)
                embedded = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])  # type: ignore[arg-type]
                return plain.text, streamed, len(embedded.embeddings or ())

        assert await asyncio.to_thread(ask) == ("uno", "dos", 2)
    fake.check()


@pytest.mark.parametrize("usage_apart", [False, True])
async def test_stream_with_usage(usage_apart: bool):
    async with client_of(FakeGemini(Says(["¡Ho", "la!"], thought="hm", usage_apart=usage_apart))) as client:
        stream = await client.models.generate_content_stream(model=MODEL, contents="Hola")
        chunks = [chunk async for chunk in stream]
    assert [chunk.text for chunk in chunks if chunk.text] == ["¡Ho", "la!"]
    assert chunks[0].parts and chunks[0].parts[0].thought
    assert all(chunk.usage_metadata and chunk.usage_metadata.prompt_token_count == 9 for chunk in chunks)
    reasons = [
        candidate.finish_reason for chunk in chunks for candidate in chunk.candidates or () if candidate.finish_reason
    ]
    assert reasons == [types.FinishReason.STOP]


@pytest.mark.parametrize("calls", [CALLS[:1], CALLS], ids=["one", "parallel"])
async def test_tool_calls_plain_and_streamed(calls: list[tuple[str, str, str]]):
    says = Says("Voy", calls=calls, signature="c2ln")
    async with client_of(FakeGemini(says, says)) as client:
        plain = await client.models.generate_content(model=MODEL, contents="Hola", config=WITH_TOOLS)
        stream = await client.models.generate_content_stream(model=MODEL, contents="Hola", config=WITH_TOOLS)
        streamed = [part async for chunk in stream for part in chunk.parts or ()]
    for parts in (plain.parts or [], streamed):
        signed = [(part.function_call, part.thought_signature) for part in parts if part.function_call]
        assert [(call.id, call.name, call.args) for call, _ in signed] == [
            (id_, name, {"a": 2 * n + 1, "b": 2 * n + 2}) for n, (id_, name, _) in enumerate(calls)
        ]
        assert [signature for _, signature in signed] == [b"sig", None][: len(calls)]


async def test_a_tool_conversation_is_taken():
    fake = FakeGemini(Says(calls=CALLS, signature="c2ln"), Says("3 y 7"))
    async with client_of(fake) as client:
        asked = await client.models.generate_content(model=MODEL, contents="Suma", config=WITH_TOOLS)
        assert asked.candidates and asked.candidates[0].content
        results = [
            types.Part(function_response=types.FunctionResponse(id=id_, name=name, response={"result": "1"}))
            for id_, name, _ in CALLS
        ]
        contents: list[types.Content] = [
            types.Content(role="user", parts=[types.Part(text="Suma")]),
            asked.candidates[0].content,
            types.Content(role="user", parts=results),
        ]
        answer = await client.models.generate_content(model=MODEL, contents=contents, config=WITH_TOOLS)  # type: ignore[arg-type]
    assert answer.text == "3 y 7"
    assert fake.calls[1].body["contents"][1]["parts"][0]["thoughtSignature"] == "c2ln"


async def test_json_schema_thinking_and_candidates():
    fake = FakeGemini(Says('{"n": 1}'))
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=schema, candidate_count=2, seed=3,
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW, include_thoughts=True),
    )  # fmt: skip
    async with client_of(fake) as client:
        answer = await client.models.generate_content(model=MODEL, contents="Hola", config=config)
    assert answer.candidates and [candidate.index for candidate in answer.candidates] == [0, 1]
    assert fake.calls[0].body["generationConfig"]["responseJsonSchema"] == schema


async def test_a_blocked_prompt():
    async with client_of(FakeGemini(Blocks(), Blocks("SAFETY"))) as client:
        answer = await client.models.generate_content(model=MODEL, contents="Hola")
        stream = await client.models.generate_content_stream(model=MODEL, contents="Hola")
        chunks = [chunk async for chunk in stream]
    assert answer.prompt_feedback and answer.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
    assert chunks[0].prompt_feedback and chunks[0].prompt_feedback.block_reason is types.BlockedReason.SAFETY


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("behavior", "kind"),
    [
        (Fails(400, "INVALID_ARGUMENT", reason="API_KEY_INVALID"), errors.ClientError),
        (Fails(403, "PERMISSION_DENIED"), errors.ClientError),
        (Fails(404, "NOT_FOUND"), errors.ClientError),
        (Fails(429, "RESOURCE_EXHAUSTED", retry_delay="17s"), errors.ClientError),
        (Fails(500, "INTERNAL"), errors.ServerError),
        (Fails(503, "UNAVAILABLE"), errors.ServerError),
        (Fails(504, "DEADLINE_EXCEEDED"), errors.ServerError),
    ],
    ids=lambda value: str(getattr(value, "code", "")),
)
async def test_errors_are_those_of_the_api(behavior: Fails, kind: type[errors.APIError], streamed: bool):
    async with client_of(FakeGemini(behavior)) as client:
        with pytest.raises(kind) as caught:
            if streamed:
                await anext(await client.models.generate_content_stream(model=MODEL, contents="Hola"))
            else:
                await client.models.generate_content(model=MODEL, contents="Hola")
    assert (caught.value.code, caught.value.status, caught.value.message) == (
        behavior.code, behavior.status, behavior.message,
    )  # fmt: skip
    told = str(caught.value.details)
    assert (behavior.reason or "") in told and (behavior.retry_delay or "") in told


async def test_keys_are_checked():
    fake = FakeGemini(Says("sí"), keys=["right"])
    async with client_of(fake) as client, running(fake) as url, httpx.AsyncClient() as http:
        assert (await client.models.generate_content(model=MODEL, contents="x")).text == "sí"
        async with genai_client(url, "wrong", httpx_async_client=http).aio as wrong:
            with pytest.raises(errors.ClientError, match="API_KEY_INVALID"):
                await wrong.models.generate_content(model=MODEL, contents="x")
        assert (await http.post(f"{url}/v1beta/models/{MODEL}:generateContent", json={})).status_code == 403


async def test_embeddings():
    fake = FakeGemini(Embeds(), Embeds())
    async with client_of(fake) as client:
        answer = await client.models.embed_content(model="gemini-embedding-001", contents=["uno", "dos y tres"])  # type: ignore[arg-type]
        short = await client.models.embed_content(
            model="gemini-embedding-001", contents="uno", config=types.EmbedContentConfig(output_dimensionality=3)
        )
    assert [one.values for one in answer.embeddings or ()] == [vector_of("uno", 8), vector_of("dos y tres", 8)]
    assert [one.values for one in short.embeddings or ()] == [vector_of("uno", 3)]
    assert answer.usage_metadata and answer.usage_metadata.prompt_token_count == 4


async def test_a_cut_stream_breaks_off():
    async with client_of(FakeGemini(Sends([CHUNK], then="cut"))) as client:
        stream = await client.models.generate_content_stream(model=MODEL, contents="Hola")
        said: list[str | None] = []
        with pytest.raises(httpx.RemoteProtocolError):
            async for chunk in stream:
                said.append(chunk.text)
    assert said == ["Ho"]


async def test_it_notices_that_a_client_leaves():
    fake = FakeGemini(Endless(pause=0.01), Silent())
    async with running(fake) as url:
        async with httpx.AsyncClient() as http, genai_client(url, httpx_async_client=http).aio as client:
            async for _ in await client.models.generate_content_stream(model=MODEL, contents="Hola"):
                break
        await asyncio.wait_for(fake.calls[0].left.wait(), 5)
        async with httpx.AsyncClient() as http, genai_client(url, httpx_async_client=http).aio as client:
            config = types.GenerateContentConfig(http_options=types.HttpOptions(timeout=50))
            with pytest.raises(httpx.TimeoutException):
                await client.models.generate_content(model=MODEL, contents="x", config=config)
        await asyncio.wait_for(fake.calls[1].left.wait(), 5)
    fake.check()


def content(role: str, *parts: Mapping[str, object]) -> dict[str, object]:
    return {"role": role, "parts": list(parts)}


ASK = content("user", {"text": "x"})
CALL = {"functionCall": {"name": "add", "args": {}}, "thoughtSignature": "c2ln"}
RESULT = {"functionResponse": {"name": "add", "response": {"result": "1"}}}
UNSIGNED = {"functionCall": {"name": "add"}}
DECLARED = {"functionDeclarations": [{"name": "add"}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "contents is not specified"),
        ({"contents": [ASK], "topp": 1}, 'Unknown name "topp"'),
        ({"contents": [ASK], "generationConfig": {"topk": 1}}, 'Unknown name "topk"'),
        ({"contents": [content("assistant", {"text": "x"})]}, "valid role"),
        ({"contents": [content("user")]}, "must not be empty"),
        ({"contents": [content("user", {})]}, "oneof field"),
        ({"contents": [ASK, content("model", CALL)]}, "followed by a function response"),
        ({"contents": [ASK, content("user", RESULT)]}, "after a function call turn"),
        ({"contents": [ASK, content("model", CALL, CALL), content("user", RESULT)]}, "number of function response"),
        ({"contents": [content("model", CALL), content("user", RESULT)]}, "after a user turn"),
        ({"contents": [ASK, content("model", UNSIGNED), content("user", RESULT)]}, "signature"),
        (
            {"contents": [ASK, content("model", CALL), content("user", {"functionResponse": {"name": "add"}})]},
            "protobuf.Struct",
        ),
        ({"contents": [content("user", {"fileData": {"fileUri": "http://x.test/a.png"}})]}, "file uri"),
        ({"contents": [ASK], "generationConfig": {"seed": 2**40}}, "TYPE_INT32"),
        ({"contents": [ASK], "generationConfig": {"stopSequences": list("abcdef")}}, "stop sequences"),
        ({"contents": [ASK], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "without function_decl"),
        (
            {
                "contents": [ASK], "tools": [DECLARED],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["sub"]}},
            },
            "not declared",
        ),
        (
            {
                "contents": [ASK],
                "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"additionalProperties": False}}]}],
            },
            'Unknown name "additionalProperties"',
        ),
    ],
)  # fmt: skip
async def test_it_takes_no_request_that_the_api_would_refuse(body: dict[str, object], words: str):
    fake = FakeGemini(always=Says("sí"))
    async with running(fake) as url, httpx.AsyncClient(headers={"x-goog-api-key": "k"}) as http:
        reply = await http.post(f"{url}/v1beta/models/{MODEL}:generateContent", json=body)
    assert reply.status_code == 400 and words in reply.json()["error"]["message"]
    with pytest.raises(AssertionError, match="mistakes"):
        fake.check()


async def test_it_is_loud_about_its_script():
    fake = FakeGemini()
    async with running(fake) as url, httpx.AsyncClient(headers={"x-goog-api-key": "k"}) as http:
        reply = await http.post(f"{url}/v1beta/models/{MODEL}:generateContent", json={"contents": [ASK]})
        lost = await http.post(f"{url}/v1beta/models/{MODEL}:countTokens", json={})
        unstreamed = await http.post(f"{url}/v1beta/models/{MODEL}:streamGenerateContent", json={"contents": [ASK]})
    assert (reply.status_code, lost.status_code, unstreamed.status_code) == (500, 404, 400)
    with pytest.raises(AssertionError, match="not in the script"):
        fake.check()
