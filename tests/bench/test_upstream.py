"""The mock speaks what clients of OpenAI and of the gateway's native stream expect."""

import itertools
import json

import httpx2
import pytest
from openai import AsyncOpenAI

from bench import marker
from bench.upstream import Mock, listen, port_of

NONCE = marker.nonce(7)


@pytest.fixture
async def url():
    server = await listen(Mock())
    async with server:
        yield f"http://127.0.0.1:{port_of(server)}"


def ask(**more: int) -> list:
    return [{"role": "user", "content": f"hello {marker.write(NONCE, **more)}"}]


async def test_the_official_client_reads_the_plain_answer(url):
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="bench", max_retries=0) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=ask())
    assert answer.choices[0].message.content is not None
    assert answer.choices[0].message.content.endswith(NONCE.decode())
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_the_official_client_reads_the_stream(url):
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="bench", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=ask(chunks=150), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts).count(marker.TOKEN) == 150
    assert "".join(texts).endswith(NONCE.decode())
    assert all(one != other for one, other in itertools.pairwise(texts)), "no neighbors alike"
    assert chunks[-1].usage is not None
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


async def test_the_native_stream_calls_tools_first(url):
    async with httpx2.AsyncClient() as session:
        first = await _events(session, url, ask(calls=1))
        again = [*ask(calls=1), {"role": "tool", "tool_call_id": "call_0", "content": "5"}]
        second = await _events(session, url, again)
    assert first[0]["tool_calls"][0]["name"] == "add"
    assert json.loads(first[0]["tool_calls"][0]["args_delta"]) == {"a": 2, "b": 3}
    assert first[-1]["finish_reason"] == "tool_calls"
    assert second[0]["content"].endswith(NONCE.decode())
    assert second[-1]["finish_reason"] == "stop"
    assert "usage" in second[-1]


async def _events(session: httpx2.AsyncClient, url: str, messages: list) -> list[dict]:
    body = {"model": "gpt-4o", "messages": messages, "stream": True}
    answer = await session.post(f"{url}/mcp/llm/generate", json=body)
    lines = answer.text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


async def test_it_counts_completions_and_refuses_what_it_does_not_know(url):
    async with httpx2.AsyncClient() as session:
        answer = await session.post(f"{url}/v1/chat/completions", json={"messages": []})
        assert answer.status_code == 400
        answer = await session.post(f"{url}/v1/unknown", json={"messages": ask()})
        assert answer.status_code == 404
        answer = await session.post(f"{url}/v1/chat/completions", json={"messages": ask()})
        assert answer.status_code == 200
        answer = await session.get(f"{url}/bench/completions")
        assert answer.json() == {"completions": 1}
