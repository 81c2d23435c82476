"""Embeddings as providers with OpenAI's API are asked for them, and what they answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Usage
from llm_gateway.dialects.openai_embeddings.client import OpenAIEmbeddingsClient
from llm_gateway.dialects.openai_embeddings.vectors import packed
from llm_gateway.errors import InvalidRequest, UpstreamError, UpstreamProtocol, UpstreamUnavailable

from tests.llm_gateway import values

client = OpenAIEmbeddingsClient()

MODEL = values.model("m")


def encoded(request: EmbeddingRequest, **endpoint: Any) -> list[dict[str, Any]]:
    model = values.model("m", endpoint=values.endpoint(**endpoint))
    return [msgspec.json.decode(body) for body in client.encode_embeddings(request, model)]


def decoded(*bodies: Any) -> EmbeddingResult:
    return client.decode_embeddings([msgspec.json.encode(body) for body in bodies])


def of(*vectors: Any, **rest: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "m-1", "usage": {"prompt_tokens": 2, "total_tokens": 2}, **rest}


# --- requests ---


def test_one_body_says_all():
    request = EmbeddingRequest(
        model="x", inputs=("a", "b"), dimensions=8, user="ana", purpose="query", extra={"truncate": 1},
        dialect="openai_embeddings",
    )  # fmt: skip
    expected = {
        "model": "m", "input": ["a", "b"], "dimensions": 8, "user": "ana", "truncate": 1, "input_type": "query",
    }  # fmt: skip
    assert encoded(request) == [expected]
    assert encoded(request, packed_vectors=True) == [{**expected, "encoding_format": "base64"}]


def test_another_dialects_words_stay_behind():
    request = EmbeddingRequest(model="x", inputs=("a",), purpose="document", extra={"truncate": 1})
    assert encoded(request) == [{"model": "m", "input": ["a"]}]


@pytest.mark.parametrize(("inputs", "sizes"), [(1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])])
def test_so_many_at_once_in_order(inputs: int, sizes: list[int]):
    request = EmbeddingRequest(model="x", inputs=tuple(str(number) for number in range(inputs)))
    bodies = encoded(request, embeddings_batch=3)
    assert [len(body["input"]) for body in bodies] == sizes
    assert [text for body in bodies for text in body["input"]] == list(request.inputs)


def test_token_ids_only_where_they_are_known():
    request = EmbeddingRequest(model="x", inputs=((1, 2), (3,)))
    assert encoded(request, token_inputs=True)[0]["input"] == [[1, 2], [3]]
    with pytest.raises(InvalidRequest) as caught:
        encoded(request)
    assert caught.value.param == "input"


# --- answers ---


def test_vectors_of_all_bodies_in_order():
    result = decoded(of([1.0], [2.0]), of([3.0]))
    assert result.vectors == ((1.0,), (2.0,), (3.0,))
    assert (result.usage, result.model) == (Usage(prompt_tokens=4), "m-1")


def test_numbered_ones_are_sorted_and_numbers_may_be_missing():
    sent = of([1.0], [2.0])
    assert decoded({**sent, "data": sent["data"][::-1]}).vectors == ((1.0,), (2.0,))
    assert decoded({"data": [{"embedding": [5.0]}, {"embedding": [6.0]}]}).vectors == ((5.0,), (6.0,))


def test_base64_may_come_asked_or_not():
    assert [list(vector) for vector in decoded(of(packed([1.5, 2.5]))).vectors] == [[1.5, 2.5]]


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, None),
        ({}, None),
        ({"total_tokens": 7}, Usage(prompt_tokens=7)),
        ({"prompt_tokens": 3, "total_tokens": 9}, Usage(prompt_tokens=3)),
        ({"prompt_tokens": 3, "cost": 0.25}, Usage(prompt_tokens=3, cost_usd=Decimal("0.25"))),
    ],
    ids=str,
)
def test_counts_in_all_their_spellings(usage: Any, counted: Usage | None):
    assert decoded(of([1.0], usage=usage)).usage == counted


def test_counts_of_several_are_summed_or_none():
    priced = {"prompt_tokens": 3, "cost": 0.25}
    assert decoded(of([1.0], usage=priced), of([1.0], usage=priced)).usage == Usage(
        prompt_tokens=6, cost_usd=Decimal("0.50")
    )
    free = {"prompt_tokens": 3}
    for pair in ((priced, free), (free, priced)):
        assert decoded(*(of([1.0], usage=usage) for usage in pair)).usage == Usage(prompt_tokens=6)
    assert decoded(of([1.0]), of([1.0], usage=None)).usage is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"data": 7}', b'{"data": [{"embedding": null}]}',
        b'{"data": [{"embedding": []}]}', b'{"data": [{"embedding": ["a"]}]}', b'{"data": [{"embedding": "@@@"}]}',
        b'{"data": [{"embedding": "AAA="}]}', b'{"data": [{"embedding": "AADAfw=="}]}',
        b'{"data": [{"embedding": "\xc3\xb1"}]}', b'{"data": [{"embedding": [1], "index": 1}]}',
        b'{"data": [{"embedding": [1], "index": 0}, {"embedding": [1], "index": 0}]}',
        b'{"data": [{"embedding": [1]}, {"embedding": [1, 2]}]}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_protocol_error(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_embeddings([body])


def test_every_cut_of_an_answer_is_a_protocol_error():
    whole = msgspec.json.encode(of([1.0, 2.0], packed([1.0, 2.0])))
    for end in range(len(whole)):
        with pytest.raises(UpstreamProtocol):
            client.decode_embeddings([whole[:end]])


def test_an_error_with_status_200_is_one():
    with pytest.raises(UpstreamUnavailable):
        decoded({"error": {"message": "no", "code": 503}})
    with pytest.raises(UpstreamError):
        decoded(of([1.0]), {"error": "no"})
