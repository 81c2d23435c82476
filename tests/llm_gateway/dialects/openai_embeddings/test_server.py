"""Requests for embeddings, as clients send them, and the answers they get."""

from __future__ import annotations

import base64
import struct
from array import array
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import EmbeddingResult, Usage
from llm_gateway.canonical.answer import EmbeddingAnswer
from llm_gateway.canonical.cost import UNKNOWN, Cost
from llm_gateway.dialects.openai_embeddings.parse import MOST_INPUTS
from llm_gateway.dialects.openai_embeddings.server import OpenAIEmbeddingsServer
from llm_gateway.dialects.openai_embeddings.vectors import packed, unpacked
from llm_gateway.errors import InvalidRequest

from tests.llm_gateway import values

server = OpenAIEmbeddingsServer()


def parsed(**body: Any):
    return server.parse_request(msgspec.json.encode({"model": "m", **body}))


@pytest.mark.parametrize(
    ("sent", "inputs"),
    [
        ("Hola", ("Hola",)),
        (["Hola", "ñ 🌵"], ("Hola", "ñ 🌵")),
        ([1, 2], ((1, 2),)),
        ([[1], [2, 3]], ((1,), (2, 3))),
        ([[1], "mixed"], ((1,), "mixed")),
    ],
    ids=str,
)
def test_every_form_of_input(sent: Any, inputs: tuple[Any, ...]):
    assert parsed(input=sent)[0].inputs == inputs


def test_every_field():
    request, encoding = parsed(
        input="x", dimensions=256, encoding_format="base64", user="ana", provider="azure", input_type="search_query",
        truncate="END",
    )  # fmt: skip
    assert (request.model, request.provider, request.dimensions, request.user) == ("m", "azure", 256, "ana")
    assert (request.purpose, request.extra, encoding) == ("query", {"truncate": "END"}, "base64")
    assert parsed(input="x")[1] == "float"
    assert parsed(input="x", input_type="clustering")[0].extra == {"input_type": "clustering"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": 7}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a", []]}, "input[1]"),
        ({"input": ["a", 3]}, "input[1]"),
        ({"input": [1, "a"]}, "input[1]"),
        ({"input": [-1]}, "input[0]"),
        ({"input": [[1, -1]]}, "input[0][1]"),
        ({"input": [True]}, "input[0]"),
        ({"input": ["a", {"b": 1}]}, "input[1]"),
        ({"input": [1.5]}, "input[0]"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "user": 7}, "user"),
        ({"input": "a", "model": None}, "model"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(body: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as caught:
        parsed(**body)
    assert caught.value.param == param and caught.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"input": "\xff"}', b"[" * 100_000, b"null"])
def test_what_is_no_request_is_refused(body: bytes):
    with pytest.raises(InvalidRequest):
        server.parse_request(body)


def test_the_most_inputs_are_taken():
    assert len(parsed(input=["a"] * MOST_INPUTS)[0].inputs) == MOST_INPUTS
    assert len(parsed(input=list(range(5000)))[0].inputs[0]) == 5000


def answer(*vectors: Any, **changes: Any) -> EmbeddingAnswer:
    fields = {"usage": Usage(prompt_tokens=5), "cost": Cost(Decimal("0.0000001"), "computed"), **changes}
    return EmbeddingAnswer(answered_by=values.answered_by(), result=EmbeddingResult(vectors=vectors), **fields)


def test_an_answer_has_every_field():
    body = msgspec.json.decode(server.render_result(answer((0.5, -1.0), array("f", [0.25])), "float"))
    assert body == {
        "object": "list", "model": "gpt-4o", "provider": "openai",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": [0.25]},
        ],
        "usage": {"prompt_tokens": 5, "total_tokens": 5, "cost_usd": 0.0000001},
    }  # fmt: skip
    assert msgspec.json.decode(server.render_result(answer(cost=UNKNOWN), "float"))["usage"]["cost_usd"] is None


def test_base64_is_of_little_endian_single_precision():
    body = msgspec.json.decode(server.render_result(answer((1.0, 0.5), array("f", [2.0])), "base64"))
    written = [base64.b64decode(item["embedding"]) for item in body["data"]]
    assert written == [struct.pack("<2f", 1.0, 0.5), struct.pack("<f", 2.0)]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_vector_survives_base64(vector: list[float]):
    assert list(unpacked(packed(vector))) == vector
    assert packed(unpacked(packed(vector))) == packed(vector)
