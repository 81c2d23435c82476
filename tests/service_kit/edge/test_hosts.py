"""The list of allowed hosts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.edge.hosts import HostRule, without_port

LOOPBACK = HostRule(["localhost", "127.0.0.1", "[::1]"])
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8003", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000", "localhost:"]
)
def test_loopback_on_any_port(host: str):
    assert LOOPBACK.allows(host)


@pytest.mark.parametrize(
    "host",
    [
        None, "", ":80", "evil.example", "localhost.evil.example", "evil.example:8003", "127.0.0.1.evil.example",
        "127.0.0.2", "[::2]:80", "[::1].evil.example", "[::1", "::1", "evil.example#localhost",
        "localhost@evil.example", "localhost:80:80", "localhost:x", "evil.example/localhost", "localhost ",
    ],
)  # fmt: skip
def test_strangers_are_kept_out(host: str | None):
    assert not LOOPBACK.allows(host)


def test_an_entry_with_a_port_allows_that_port_alone():
    rule = HostRule(["api.example:8443"])
    assert rule.allows("API.example:8443")
    assert not rule.allows("api.example")
    assert not rule.allows("api.example:80")


def test_subdomains():
    rule = HostRule(["*.Example.com"])
    assert rule.allows("a.example.com:80")
    assert rule.allows("a.b.example.com")
    for stranger in ("example.com", "badexample.com", "a.example.com.evil", "*.evil"):
        assert not rule.allows(stranger)


@given(st.none() | st.text())
def test_a_star_allows_everything(host: str | None):
    assert HostRule(["*"]).allows(host)


@given(st.text())
def test_an_empty_list_allows_nobody(host: str):
    assert not HostRule([]).allows(host)


@given(NAME, st.integers(1, 65535))
def test_a_name_is_the_same_with_a_port_and_in_capitals(name: str, port: int):
    assert without_port(f"{name}:{port}") == name
    assert HostRule([name]).allows(f"{name.upper()}:{port}")
    assert not HostRule([name]).allows(f"{name}.evil.example:{port}")
    assert not HostRule([name]).allows(f"evil-{name}:{port}")


@given(st.text())
def test_no_host_breaks_it(host: str):
    assert LOOPBACK.allows(host) == (without_port(host.lower()) in ("localhost", "127.0.0.1", "[::1]"))
