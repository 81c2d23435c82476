from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from mcp_toolbox.app import from_environment
from mcp_toolbox.packs.fetch.decoding import Decoder
from mcp_toolbox.packs.fetch.download import Downloader
from mcp_toolbox.packs.fetch.errors import NotFetched
from mcp_toolbox.packs.fetch.policy import FetchPolicy
from mcp_toolbox.registry.tool import ToolResult
from service_kit.settings import SettingsError

from tests.certificates import Authority
from tests.mcp_toolbox.packs.fetch.conftest import Web, answer, fetching, serving
from tests.proxy import proxying
from tests.waiting import eventually

PAGE = """<!doctype html><html><head><title>La  página</title><style>p{}</style></head><body>
<h1>Título</h1><p>Una <b>frase</b> con un <a href="/otra?x=1">enlace</a> y <a href="javascript:alert(1)">otro</a>.</p>
<script>alert("no")</script><p hidden>oculto</p><p style="display: none">tampoco</p>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><ul><li>uno</li><li>dos</li></ul>
</body></html>"""


def page(result: ToolResult) -> dict[str, Any]:
    assert not result.is_error, result.text
    assert result.structured is not None
    assert json.loads(result.text) == result.structured["result"]
    return result.structured["result"]


async def test_a_page_comes_as_markdown(web: Web, fetch_from: Any):
    web.pages["/"] = answer(PAGE.encode())
    async with fetch_from(web) as fetch:
        read = page(await fetch(f"http://127.0.0.1:{web.port}/#part"))
    assert read["title"] == "La página"
    assert read["url"] == f"http://127.0.0.1:{web.port}/"
    assert f"Una **frase** con un [enlace](http://127.0.0.1:{web.port}/otra?x=1) y otro." in read["text"]
    assert "# Título" in read["text"]
    assert "| 1 | 2 |" in read["text"]
    assert "- uno" in read["text"]
    for unseen in ("alert", "oculto", "tampoco", "p{}"):
        assert unseen not in read["text"]
    assert read["next_start"] is None
    assert "cookie" not in web.heads[0].lower()


async def test_a_long_page_comes_in_parts(web: Web, fetch_from: Any):
    words = " ".join(f"palabra{number}" for number in range(500))
    web.pages["/"] = answer(words.encode(), "content-type: text/plain")
    async with fetch_from(web) as fetch:
        url, text, start = f"http://127.0.0.1:{web.port}/", "", 0
        while start is not None:
            part = page(await fetch(url, max_chars=1000, start=start))
            text, start = text + part["text"], part["next_start"]
        assert text == words
        assert "start must be less" in (await fetch(url, start=len(words))).text


REFUSED = [
    "http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://0/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://10.0.0.1/", "http://100.64.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/",
    "http://168.63.129.16/", "http://224.0.0.1/", "http://255.255.255.255/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
async def test_what_is_not_public_is_refused(url: str):
    async with fetching() as fetch:
        result = await fetch(url)
    assert result.is_error
    assert "not on the public internet" in result.text


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("file:///etc/passwd", "no address"), ("ftp://example.com/", "no address"), ("example.com", "no address"),
        ("http://", "no address"), ("http:///x", "no address"),
        ("gopher://127.0.0.1:70/_x", "no address"), ("http://a\r\nb/", "no address"),
        ("http://ana:secret@example.com/", "user or a password"), ("http://example.com\\@127.0.0.1/", "user or a pass"),
        ("http://example.com:22/", "Port 22"), ("https://example.com:8443/", "Port 8443"),
    ],
)  # fmt: skip
async def test_what_is_no_address_of_a_page_is_refused(url: str, says: str):
    async with fetching() as fetch:
        result = await fetch(url)
    assert (result.is_error, says in result.text) == (True, True), result.text
    assert "secret" not in result.text


async def test_errors_are_in_the_operators_language():
    async with fetching(UI_LANGUAGE="es") as fetch:
        assert "no está en la Internet pública" in (await fetch("http://127.0.0.1/")).text


async def test_a_redirect_is_judged_as_the_first_address(web: Web, fetch_from: Any):
    base = f"http://127.0.0.1:{web.port}"
    targets = {
        "/a": "/b", "/c": "http://169.254.169.254/", "/d": "file:///etc/passwd", "/loop": "/loop",
        "/user": f"http://x@127.0.0.1:{web.port}/b", "/port": "http://127.0.0.1:1/",
    }  # fmt: skip
    for path, target in targets.items():
        web.pages[path] = answer(b"", f"location: {target}", status="302 Found")
    web.pages["/b"] = answer(b"<p>there</p>")
    async with fetch_from(web) as fetch:
        read = page(await fetch(f"{base}/a"))
        assert (read["text"], read["url"]) == ("there", f"{base}/b")
        for path in ("/c", "/d", "/loop", "/user", "/port"):
            assert (await fetch(base + path)).is_error, path


