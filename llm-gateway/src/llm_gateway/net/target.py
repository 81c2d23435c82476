"""Where a request goes, and the head that it has there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

_BREAKS = re.compile(r"[\r\n\0]")
_NO_PATH = re.compile(r"[^!-~]")


class Origin(NamedTuple):
    """Where connections go; those to the same origin can be used for one another."""

    host: str
    port: int
    secure: bool

    @property
    def authority(self) -> str:
        """`host:port`, the host in brackets where it is an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Target(NamedTuple):
    """An address, taken apart."""

    origin: Origin
    authority: str
    path: str


@lru_cache(maxsize=1024)
def target_of(url: str) -> Target:
    """Takes an address apart. Raises ValueError for what is no absolute http or https address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http address: {url}")
    secure = parts.scheme == "https"
    origin = Origin(parts.hostname, parts.port or (443 if secure else 80), secure)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    authority = parts.netloc.rpartition("@")[2]
    if _NO_PATH.search(path) or _NO_PATH.search(authority):
        raise ValueError(f"an address with characters that an address does not have: {url!r}")
    return Target(origin, authority, path)


def post_head(target: Target, headers: Mapping[str, str], length: int, *, absolute: bool = False) -> bytes:
    """Returns the head of a POST with a body of `length` bytes; `absolute` names the whole address, as a proxy wants
    it.

    Raises:
        ValueError: a header would break out of the head, or cannot be written in it.
    """
    path = f"http://{target.authority}{target.path}" if absolute else target.path
    lines = [f"POST {path} HTTP/1.1", f"host: {target.authority}", f"content-length: {length}"]
    for name, value in headers.items():
        lines.append(f"{name}: {value}")
    head = "\r\n".join([*lines, "", ""])
    # Every CR and LF of the head must come from its own line ends. Counting costs less than looking into each header.
    ends = len(lines) + 1
    if head.count("\r") != ends or head.count("\n") != ends or "\0" in head:
        broken = [name for name, value in headers.items() if _BREAKS.search(name) or _BREAKS.search(value)]
        raise ValueError(f"the header {broken[0]!r} has a line break or a NUL in it")
    return head.encode("latin-1")
