"""Pages, requested as browsers request them."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from service_kit.pages import Page, inline_hashes
from starlette.requests import Request
from starlette.responses import Response

PAGE = Page({"es": "<p>hola</p>", "en": "<p>hello</p>"}, "default-src 'none'", vary=["Accept"])


def asked(page: Page, language: str = "es", **headers: str) -> Response:
    raw: Any = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return page.answer(Request({"type": "http", "headers": raw, "state": {"language": language}}))


def test_the_language_is_the_requests_and_a_cache_is_told():
    spanish, english = asked(PAGE), asked(PAGE, "en")
    assert (spanish.body, english.body) == (b"<p>hola</p>", b"<p>hello</p>")
    assert spanish.headers["vary"] == "Accept, Accept-Language, Accept-Encoding"
    assert spanish.headers["etag"] != english.headers["etag"]
    assert spanish.headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "GZIP"])
def test_it_is_compressed_where_that_is_taken(accepted: str):
    answer = asked(PAGE, accept_encoding=accepted)
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(bytes(answer.body)) == b"<p>hola</p>"
    assert answer.headers["etag"] != asked(PAGE).headers["etag"]


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0", "xgzip"])
def test_and_plain_where_it_is_not(accepted: str):
    assert "content-encoding" not in asked(PAGE, accept_encoding=accepted).headers


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_browser_that_has_it_is_not_sent_it_again(form: str):
    tag = asked(PAGE).headers["etag"]
    answer = asked(PAGE, if_none_match=form.format(tag))
    assert (answer.status_code, answer.body) == (304, b"")
    assert answer.headers["etag"] == tag


def test_one_that_has_another_language_or_nothing_is():
    tag = asked(PAGE, "en").headers["etag"]
    assert asked(PAGE, if_none_match=tag).status_code == 200
    assert asked(PAGE, if_none_match="").status_code == 200


def test_a_page_of_one_language_asks_for_none():
    answer = Page("<p>ß</p>", "x").answer(Request({"type": "http", "headers": []}))
    assert bytes(answer.body).decode() == "<p>ß</p>"
    assert answer.headers["vary"] == "Accept-Encoding"


def test_hashes_are_of_inline_elements_in_their_order():
    assert inline_hashes("<script src='x'></script><p>", "script") == ""
    two = inline_hashes("<script>a</script>\n<script>b\n</script>", "script").split()
    assert two[0] == "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='"
    assert len(two) == 2