@pytest.mark.parametrize(
    ("allowed", "denied", "reached"),
    [("", "", True), ("127.*", "", True), ("example.com", "", False), ("", "127.0.0.1", False), ("*", "127.*", False)],
)
async def test_hosts_by_the_operators_lists(web: Web, fetch_from: Any, allowed: str, denied: str, reached: bool):
    web.pages["/"] = answer(b"<p>there</p>")
    async with fetch_from(web, FETCH_ALLOWED_HOSTS=allowed, FETCH_DENIED_HOSTS=denied) as fetch:
        assert (await fetch(f"http://127.0.0.1:{web.port}/")).is_error is not reached


def _downloader(*answers: list[str], port: int, seconds: float = 5) -> tuple[Downloader, list[str]]:
    """A downloader whose names have these addresses, one answer after the other; and the names that it asked for."""
    asked: list[str] = []

    async def resolver(host: str, _: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    import ipaddress

    policy = FetchPolicy(ports=frozenset({port}), networks=(ipaddress.ip_network("127.0.0.1/32"),))
    return Downloader(policy, max_bytes=100_000, seconds=seconds, resolver=resolver), asked


async def test_a_name_is_looked_up_once_and_the_connection_goes_there(web: Web):
    web.pages["/"] = answer(b"there")
    downloader, asked = _downloader(["127.0.0.1"], ["10.0.0.1"], port=web.port)
    got = await downloader.get(f"http://rebound.example:{web.port}/")
    assert (got.data, asked) == (b"there", ["rebound.example"])
    assert f"host: rebound.example:{web.port}" in web.heads[0].lower()


@pytest.mark.parametrize("addresses", [[], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["127.0.0.1", "fe80::1%lo"]])
async def test_every_address_of_a_name_has_to_be_allowed(web: Web, addresses: list[str]):
    downloader, _ = _downloader(addresses, port=web.port)
    with pytest.raises(NotFetched) as refused:
        await downloader.get(f"http://mixed.example:{web.port}/")
    assert refused.value.key == "not_public"
    assert web.heads == []


async def test_a_redirect_to_the_same_name_is_looked_up_anew(web: Web):
    web.pages["/"] = answer(b"", "location: /b", status="307 Temporary Redirect")
    downloader, _ = _downloader(["127.0.0.1"], ["192.168.0.1"], port=web.port)
    with pytest.raises(NotFetched) as refused:
        await downloader.get(f"http://rebound.example:{web.port}/")
    assert (refused.value.key, len(web.heads)) == ("not_public", 1)


@pytest.mark.parametrize("names", [("good.example",), ("other.example",)])
async def test_the_certificate_is_checked_against_the_name(
    names: tuple[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with serving(authority.serving(*names)) as web:
        web.pages["/"] = answer(b"there")
        downloader, _ = _downloader(["127.0.0.1"], port=web.port)
        if names == ("good.example",):
            assert (await downloader.get(f"https://good.example:{web.port}/")).data == b"there"
        else:
            with pytest.raises(NotFetched):
                await downloader.get(f"https://good.example:{web.port}/")


async def test_a_proxy_makes_a_tunnel_to_the_judged_address(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with serving(authority.serving("good.example")) as web, proxying() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        web.pages["/"] = answer(b"there")
        downloader, _ = _downloader(["127.0.0.1"], port=web.port)
        assert (await downloader.get(f"https://good.example:{web.port}/")).data == b"there"
        assert proxy.asked == [f"CONNECT 127.0.0.1:{web.port}"]
        with pytest.raises(NotFetched) as refused:
            await downloader.get(f"http://good.example:{web.port}/")
        assert refused.value.key == "https_only"
        monkeypatch.setenv("NO_PROXY", "good.example")
        await downloader.get(f"https://good.example:{web.port}/")
        assert len(proxy.asked) == 1


BOMB = gzip.compress(b"\0" * 50_000_000)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (answer(b"x" * 70_000), "more than 65536 bytes"),
        (answer(b"x" * 70_000, length=False), "more than 65536 bytes"),
        (answer(BOMB, "content-encoding: gzip"), "more than 65536 bytes"),
        (answer(zlib.compress(b"\0" * 50_000_000), "content-encoding: deflate"), "more than 65536 bytes"),
        (answer(gzip.compress(b"words")[:-9], "content-encoding: gzip"), "damaged"),
        (answer(b"words", "content-encoding: gzip"), "damaged"),
        (answer(b"words", "content-encoding: br"), "compressed in a way"),
        (answer(b"words", "content-encoding: gzip, gzip"), "compressed in a way"),
        (answer(b"\x89PNG", "content-type: image/png"), "no text but “image/png”"),
        (answer(b"%PDF", "content-type: application/pdf"), "no text"),
        (answer(b"no", status="403 Forbidden"), "status 403"),
        (b"garbage\r\n\r\n", "could not be reached"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n", "could not be reached"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100\r\n\r\nhalf", "could not be reached"),
        (b"", "could not be reached"),
    ],
    ids=range(15),
)  # fmt: skip
async def test_a_hostile_answer_is_refused(web: Web, fetch_from: Any, reply: bytes, says: str):
    web.pages["/"] = reply
    async with fetch_from(web, FETCH_MAX_BYTES="65536") as fetch:
        result = await fetch(f"http://127.0.0.1:{web.port}/")
    assert (result.is_error, says in result.text) == (True, True), result.text


def test_a_bomb_is_never_unpacked_whole():
    decoder = Decoder("gzip", 65536)
    tracemalloc.start()
    try:
        with pytest.raises(NotFetched):
            decoder.feed(BOMB)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
async def test_a_packed_page_is_unpacked(web: Web, fetch_from: Any, coding: str):
    plain = b"<p>" + b"words " * 1000 + b"</p>"
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(plain), "deflate": zlib.compress(plain), "raw": raw.compress(plain) + raw.flush(),
    }  # fmt: skip
    web.pages["/"] = answer(packed[coding], f"content-encoding: {'deflate' if coding == 'raw' else coding}")
    async with fetch_from(web) as fetch:
        assert page(await fetch(f"http://127.0.0.1:{web.port}/"))["text"].startswith("words words")


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
def test_a_packed_body_is_unpacked_however_it_is_cut(coding: str, size: int):
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(b"first ") + gzip.compress(b"second") + b"\0" * 8,
        "deflate": zlib.compress(b"first second") + b"\0" * 8,
        "raw": raw.compress(b"first second") + raw.flush(),
    }[coding]
    decoder = Decoder("deflate" if coding == "raw" else coding, 1000)
    for start in range(0, len(packed), size):
        decoder.feed(packed[start : start + size])
    assert decoder.finished() == b"first second"


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_packed_body_that_is_cut_off_is_not_taken_for_an_empty_one(cut: int):
    decoder = Decoder("gzip", 1000)
    decoder.feed(gzip.compress(b"words")[:cut])
    with pytest.raises(NotFetched):
        decoder.finished()
    assert Decoder("gzip", 1000).finished() == b""


