"""The choice between the two languages."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.language import choose


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("es", "es"), ("en", "en"), ("es-AR", "es"), ("EN-gb", "en"),
        ("es-ES,es;q=0.9,en;q=0.8", "es"), ("en-US,en;q=0.9,es;q=0.8", "en"),
        ("fr,en;q=0.3,es;q=0.2", "en"), ("de;q=1, es ; q=0.5", "es"), ("en;q=0.5,es;q=0.9", "es"),
        ("en;q=0,es;q=0.1", "es"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("default", ["es", "en"])
def test_the_best_that_we_have(header: str, chosen: str, default: Literal["es", "en"]):
    assert choose(header, default) == chosen


@pytest.mark.parametrize("header", [None, "", "fr", "*", "es;q=0", "q=1", ",,,", "es;q=x", "est", "english"])
@pytest.mark.parametrize("default", ["es", "en"])
def test_the_default_where_it_says_nothing(header: str | None, default: Literal["es", "en"]):
    assert choose(header, default) == default


@given(st.text() | st.lists(st.sampled_from(["es", "en", "q=", ";", ",", "nan", "inf", "-1", "0.5", " "])).map("".join))
def test_no_header_breaks_it(header: str):
    assert choose(header, "en") in ("es", "en")


def test_a_very_long_header_is_not_read_to_its_end():
    assert choose("fr," * 100_000 + "es", "en") == "en"
