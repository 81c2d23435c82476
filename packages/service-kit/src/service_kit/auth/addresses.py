"""Addresses of an OAuth issuer: where its metadata is, and which addresses are secure."""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Returns the addresses at which the metadata of `issuer` may be, in the order in which they are tried.

    Sources: RFC 8414 §3, and OpenID Connect Discovery §4 in both of its forms.
    """
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    urls = (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )
    return tuple(dict.fromkeys(urls))


def is_secure(url: str) -> bool:
    """Returns whether keys and tokens may travel to `url`: over HTTPS, or over HTTP within this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
