"""The list of allowed hosts, which stops DNS rebinding: another site's page that points its own name at this
service."""

from __future__ import annotations

from collections.abc import Iterable


class HostRule:
    """Allows the listed hosts, on any port unless the entry names one. `*` allows every host, `*.name` every
    subdomain."""

    def __init__(self, allowed: Iterable[str]) -> None:
        names = [name.lower() for name in allowed]
        self._any = "*" in names
        self._exact = frozenset(names)
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))

    def allows(self, host: str | None) -> bool:
        """Returns whether the Host header `host` is allowed; None, for a missing header, is allowed only by `*`."""
        if self._any:
            return True
        if not host:
            return False
        host = host.lower()
        if host in self._exact:
            return True
        name = without_port(host)
        return name in self._exact or (bool(self._suffixes) and name.endswith(self._suffixes))


def without_port(host: str) -> str:
    """Returns `host` without its port. An IPv6 address keeps its brackets; text that is no host is returned
    unchanged."""
    name, colon, port = host.rpartition(":")
    is_port = colon and (port.isdecimal() or not port) and (":" not in name or name.endswith("]"))
    return name if is_port else host
