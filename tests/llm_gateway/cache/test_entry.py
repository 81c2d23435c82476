"""Entries are bytes, and come back as what they were."""

from __future__ import annotations

from array import array
from decimal import Decimal

import pytest
from hypothesis import given, settings
from llm_gateway.cache.entry import Entry, decode_answer, decode_vectors, encode_answer, encode_vectors
from llm_gateway.canonical import Choice, EmbeddingResult, Result, Text, Usage
from llm_gateway.catalog.pricing import Cost

from tests.llm_gateway import values

COST = Cost(Decimal("0.00001234567890123456789"), "computed", {"input": Decimal("0.1")})


@settings(max_examples=100, deadline=None)
@given(values.results(most_choices=3), values.usages)
def test_an_answer_comes_back_as_it_was(result: Result, usage: Usage):
    entry = Entry(result, usage, COST)
    assert decode_answer(encode_answer(entry)) == entry


def test_logprobs_and_reported_costs_come_back():
    choice = Choice(content=(Text(text="x"),), logprobs={"content": [{"token": "x", "logprob": -0.5}]})
    entry = Entry(Result(choices=(choice,)), Usage(cost_usd=Decimal("0.10")), Cost(None, "unknown"))
    assert decode_answer(encode_answer(entry)) == entry


@pytest.mark.parametrize("vectors", [(array("f", [0.5, -1.25]), array("f", [1.0])), ((0.1, 0.2), (0.3,)), ()])
def test_vectors_keep_their_numbers_and_their_precision(vectors: tuple[array[float] | tuple[float, ...], ...]):
    entry = Entry(EmbeddingResult(vectors=vectors, model="m"), Usage(prompt_tokens=2), COST)
    kept = decode_vectors(encode_vectors(entry))
    assert kept is not None and kept.result.vectors == vectors and kept.cost == COST
    assert [type(vector) for vector in kept.result.vectors] == [type(vector) for vector in vectors]


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x93\x01\x02\x03", b"not an entry"])
def test_what_cannot_be_read_is_no_entry(data: bytes):
    assert decode_answer(data) is None and decode_vectors(data) is None
