"""Embeddings by Gemini; that Google's client asks the same is in `test_differential`."""

from __future__ import annotations

import msgspec
import pytest
from llm_gateway.canonical import EmbeddingRequest, Usage
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.errors import InvalidRequest, UpstreamProtocol

from tests.llm_gateway import values

client = GeminiClient()

MODEL = values.model("gemini-embedding-001", "google")


def asked(*inputs: str | tuple[int, ...]) -> list[dict[str, object]]:
    request = EmbeddingRequest(model=MODEL.name, inputs=inputs, user="u", extra={"x": 1}, dialect="openai")
    return [msgspec.json.decode(body) for body in client.encode_embeddings(request, MODEL)]


def answer(*vectors: list[float], **rest: object) -> bytes:
    return msgspec.json.encode({"embeddings": [{"values": vector} for vector in vectors], **rest})


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_at_most_a_hundred_at_once_in_order(count: int, sizes: list[int]):
    bodies = asked(*(f"t{n}" for n in range(count)))
    requests = [request for body in bodies for request in body["requests"]]  # type: ignore[attr-defined]
    assert [len(body["requests"]) for body in bodies] == sizes  # type: ignore[arg-type]
    assert [request["content"]["parts"][0]["text"] for request in requests] == [f"t{n}" for n in range(count)]
    assert all(set(request) == {"model", "content"} for request in requests)


def test_token_ids_are_refused():
    with pytest.raises(InvalidRequest) as caught:
        asked("a", (1, 2))
    assert caught.value.param == "input"


def test_the_answers_are_joined():
    first = answer([0.1, 1], [2, 3], usageMetadata={"promptTokenCount": 4})
    result = client.decode_embeddings([first, answer([5.0], usageMetadata={"promptTokenCount": 3})])
    assert result.vectors == ((0.1, 1.0), (2.0, 3.0), (5.0,)) and result.usage == Usage(prompt_tokens=7)
    assert client.decode_embeddings([first, answer([5.0])]).usage is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>", b'{"embeddings": [{}]}', b'{"embeddings": [{"values": ["a"]}]}', b"\xff"]
)
def test_what_is_no_answer_is_a_protocol_error(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_embeddings([answer([1.0]), body])
