"""Request ids and trace context."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.ids import request_id, request_id_of, traceparent

VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128)
TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@given(VISIBLE)
def test_a_well_formed_id_is_taken(given_id: str):
    assert request_id(given_id) == given_id


@given(st.none() | st.text())
def test_an_id_is_always_safe_in_a_header_and_a_log(anything: str | None):
    assert re.fullmatch(r"[\x21-\x7e]{1,128}", request_id(anything))


@pytest.mark.parametrize("bad", ["", " ", "a b", "a\n", "a\r\nx: y", "ñ", "x" * 129, "\x00", None])
def test_what_is_not_well_formed_is_replaced(bad: str | None):
    assert re.fullmatch(r"req_[0-9a-f]{24}", request_id(bad))


def test_made_ids_differ():
    assert len({request_id(None) for _ in range(1000)}) == 1000


def test_a_trace_goes_on_with_a_span_of_ours():
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    trace, span, flags = TRACE.fullmatch(traceparent(theirs)).groups()  # type: ignore[union-attr]
    assert (trace, flags) == ("0af7651916cd43dd8448eb211c80319c", "00")
    assert span != "b7ad6b7169203331"


@pytest.mark.parametrize(
    "bad",
    [
        None, "", "x",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
)  # fmt: skip
def test_a_bad_trace_is_replaced(bad: str | None):
    made = TRACE.fullmatch(traceparent(bad))
    assert made
    assert made[1] != "0" * 32
    assert made[1] not in (bad or "")


def test_the_id_of_a_scope():
    assert request_id_of({"state": {"request_id": "abc"}}) == "abc"
    assert request_id_of({}).startswith("req_")
