from __future__ import annotations

import pytest
from llm_gateway.net.target import Origin, post_head, target_of


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a", (Origin("a", 80, False), "a", "/")),
        ("https://a.example:8443/v1/x?y=1&z", (Origin("a.example", 8443, True), "a.example:8443", "/v1/x?y=1&z")),
        ("http://[::1]:9/p", (Origin("::1", 9, False), "[::1]:9", "/p")),
        ("http://user:secret@a/p", (Origin("a", 80, False), "a", "/p")),
    ],
)
def test_an_address_is_taken_apart(url: str, target: object) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize("url", ["", "a/b", "ftp://a", "http://", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an http address"):
        target_of(url)


@pytest.mark.parametrize(
    "url",
    ["http://a/x y", "http://a/x\x00", "http://a/\x7f", "http://a/é", "http://a b/", "http://a/x?q=\u2028"],
)
def test_what_would_break_out_of_the_first_line_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="characters"):
        target_of(url)


@pytest.mark.parametrize("breaking", ["\r\n", "\r", "\n", "\0", "\r\n\r\n", "\n\r"])
@pytest.mark.parametrize("place", ["{}x", "a{}evil: 1", "a{}"])
def test_a_header_cannot_break_out_of_the_head(breaking: str, place: str) -> None:
    target = target_of("http://a")
    with pytest.raises(ValueError, match="'x' has a line break or a NUL"):
        post_head(target, {"fine": "1", "x": place.format(breaking)}, 0)
    with pytest.raises(ValueError, match="has a line break or a NUL"):
        post_head(target, {place.format(breaking): "1"}, 0)


def test_what_is_not_latin_cannot_stand_in_a_head() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        post_head(target_of("http://a"), {"x": "日本"}, 0)


def test_a_head() -> None:
    target = target_of("http://a:81/p?q=1")
    rest = b" HTTP/1.1\r\nhost: a:81\r\ncontent-length: 3\r\nx: \xe9\r\n\r\n"
    assert post_head(target, {"x": "é"}, 3) == b"POST /p?q=1" + rest
    assert post_head(target, {"x": "é"}, 3, absolute=True) == b"POST http://a:81/p?q=1" + rest
