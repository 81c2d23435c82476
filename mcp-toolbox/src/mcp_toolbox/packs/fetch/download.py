"""Downloading a page from an address that a model gave: public addresses alone, with limits on everything."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from urllib.request import getproxies_environment, proxy_bypass

import httpx2
from service_kit.public_addresses import Resolver, resolve

from mcp_toolbox.packs.fetch.decoding import Decoder
from mcp_toolbox.packs.fetch.errors import NotFetched
from mcp_toolbox.packs.fetch.policy import DEFAULT_PORTS, FetchPolicy

_MOST_REDIRECTS = 5
_MOST_ADDRESSES = 3
_MOST_AT_ONCE = 8
_CONNECT_SECONDS = 5.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "accept": "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.9, application/json;q=0.8, */*;q=0.1",
    "accept-encoding": "gzip, deflate",
    "user-agent": "mcp-toolbox (fetch, for one question of a person)",
    "connection": "close",
}
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = frozenset({"application/json", "application/xml", "application/javascript", "application/yaml"})


@dataclass(frozen=True)
class Download:
    """What was at `url`, the last one after redirects; `charset` is what the header says."""

    url: str
    media_type: str
    charset: str | None
    data: bytes

    @property
    def is_html(self) -> bool:
        return self.media_type in _HTML


class Downloader:
    """Downloads pages of at most `max_bytes`, as they are and unpacked, each within `seconds` in all.

    A host's addresses are looked up once and judged by the policy, every one of them, and the connection goes to one of
    those, so that they cannot change in between. That holds behind a proxy too: it is asked for a tunnel to the address
    that was judged, never to the name. Redirects are judged as the first address is. No cookies and no credentials go
    out.
    """

    def __init__(self, policy: FetchPolicy, *, max_bytes: int, seconds: float, resolver: Resolver = resolve) -> None:
        self._policy = policy
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._resolve = resolver
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx2.create_ssl_context()  # follows SSL_CERT_FILE

    async def get(self, address: str) -> Download:
        """Returns the page at `address`.

        Raises:
            NotFetched: it is not allowed, does not come in time, is too large or no text.
        """
        try:
            async with asyncio.timeout(self._seconds), self._places:
                url = self._policy.checked(address)
                for _ in range(_MOST_REDIRECTS + 1):
                    answer = await self._request(url)
                    if isinstance(answer, Download):
                        return answer
                    url = self._redirected(url, answer)
        except TimeoutError:
            raise NotFetched("slow", seconds=self._seconds) from None
        raise NotFetched("redirects")

    def _redirected(self, url: httpx2.URL, location: str) -> httpx2.URL:
        try:
            target = str(url.join(location))
        except (httpx2.InvalidURL, ValueError) as error:
            raise NotFetched("unreachable", repr(error)) from None
        return self._policy.checked(target)

    async def _request(self, url: httpx2.URL) -> Download | str:
        """Returns the page, or the address that it is redirected to."""
        failure: httpx2.TransportError | None = None
        for address in (await self._judged(url))[:_MOST_ADDRESSES]:
            try:
                async with self._answer(url, address) as response:
                    if response.status_code in _REDIRECTS and "location" in response.headers:
                        return response.headers["location"]
                    return await self._download(url, response)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
            except (httpx2.TransportError, httpx2.StreamError) as error:
                raise NotFetched("unreachable", repr(error)) from None
        raise NotFetched("unreachable", repr(failure))

    async def _judged(self, url: httpx2.URL) -> list[str]:
        host = url.raw_host.decode("ascii")
        try:
            addresses = await self._resolve(host, url.port or DEFAULT_PORTS[url.scheme])
        except (OSError, UnicodeError) as error:
            raise NotFetched("unreachable", f"{host}: {error!r}") from None
        if not addresses or not all(map(self._policy.allows, addresses)):
            raise NotFetched("not_public", f"{host}: {addresses}")
        return addresses

    @asynccontextmanager
    async def _answer(self, url: httpx2.URL, address: str) -> AsyncIterator[httpx2.Response]:
        host = url.raw_host.decode("ascii")
        seconds = {"connect": _CONNECT_SECONDS, "read": self._seconds, "write": self._seconds, "pool": self._seconds}
        request = httpx2.Request(
            "GET",
            url.copy_with(host=address),
            headers={**_HEADERS, "host": url.netloc.decode("ascii")},
            # The certificate is checked against the name, although the connection goes to the address.
            extensions={"sni_hostname": host.rstrip("."), "timeout": seconds},
        )
        proxy = _proxy_for(url)
        async with httpx2.AsyncHTTPTransport(verify=self._tls, trust_env=False, proxy=proxy) as transport:
            response = await transport.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()

    async def _download(self, url: httpx2.URL, response: httpx2.Response) -> Download:
        if response.status_code != 200:
            raise NotFetched("status", status=response.status_code)
        media_type = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        if not _is_text(media_type):
            raise NotFetched("no_text", kind=media_type[:100])
        decoder = Decoder(response.headers.get("content-encoding", ""), self._max_bytes)
        received = 0
        async for chunk in response.aiter_raw():
            received += len(chunk)
            if received > self._max_bytes:
                raise NotFetched("too_large", bytes=self._max_bytes)
            decoder.feed(chunk)
        return Download(str(url), media_type, response.charset_encoding, decoder.finished())


def _is_text(media_type: str) -> bool:
    known = media_type in _HTML or media_type in _TEXT or media_type.startswith("text/")
    return known or media_type.endswith(("+json", "+xml"))


def _proxy_for(url: httpx2.URL) -> str | None:
    """Returns the proxy that the environment names for this URL, as for the other clients.

    Raises:
        NotFetched: plain HTTP would go through a proxy. It makes no tunnel for that, and looks the name up by itself.
    """
    host = url.raw_host.decode("ascii")
    proxies = getproxies_environment()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy is None or proxy_bypass(host):
        return None
    if url.scheme == "http":
        raise NotFetched("https_only")
    return proxy if "://" in proxy else f"http://{proxy}"
