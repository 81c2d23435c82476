"""The syntax of JavaScript's regular expressions; tests/contracts compares it with a real engine's."""

from __future__ import annotations

import time

import pytest
from mcp_toolbox.upstream.ecma_pattern import compiles


@pytest.mark.parametrize(
    "pattern",
    ["", "a|b", r"^\d{3}-\d+$", r"[\w.-]+@[a-z]+", r"(?<n>a)\k<n>", r"(?<=€)\p{L}+", r"\u{1F600}", r"(a)\1", "[^]"],
)  # fmt: skip
def test_what_every_engine_takes(pattern: str):
    assert compiles(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[", "*", "a**", "a{2,1}", "[z-a]", "(?P<a>x)", "(?i)x", "(?>a)", r"(?<n>a)\k<m>", "a+*"],
)  # fmt: skip
def test_what_no_engine_takes(pattern: str):
    assert not compiles(pattern)
    assert not compiles(pattern, unicode=False)


@pytest.mark.parametrize("pattern", [r"\A", r"\@", r"[\w-.]", "{", "]", r"\1", r"\p{L", r"(?=a)*"])
def test_what_only_a_lax_engine_takes(pattern: str):
    assert not compiles(pattern)
    assert compiles(pattern, unicode=False)


@pytest.mark.parametrize("pattern", ["a" * 5_000, "(" * 60 + ")" * 60, "((a{1000}){1000})", "(" * 4_000, "[" * 4_000])
def test_it_is_bounded(pattern: str):
    started = time.process_time()
    assert not compiles(pattern)
    assert time.process_time() - started < 0.5
