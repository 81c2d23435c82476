"""The mock speaks the other providers' dialects well enough for their own clients."""

import asyncio

import boto3
import httpx
import pytest
from anthropic import AsyncAnthropic
from botocore.config import Config
from google import genai
from google.genai import types

from bench import marker
from bench.upstream import Mock, listen, port_of

NONCE = marker.nonce(9)
CHUNKS = 20


@pytest.fixture
async def url():
    server = await listen(Mock())
    async with server:
        yield f"http://127.0.0.1:{port_of(server)}"


def prompt() -> str:
    return f"hello {marker.write(NONCE, chunks=CHUNKS)}"


def is_whole(text: str) -> bool:
    return text.count(marker.TOKEN) == CHUNKS and text.endswith(NONCE.decode())


async def test_anthropics_client_reads_both_kinds_of_answer(url):
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 256, "messages": [{"role": "user", "content": prompt()}]}
    async with AsyncAnthropic(base_url=url, api_key="bench", max_retries=0) as client:
        plain = await client.messages.create(**asked)
        async with client.messages.stream(**asked) as stream:
            streamed = await stream.get_final_message()
    assert plain.content[0].text.endswith(NONCE.decode())
    assert is_whole(streamed.content[0].text)
    assert (plain.usage.output_tokens, streamed.usage.output_tokens) == (48, 48)
    assert (plain.stop_reason, streamed.stop_reason) == ("end_turn", "end_turn")


async def test_googles_client_reads_both_kinds_of_answer(url):
    async with httpx.AsyncClient() as http:
        options = types.HttpOptions(base_url=url, api_version="v1beta", httpx_async_client=http)
        models = genai.Client(api_key="bench", http_options=options).aio.models
        plain = await models.generate_content(model="gemini-2.5-flash", contents=prompt())
        stream = await models.generate_content_stream(model="gemini-2.5-flash", contents=prompt())
        chunks = [chunk async for chunk in stream]
    assert plain.text is not None and plain.text.endswith(NONCE.decode())
    assert is_whole("".join(chunk.text or "" for chunk in chunks))
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata.candidates_token_count == 48


async def test_awss_client_reads_both_kinds_of_answer(url):
    def ask() -> tuple[dict, list[dict]]:
        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
            config=Config(retries={"total_max_attempts": 1}),
        )
        asked = {"modelId": "us.amazon.nova-pro-v1:0", "messages": [{"role": "user", "content": [{"text": prompt()}]}]}
        try:
            return client.converse(**asked), list(client.converse_stream(**asked)["stream"])
        finally:
            client.close()

    plain, events = await asyncio.to_thread(ask)
    assert plain["output"]["message"]["content"][0]["text"].endswith(NONCE.decode())
    assert is_whole(
        "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    )
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 48
