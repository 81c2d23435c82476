"""Ways out through a proxy: which, as curl reads the variables, and how, against real proxies and real TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from llm_gateway.errors import ProxyCredentials, UpstreamConnectTimeout, UpstreamFirstByteTimeout, UpstreamUnavailable
from llm_gateway.net.proxy import NoProxy, Proxies, Proxy, Route, proxy_of
from llm_gateway.net.target import Origin
from llm_gateway.net.timeouts import Timeouts
from llm_gateway.net.transport import Transport
from llm_gateway.routing.retry import RetryScope, retry_scope

from tests.certificates import Authority
from tests.peers import Peer, listening
from tests.proxy import basic, proxying

LIMITS = Timeouts(connect=5, first_token=5, idle=5, total=10)
PASSWORD = "p@ss:word"
BASIC = basic("user", PASSWORD)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.example:3128", Proxy("proxy.example", 3128, False)),
        ("proxy.example:3128", Proxy("proxy.example", 3128, False)),
        ("https://proxy.example/", Proxy("proxy.example", 443, True)),
        ("http://[::1]:8080", Proxy("::1", 8080, False)),
        ("http://user:p%40ss%3Aword@proxy", Proxy("proxy", 80, False, "user:p%40ss%3Aword")),
        ("http://ñ@proxy", Proxy("proxy", 80, False, "ñ")),
    ],
)
def test_a_proxys_address(url: str, proxy: Proxy):
    assert proxy_of(url) == proxy == proxy_of(proxy.url)


def test_a_proxys_password():
    assert proxy_of("http://user:p%40ss%3Aword@proxy").authorization == BASIC
    assert proxy_of("http://ñ@proxy").authorization == "Basic w7E6"
    assert proxy_of("http://proxy").authorization == ""


@pytest.mark.parametrize("url", ["socks5://a:1080", "http://", "ftp://a", "http://a:x", "http://user:secret@", "a b"])
def test_what_is_no_proxy_is_refused_without_showing_a_password(url: str):
    with pytest.raises(ValueError, match="proxy") as caught:
        proxy_of(url)
    assert "secret" not in str(caught.value)


def test_a_proxy_does_not_show_its_password():
    assert repr(Route(Origin("a", 1, True), proxy_of("http://user:secret@proxy:1"))).count("secret") == 0
    assert repr(proxy_of("http://user:secret@[::1]:1")) == "http://[::1]:1"


@pytest.mark.parametrize(
    ("entries", "host", "port", "covered"),
    [
        ("*", "api.example.com", 443, True),
        ("example.com", "example.com", 443, True),
        ("example.com", "api.example.com", 443, True),
        ("EXAMPLE.com", "API.example.COM.", 443, True),
        (".example.com", "example.com", 443, True),
        (".example.com", "api.example.com", 443, True),
        ("*.example.com", "api.example.com", 443, True),
        ("example.com.", "api.example.com", 443, True),
        ("example.com", "badexample.com", 443, False),
        ("api.example.com", "example.com", 443, False),
        ("example.com:8443", "example.com", 8443, True),
        ("example.com:8443", "example.com", 443, False),
        ("localhost", "localhost", 80, True),
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1:81", "127.0.0.1", 80, False),
        ("127.0.0.1:80", "127.0.0.1", 80, True),
        ("27.0.0.1", "127.0.0.1", 80, False),
        ("10.0.0.0/8", "10.200.3.4", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.1.2.3/8", "10.200.3.4", 80, True),
        ("10.0.0.0/8", "10.example.com", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "::1", 81, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("fd00::/8", "fe80::1", 80, False),
        ("", "example.com", 80, False),
        ("a, ,b", "b", 80, True),
        ("localhost 127.0.0.1  .example.com", "api.example.com", 443, True),
        ("localhost 127.0.0.1,\tb", "127.0.0.1", 80, True),
        ("localhost 127.0.0.1", "127.0.0.2", 80, False),
        ("svc.cluster.local", "toolbox.mcp-system.svc.cluster.local", 8000, True),
    ],
)
def test_what_is_reached_directly(entries: str, host: str, port: int, covered: bool):
    no = NoProxy(entries.split(","))
    assert no.covers(host, port) is covered
    proxy = Proxy("proxy", 1, False)
    ways = Proxies(http=proxy, https=proxy, no=no)
    assert ways.route(Origin(host, port, True)).proxy == (None if covered else proxy)


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ValueError, match="10\\.0\\.0\\.0/40"):
        NoProxy(["10.0.0.0/40"])


def test_each_scheme_has_its_own_proxy():
    ways = Proxies(https=Proxy("secure", 1, False))
    assert ways.route(Origin("a", 443, True)).proxy == Proxy("secure", 1, False)
    assert ways.route(Origin("a", 80, False)).proxy is None


# --- through real ones ---


async def _origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request with its own head."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(head), head))
    except asyncio.IncompleteReadError:
        writer.close()


@asynccontextmanager
async def calling(tls: ssl.SSLContext | None = None, **proxies: str) -> AsyncIterator[Transport]:
    ways = Proxies(**{scheme: proxy_of(url) for scheme, url in proxies.items()})
    transport = Transport(max_connections=4, max_bytes=100_000, proxies=ways, tls=tls)
    async with transport.running():
        yield transport


async def _asked(transport: Transport, url: str) -> str:
    reply = await transport.post(url, {}, b"{}", LIMITS)
    assert reply.status == 200
    async with transport.stream(url, {}, b"{}", LIMITS) as streamed:
        assert await streamed.read() == reply.body
    return reply.body.decode()


@pytest.mark.parametrize("secure_proxy", [False, True], ids=["http-proxy", "https-proxy"])
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_calls_go_through_the_proxy_and_its_connections_are_kept(
    secure: bool, secure_proxy: bool, tmp_path: Path
):
    authority = Authority(tmp_path)
    tls = authority.serving("model.test") if secure else None
    proxy_tls = authority.serving("localhost") if secure_proxy else None
    async with (
        listening(_origin, tls=tls) as port,
        proxying(wants=BASIC, tls=proxy_tls) as proxy,
    ):
        way = f"{'https' if secure_proxy else 'http'}://user:p%40ss%3Aword@localhost:{proxy.port}"
        async with calling(authority.trusting(), https=way, http=way) as transport:
            url = f"{'https' if secure else 'http'}://model.test:{port}/v1?x=1"
            head = await _asked(transport, url)
    assert head.startswith("POST /v1?x=1 HTTP/1.1\r\n") and f"\r\nhost: model.test:{port}\r\n" in head
    assert "proxy-authorization" not in head.lower()  # the password stays with the proxy
    asked = [f"CONNECT model.test:{port}"] if secure else [f"POST http://model.test:{port}/v1?x=1"] * 2
    assert (proxy.asked, proxy.connections) == (asked, 1)
    assert secure or PASSWORD not in proxy.heads[0]


async def test_each_origin_has_a_tunnel_of_its_own(tmp_path: Path):
    authority = Authority(tmp_path)
    tls = authority.serving("a.test", "b.test")
    async with (
        listening(_origin, tls=tls) as port,
        proxying() as proxy,
        calling(authority.trusting(), https=f"http://127.0.0.1:{proxy.port}") as transport,
    ):
        for name in ("a", "b", "a", "b"):
            assert f"host: {name}.test:{port}" in await _asked(transport, f"https://{name}.test:{port}/")
    assert proxy.asked == [f"CONNECT a.test:{port}", f"CONNECT b.test:{port}"]


async def test_the_certificate_in_a_tunnel_is_the_origins(tmp_path: Path):
    authority = Authority(tmp_path)
    async with (
        listening(_origin, tls=authority.serving("other.test")) as port,
        proxying() as proxy,
        calling(authority.trusting(), https=f"http://127.0.0.1:{proxy.port}") as transport,
    ):
        with pytest.raises(UpstreamUnavailable) as caught:
            await _asked(transport, f"https://model.test:{port}/")
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.detail


async def test_a_proxy_that_is_not_trusted_is_not_spoken_to(tmp_path: Path):
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "Stranger")
    async with (
        proxying(tls=stranger.serving("localhost")) as proxy,
        calling(authority.trusting(), https=f"https://user:x@localhost:{proxy.port}") as transport,
    ):
        with pytest.raises(UpstreamUnavailable) as caught:
            await _asked(transport, "https://model.test/")
    assert proxy.heads == [] and "the proxy https://localhost" in caught.value.detail


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_wrong_password_is_told_and_not_shown(scheme: str):
    async with proxying(wants=BASIC) as proxy:
        way = f"http://user:wrong@127.0.0.1:{proxy.port}"
        async with calling(https=way, http=way) as transport:
            with pytest.raises(ProxyCredentials) as caught:
                await transport.post(f"{scheme}://model.test/", {}, b"{}", LIMITS)
    assert caught.value.headers() == {"x-should-retry": "false"} and retry_scope(caught.value) is RetryScope.OTHER
    assert "407" in caught.value.detail and "wrong" not in caught.value.detail


def _says(*pieces: bytes, hang_up: bool = False) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if hang_up:
            writer.close()
        else:
            await reader.read()

    return peer


@pytest.mark.parametrize(
    "proxy",
    [
        _says(hang_up=True),
        _says(b"HTTP/1.1 200 OK\r\n", hang_up=True),
        _says(b"HTTP/1.1 200 OK\r\n\r\n", hang_up=True),
        _says(b"HTTP/1.1 200 OK\r\n\r\n", b"not TLS at all, but something else of some length\r\n\r\n"),
        _says(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
        _says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        _says(b"x" * 100_000),
        _says(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000),
        _says(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"),
        _says(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"),
        _says(b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\n\r\n"),
        _says(b"HTTP/1.1 20"b"0OK\r\n\r\n"),
    ],
)  # fmt: skip
async def test_a_proxy_that_does_not_make_a_tunnel(proxy: Peer):
    async with listening(proxy) as port, calling(https=f"http://127.0.0.1:{port}") as transport:
        with pytest.raises(UpstreamUnavailable) as caught:
            await asyncio.wait_for(transport.post("https://model.test/", {}, b"{}", LIMITS), 4)
    assert f"127.0.0.1:{port}" in caught.value.detail or "proxy" in caught.value.detail


async def test_a_proxy_that_is_down():
    async with listening(_origin) as port:
        pass
    way = f"http://127.0.0.1:{port}"
    async with calling(https=way, http=way) as transport:
        for scheme in ("http", "https"):
            with pytest.raises(UpstreamUnavailable) as caught:
                await transport.post(f"{scheme}://model.test/", {}, b"{}", LIMITS)
            assert f"the proxy {way}" in caught.value.detail


@pytest.mark.parametrize("proxy", [_says(), _says(b"HTTP/1.1 200"), _says(b"HTTP/1.1 200 OK\r\n\r\n")])
async def test_a_proxy_that_is_slow_meets_the_limit_for_connecting_and_is_hung_up_on(proxy: Peer):
    left = asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy(reader, writer)
        left.set()

    limits = Timeouts(connect=0.2, first_token=5, idle=5, total=5)
    async with listening(peer) as port, calling(https=f"http://127.0.0.1:{port}") as transport:
        with pytest.raises(UpstreamConnectTimeout):
            await asyncio.wait_for(transport.post("https://model.test/", {}, b"{}", limits), 4)
        await asyncio.wait_for(left.wait(), 4)


async def test_a_proxy_that_is_slow_with_a_plain_request_meets_the_limit_for_a_first_byte():
    limits = Timeouts(connect=5, first_token=0.2, idle=5, total=5)
    async with listening(_says()) as port, calling(http=f"http://127.0.0.1:{port}") as transport:
        with pytest.raises(UpstreamFirstByteTimeout):
            await asyncio.wait_for(transport.post("http://model.test/", {}, b"{}", limits), 4)


async def test_a_call_that_is_given_up_while_the_tunnel_is_made_leaves_nothing_behind():
    left, came = asyncio.Event(), asyncio.Event()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.set()
        await reader.read()
        left.set()

    async with listening(peer) as port, calling(https=f"http://127.0.0.1:{port}") as transport:
        call = asyncio.ensure_future(transport.post("https://model.test/", {}, b"{}", LIMITS))
        await asyncio.wait_for(came.wait(), 4)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await asyncio.wait_for(left.wait(), 4)
