"""The address of a Redis or Valkey. It stands apart from the client, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RedisAddress:
    """An address such as `redis://user:password@host:port/database`, `rediss://` with TLS, or `unix://`; `shown` is for
    logs and has no password."""

    url: str
    shown: str

    @classmethod
    def parse(cls, url: str) -> RedisAddress:
        """Returns the address that `url` describes.

        Raises:
            ValueError: it is not such an address. The message does not contain it, because it may hold a password.
        """
        wrong = ValueError("is not an address such as redis://:password@host:6379/0 or rediss://…")
        try:
            parts = urlsplit(url)
            place = parts.path if parts.scheme == "unix" else parts.hostname
            port = parts.port  # raises ValueError too
        except ValueError:
            raise wrong from None
        if not place or parts.scheme not in ("redis", "rediss", "unix"):
            raise wrong
        where = place if parts.scheme == "unix" else f"{place}:{port or 6379}{parts.path}"
        return cls(url, f"{parts.scheme}://{where}")
