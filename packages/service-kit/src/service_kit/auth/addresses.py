"""Addresses of OAuth: which may be used, and where an issuer's metadata is."""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where an issuer's metadata is: RFC 8414 §3, and OpenID Connect Discovery §4 in both of its ways."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    urls = (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )
    return tuple(dict.fromkeys(urls))


def is_secure(url: str) -> bool:
    """Whether keys and tokens may travel to `url`: by HTTPS, or within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
