"""Which network addresses are public: a caller's URL must never reach what only this machine or its network can."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo: the real destination is an IPv4 address inside of them."""
_DOCUMENTATION = IPv6Network("3fff::/20")
_RELAYS = IPv4Network("192.88.99.0/24")
_PLATFORM = IPv4Address("168.63.129.16")
"""Azure's virtual public address of its host, which only machines there reach. Source:
https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16"""

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""The network addresses of a host; raises OSError."""


async def resolve(host: str, port: int) -> list[str]:
    """Returns a host's addresses, as the system's own resolver finds them.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Returns whether `address` is a unicast address of the internet (IANA's special-purpose registries, RFC 6890).

    An IPv4 address inside of an IPv6 one (mapped, NAT64) is judged itself; tunnels are never public.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _public_v4(parsed)
    if parsed.scope_id is not None:
        return False
    if parsed.ipv4_mapped is not None:
        return _public_v4(parsed.ipv4_mapped)
    if parsed in _NAT64:
        return _public_v4(IPv4Address(int(parsed) & 0xFFFF_FFFF))
    return parsed in _UNICAST and parsed.is_global and not any(parsed in net for net in (*_TUNNELS, _DOCUMENTATION))


def _public_v4(address: IPv4Address) -> bool:
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not special and address not in _RELAYS and address != _PLATFORM
