"""Fetching an image from an address that a caller gave: https, public addresses alone, with limits on everything."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from service_kit.public_addresses import Resolver, is_public, resolve

from llm_gateway.net.connecting import Connector
from llm_gateway.net.errors import Broken, ConnectFailed, ConnectTimeout, Malformed
from llm_gateway.net.http1 import Connection
from llm_gateway.net.proxy import Proxies, Route
from llm_gateway.net.target import Origin

_MOST_REDIRECTS = 3
_MOST_ADDRESSES = 3
_MOST_AT_ONCE = 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MEDIA_TYPES = frozenset({"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"})
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._?"


class Fetched(NamedTuple):
    """An image; `media_type` is what its bytes say."""

    data: bytes
    media_type: str


class NotFetched(Exception):
    """`reason` may be told to the caller; `detail`, which may tell of the internal network, is for the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail or reason


class _Place(NamedTuple):
    host: str
    port: int
    path: str


class ImageFetcher:
    """Fetches images of at most `max_bytes`, each within `seconds` in all.

    A host's addresses are looked up once and judged by `allowed`, every one of them, and the connection goes to one of
    those, so that they cannot change in between. That holds behind a proxy too: it is asked for a tunnel to the
    address that was judged, never to the name, which it would look up by itself, perhaps to an address within its
    network. So names must be known here, and the proxy must make tunnels to addresses. Redirects, at most three, are
    judged as the first address is. No header but the host's name goes out, and no cookies.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        seconds: float = 10.0,
        port: int = 443,
        resolver: Resolver = resolve,
        allowed: Callable[[str], bool] = is_public,
        tls: ssl.SSLContext | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._port = port
        self._resolve = resolver
        self._allowed = allowed
        self._tls = tls
        self._proxies = proxies or Proxies()
        self._connector: Connector | None = None  # made in the loop that uses it
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)

    async def fetch(self, url: str) -> Fetched:
        """Returns the image at `url`.

        Raises:
            NotFetched: its address is not allowed, it does not come in time, is too large or is no image.
        """
        try:
            async with asyncio.timeout(self._seconds), self._places:
                for _ in range(_MOST_REDIRECTS + 1):
                    answer = await self._get(url)
                    if isinstance(answer, Fetched):
                        return answer
                    url = _redirected(url, answer)
        except TimeoutError as error:
            raise NotFetched(_UNREACHABLE, "not in time") from error
        raise NotFetched("it is redirected too often")

    async def _get(self, url: str) -> Fetched | str:
        """Returns the image, or the address that it is redirected to."""
        place = self._place(url)
        connection = await self._connect(place)
        try:
            connection.send(_head(place, self._port))
            while not connection.status:
                await _news(connection)
            if connection.status in _REDIRECTS and "location" in connection.headers:
                return connection.headers["location"]
            self._check(connection.status, connection.headers)
            data = await self._body(connection)
        finally:
            connection.abort()
        media_type = media_type_of(data)
        if media_type is None:
            raise NotFetched(_NO_IMAGE)
        return Fetched(data, media_type)

    def _place(self, url: str) -> _Place:
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        except (ValueError, UnicodeError):
            raise NotFetched(_NO_ADDRESS) from None
        if parts.scheme != "https" or parts.username is not None or parts.password is not None:
            raise NotFetched(_NO_ADDRESS)
        if (port or 443) != self._port or not _HOST.fullmatch(host):
            raise NotFetched(_NO_ADDRESS)
        path = quote(parts.path or "/", safe=_PATH_SAFE)
        return _Place(host, self._port, f"{path}?{quote(parts.query, safe=_PATH_SAFE)}" if parts.query else path)

    async def _connect(self, place: _Place) -> Connection:
        try:
            addresses = await self._resolve(place.host, place.port)
        except (OSError, UnicodeError) as error:
            raise NotFetched(_UNREACHABLE, f"{place.host}: {error!r}") from error
        if not addresses or not all(map(self._allowed, addresses)):
            raise NotFetched(_UNREACHABLE, f"{place.host} is not public: {addresses}")
        if self._connector is None:
            self._connector = Connector(self._tls)
        proxy = self._proxies.route(Origin(place.host, place.port, True)).proxy
        failure: Exception | None = None
        for address in addresses[:_MOST_ADDRESSES]:
            route = Route(Origin(address, place.port, True), proxy)
            try:
                return await self._connector.connect(route, self._seconds, name=place.host)
            except (ConnectFailed, ConnectTimeout) as error:
                failure = error
        raise NotFetched(_UNREACHABLE, f"{place.host}: {failure}") from failure

    def _check(self, status: int, headers: Mapping[str, str]) -> None:
        if status != 200:
            raise NotFetched("its server did not give it", f"status {status}")
        if headers.get("content-type", "").partition(";")[0].strip().lower() not in _MEDIA_TYPES:
            raise NotFetched(_NO_IMAGE)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise NotFetched("its server sent it in a coding that was not asked for")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise self._too_large()

    async def _body(self, connection: Connection) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            while (chunk := connection.take()) is not None:
                chunks.append(chunk)
                size += len(chunk)
                if size > self._max_bytes:
                    raise self._too_large()
            if connection.complete:
                return b"".join(chunks)
            await _news(connection)

    def _too_large(self) -> NotFetched:
        return NotFetched(f"it has more than {self._max_bytes} bytes")


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise NotFetched(_UNREACHABLE, f"redirected to what is no address: {error}") from error


_NO_ADDRESS = "only https addresses on the standard port and without credentials are fetched"
_UNREACHABLE = "it could not be reached"
_NO_IMAGE = "it is no PNG, JPEG, GIF or WebP image"


async def _news(connection: Connection) -> None:
    """Waits for anything to happen; the time limit is around the whole fetch."""
    if connection.error is None:
        await connection.news(asyncio.get_running_loop().time() + 3600)
    if isinstance(connection.error, (Broken, Malformed)):
        raise NotFetched(_UNREACHABLE, repr(connection.error)) from connection.error


def _head(place: _Place, standard_port: int) -> bytes:
    host = f"[{place.host}]" if ":" in place.host else place.host
    authority = host if standard_port == 443 else f"{host}:{place.port}"
    return (
        f"GET {place.path} HTTP/1.1\r\nhost: {authority}\r\naccept: image/png, image/jpeg, image/gif, image/webp\r\n"
        "accept-encoding: identity\r\nuser-agent: llm-gateway\r\nconnection: close\r\n\r\n"
    ).encode("ascii")


def media_type_of(data: bytes) -> str | None:
    """Returns what image the first bytes announce, or None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
