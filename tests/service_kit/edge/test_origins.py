"""The web pages that may call a service."""

from __future__ import annotations

import pytest
from service_kit.edge.origins import OriginRule

RULE = OriginRule(["http://localhost:8002", "https://app.example/"])


def test_no_origin_is_no_page():
    assert RULE.allows(None, "localhost:8003")


@pytest.mark.parametrize("origin", ["http://localhost:8002", "HTTP://LOCALHOST:8002", "https://app.example"])
def test_the_listed(origin: str):
    assert RULE.allows(origin, "localhost:8003")


@pytest.mark.parametrize("origin", ["http://localhost:8003", "https://localhost:8003", "http://LOCALHOST:8003"])
def test_the_services_own_pages(origin: str):
    assert RULE.allows(origin, "localhost:8003")


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "http://evil.example", "http://localhost:8002.evil.example", "http://localhost", "http://app.example",
        "https://app.example.evil", "https://sub.app.example", "file://", "file://localhost:8003",
        "chrome-extension://localhost:8003", "http://localhost:8003/",
    ],
)  # fmt: skip
def test_strangers(origin: str):
    assert not RULE.allows(origin, "localhost:8003")


def test_without_a_host_nothing_is_its_own():
    assert not RULE.allows("http://", None)
    assert not RULE.allows("http://", "other")


@pytest.mark.parametrize("rule", [OriginRule([], allow_all=True), OriginRule(["*"])])
def test_all(rule: OriginRule):
    assert rule.allows("http://evil.example", "localhost")
    assert rule.allows("null", "localhost")
