"""Which addresses may be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx2
from service_kit.public_addresses import is_public

from mcp_toolbox.packs.fetch.errors import NotFetched

MOST_URL_CHARS = 4096
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class FetchPolicy:
    """The operator's rules. `allowed_hosts` and `denied_hosts` are names in which `*` is a wildcard; with no allowed
    ones every host is allowed that is not denied. `networks` may be reached although they are not public."""

    ports: frozenset[int]
    allowed_hosts: tuple[str, ...] = ()
    denied_hosts: tuple[str, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def checked(self, text: str) -> httpx2.URL:
        """Returns the URL that `text` is. It is parsed here alone, so that nothing later reads another host in it.

        Raises:
            NotFetched: it is none, or not one that may be fetched.
        """
        try:
            if len(text) > MOST_URL_CHARS:
                raise ValueError("too long")
            url = httpx2.URL(text)
            host, port = url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS.get(url.scheme, 0)
        except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
            raise NotFetched("no_address", repr(error)) from None
        if url.scheme not in DEFAULT_PORTS or not host:
            raise NotFetched("no_address", url.scheme)
        if url.userinfo or "@" in url.netloc.decode("ascii", "replace"):
            raise NotFetched("credentials")
        if port not in self.ports:
            raise NotFetched("port", port=port, ports=", ".join(map(str, sorted(self.ports))))
        self._check_host(host)
        return url.copy_with(fragment=None)

    def _check_host(self, host: str) -> None:
        name = host.lower().rstrip(".")
        if _matches(name, self.denied_hosts) or (self.allowed_hosts and not _matches(name, self.allowed_hosts)):
            raise NotFetched("host", host=name)

    def allows(self, address: str) -> bool:
        """Returns whether a connection to this network address is allowed."""
        if is_public(address):
            return True
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self.networks)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern.lower().rstrip(".")) for pattern in patterns)