def test_a_body_of_empty_members_ends():
    decoder = Decoder("gzip", 1000)
    with pytest.raises(NotFetched):
        decoder.feed(gzip.compress(b"") * 2000)


async def test_a_slow_server_is_left_in_time(web: Web, fetch_from: Any):
    web.pages["/"] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100\r\n\r\nhalf"
    web.stalls.add("/")
    async with fetch_from(web, FETCH_TIMEOUT_SECONDS="0.3") as fetch:
        result = await fetch(f"http://127.0.0.1:{web.port}/")
    assert "did not come within 0.3 s" in result.text
    await eventually(lambda: web.open == 0)


async def test_a_caller_who_leaves_ends_the_download(web: Web, fetch_from: Any):
    web.pages["/"] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 100\r\n\r\nhalf"
    web.stalls.add("/")
    async with fetch_from(web) as fetch:
        task = asyncio.ensure_future(fetch(f"http://127.0.0.1:{web.port}/"))
        await eventually(lambda: web.heads != [])
        task.cancel()
        await eventually(lambda: web.open == 0)


@pytest.mark.parametrize(
    ("body", "header", "text"),
    [
        ("año".encode(), "text/plain", "año"),
        ("año".encode("latin-1"), "text/plain; charset=iso-8859-1", "año"),
        ("precio €".encode("cp1252"), "text/plain; charset=latin1", "precio €"),
        ("año".encode("utf-16"), "text/plain", "año"),
        ("año".encode("latin-1"), "text/plain; charset=klingon", "a�o"),
        (b"a\xf1o", "text/plain; charset=hex", "a�o"),
        ('<meta charset="iso-8859-15"><p>año €</p>'.encode("iso-8859-15"), "text/html", "año €"),
        ("<p>año</p>".encode("latin-1"), "text/html; charset=iso-8859-1", "año"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"<p>a", "application/xhtml+xml", "a"),
        (b"", "text/html", ""),
    ],
    ids=range(11),
)
async def test_charsets(web: Web, fetch_from: Any, body: bytes, header: str, text: str):
    web.pages["/"] = answer(body, f"content-type: {header}")
    async with fetch_from(web) as fetch:
        assert page(await fetch(f"http://127.0.0.1:{web.port}/"))["text"] == text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "body",
    [b"<div>" * 100_000 + b"deep", b"<" * 200_000, b"<a href='" * 50_000, b"<!--" * 100_000, b"<table><tr>" * 20_000],
    ids=["deep", "open", "quotes", "comments", "tables"],
)
async def test_a_page_that_is_made_to_break_readers_costs_one_process(web: Web, fetch_from: Any, body: bytes):
    web.pages["/"] = answer(body)
    async with fetch_from(web) as fetch:
        result = await fetch(f"http://127.0.0.1:{web.port}/")
    if result.is_error:
        assert "could not be turned into text" in result.text


@pytest.mark.parametrize(
    ("variable", "value"),
    [("FETCH_PORTS", "80,http"), ("FETCH_PORTS", "0"), ("FETCH_ALLOWED_NETWORKS", "10.0.0.0/33"),
     ("FETCH_MAX_BYTES", "1"), ("FETCH_TIMEOUT_SECONDS", "-1")],
)  # fmt: skip
def test_a_variable_that_is_wrong_stops_the_start(variable: str, value: str):
    with pytest.raises(SettingsError, match=variable):
        from_environment({variable: value})
