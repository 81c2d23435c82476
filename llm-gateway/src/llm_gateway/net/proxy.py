"""Which proxy a request goes through: what HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY mean, read as curl does.

Source: https://everything.curl.dev/usingcurl/proxies/env.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from llm_gateway.net.target import Origin

_Network = IPv4Network | IPv6Network


class Proxy(NamedTuple):
    """A proxy. `secure`: it is itself spoken to over TLS. `user` is `name:password` as an address has it, or empty,
    and never shown."""

    host: str
    port: int
    secure: bool
    user: str = ""

    def __repr__(self) -> str:
        return self._url("")

    @property
    def url(self) -> str:
        """Its address, with the password in it."""
        return self._url(f"{self.user}@" if self.user else "")

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization, or nothing."""
        if not self.user:
            return ""
        name, _, password = self.user.partition(":")
        return f"Basic {b64encode(f'{unquote(name)}:{unquote(password)}'.encode()).decode()}"

    def _url(self, user: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{user}{host}:{self.port}"


class Route(NamedTuple):
    """Where a connection goes and through what; those of one route can be used for one another."""

    origin: Origin
    proxy: Proxy | None = None


def proxy_of(url: str) -> Proxy:
    """Returns the proxy at `url`, which may leave its scheme out (http) and carry a name and a password.

    Raises:
        ValueError: it is none; the message does not repeat the address, which may hold a password.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"a proxy is spoken to over http or https, not {parts.scheme}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or any(char.isspace() for char in url):
        raise ValueError("not the address of a proxy, such as http://proxy.example:3128")
    secure = parts.scheme == "https"
    return Proxy(host, port or (443 if secure else 80), secure, parts.netloc.rpartition("@")[0])


class NoProxy:
    """Hosts that are reached directly: names with what is below them, addresses, networks (CIDR), each for one port
    where it names one; `*` is every host."""

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Raises ValueError for a network that is none."""
        self._all = False
        self._names: list[tuple[str, int | None]] = []
        self._networks: list[tuple[_Network, int | None]] = []
        for entry in entries:
            for word in entry.lower().split():  # curl takes spaces between them as well as commas
                self._add(word)

    def _add(self, entry: str) -> None:
        if entry == "*":
            self._all = True
            return
        host, port = _split_port(entry)
        network = _network(host)
        if network is not None:
            self._networks.append((network, port))
        elif "/" in host:
            raise ValueError(f"{entry} is neither a host nor a network")
        elif name := host.removeprefix("*").strip("."):
            self._names.append((name, port))

    def covers(self, host: str, port: int) -> bool:
        """Returns whether `host` is one of them."""
        if self._all:
            return True
        host = host.lower().rstrip(".")
        try:
            address = ip_address(host)
        except ValueError:
            return any(
                (host == name or host.endswith(f".{name}")) and only in (None, port) for name, only in self._names
            )
        return any(address in network and only in (None, port) for network, only in self._networks)


def _split_port(entry: str) -> tuple[str, int | None]:
    """Returns a host and the port behind it, if there is one; a bare IPv6 address has colons and no port."""
    host, colon, port = entry.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(port)
    return entry.strip("[]"), None


def _network(text: str) -> _Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


class Proxies:
    """The proxies of an environment. `https` is for origins over TLS, `http` for the others, `no` for neither."""

    def __init__(self, *, http: Proxy | None = None, https: Proxy | None = None, no: NoProxy | None = None) -> None:
        self._http = http
        self._https = https
        self._direct = no or NoProxy()
        self.route = lru_cache(maxsize=1024)(self._route)
        """The way to an origin."""

    def _route(self, origin: Origin) -> Route:
        proxy = self._https if origin.secure else self._http
        if proxy is None or self._direct.covers(origin.host, origin.port):
            return Route(origin)
        return Route(origin, proxy)
