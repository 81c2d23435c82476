"""Names of tools, for arbitrary names of servers and tools."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from mcp_toolbox.upstream.names import MAX_NAME, prefixes, tool_names

NAME = re.compile(r"[A-Za-z0-9_-]+")
NAMES = st.lists(st.text(min_size=1, max_size=120), unique=True, max_size=8)


def test_names_that_fit_stay_as_they_are():
    assert prefixes(["github", "my-files"]) == {"github": "github", "my-files": "my-files"}
    assert tool_names("github", ["get-sum", "_x", "a__b"]) == {
        "get-sum": "github__get-sum", "_x": "github___x", "a__b": "github__a__b",
    }  # fmt: skip


def test_what_does_not_fit_is_replaced_and_what_would_clash_is_marked():
    names = tool_names("s", ["a.b", "a/b", "a_b", "c.d"])
    assert (names["a_b"], names["c.d"]) == ("s__a_b", "s__c_d")
    assert len(set(names.values())) == 4
    assert names == tool_names("s", ["c.d", "a_b", "a/b", "a.b"])


@given(NAMES, NAMES)
def test_no_two_tools_have_one_name(servers: list[str], tools: list[str]):
    made = [name for prefix in prefixes(servers).values() for name in tool_names(prefix, tools).values()]
    assert len(set(made)) == len(servers) * len(tools)
    for name in made:
        assert NAME.fullmatch(name)
        assert len(name) <= MAX_NAME


def test_accents_are_dropped_and_lost_letters_marked():
    names = tool_names("s", ["ñandú", "名前", "取得", "get_名前", "naïve-Ærø", "Ωmega"])
    assert names["ñandú"] == "s__nandu"
    assert re.fullmatch("s__[0-9a-f]{8}", names["名前"])
    assert re.fullmatch("s__get_[0-9a-f]{8}", names["get_名前"])
    assert len(set(names.values())) == len(names)
    for name in names:  # a name does not depend on which others there are
        assert tool_names("s", [name])[name] == names[name]
    assert prefixes(["Café", "日本"])["Café"] == "Cafe"
