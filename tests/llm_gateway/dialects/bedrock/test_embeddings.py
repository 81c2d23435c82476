"""Embeddings by Titan and Cohere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fake_providers.bedrock.rules import mistake_in
from llm_gateway.canonical import EmbeddingRequest, Usage
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.errors import InvalidRequest, UpstreamProtocol

from tests.llm_gateway import values

client = BedrockClient()

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-multilingual-v3"
COHERE_4 = "us.cohere.embed-v4:0"


def bodies(*inputs: Any, model: str = TITAN, **fields: Any) -> list[dict[str, Any]]:
    request = EmbeddingRequest(model="m", inputs=inputs, **fields)
    encoded = client.encode_embeddings(request, values.model(model, "aws"))
    assert [mistake_in(body, model, "invoke") for body in encoded] == [None] * len(encoded)
    return [msgspec.json.decode(body) for body in encoded]


def test_titan_takes_one_text_at_a_time():
    assert bodies("hola", "ñandú") == [{"inputText": "hola"}, {"inputText": "ñandú"}]
    assert bodies("hola", dimensions=256) == [{"inputText": "hola", "dimensions": 256}]


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (96, [96]), (97, [96, 1]), (200, [96, 96, 8])])
def test_cohere_takes_96(count: int, sizes: list[int]):
    sent = bodies(*(str(number) for number in range(count)), model=COHERE)
    assert [len(body["texts"]) for body in sent] == sizes
    assert [text for body in sent for text in body["texts"]] == [str(number) for number in range(count)]


@pytest.mark.parametrize(
    ("purpose", "sent"), [(None, "search_document"), ("query", "search_query"), ("document", "search_document")]
)
def test_what_the_vectors_are_for(purpose: Any, sent: str):
    assert bodies("hola", model=COHERE, purpose=purpose)[0]["input_type"] == sent


def test_cohere_4_has_lengths():
    assert bodies("hola", model=COHERE_4, dimensions=512) == [
        {"texts": ["hola"], "input_type": "search_document", "output_dimension": 512, "embedding_types": ["float"]}
    ]


@pytest.mark.parametrize(
    ("inputs", "fields", "param"),
    [
        (((1, 2),), {}, "input"), (("x",), {"dimensions": 300}, "dimensions"),
        (("x",), {"dimensions": 256, "model": "amazon.titan-embed-text-v1"}, "dimensions"),
        (("x",), {"dimensions": 256, "model": COHERE}, "dimensions"),
        (("x",), {"model": "us.amazon.nova-pro-v1:0"}, "model"),
    ],
)  # fmt: skip
def test_what_is_refused(inputs: Any, fields: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as caught:
        bodies(*inputs, **fields)
    assert caught.value.param == param


def test_answers():
    titan = [b'{"embedding":[1,0.5],"inputTextTokenCount":3}', b'{"embedding":[2.0],"inputTextTokenCount":4}']
    decoded = client.decode_embeddings(titan)
    assert [list(vector) for vector in decoded.vectors] == [[1.0, 0.5], [2.0]]
    assert decoded.usage == Usage(prompt_tokens=7)
    cohere = [b'{"embeddings":[[1],[2]],"texts":[]}', b'{"embeddings":{"float":[[3]],"int8":[[9]]}}']
    decoded = client.decode_embeddings(cohere)
    assert [list(vector) for vector in decoded.vectors] == [[1.0], [2.0], [3.0]] and decoded.usage is None


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b'{"embeddings":{}}', b'{"embeddings":[["x"]]}', b'{"embedding":3}', b"[" * 9999],
)
def test_answers_that_are_none(body: bytes):
    with pytest.raises(UpstreamProtocol):
        client.decode_embeddings([body])
