"""What clients are told of the resource that the toolbox is (RFC 9728, RFC 6750)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from service_kit.errors import ApiError

WELL_KNOWN = "/.well-known/oauth-protected-resource"
INSUFFICIENT_SCOPE = "insufficient_scope"


@dataclass(frozen=True)
class ProtectedResource:
    """Our public address `url` (that of `/mcp`), the `issuer` of tokens for it, and the scopes that a token needs."""

    url: str
    issuer: str
    scopes: Sequence[str] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Where `document` is served: for the host, for `/mcp`, and for our own path where that is another."""
        return tuple(dict.fromkeys((WELL_KNOWN, f"{WELL_KNOWN}/mcp", f"{WELL_KNOWN}{urlsplit(self.url).path}")))

    @property
    def document(self) -> dict[str, Any]:
        """The metadata (RFC 9728 §2)."""
        scopes = {"scopes_supported": list(self.scopes)} if self.scopes else {}
        return {
            "resource": self.url,
            "authorization_servers": [self.issuer],
            "bearer_methods_supported": ["header"],
            "resource_name": "MCP toolbox",
            **scopes,
        }

    def challenge(self, error: ApiError) -> str | None:
        """`WWW-Authenticate` of a refusal, which leads to the metadata; None where a token is not the matter."""
        if error.status != 401 and error.code != INSUFFICIENT_SCOPE:
            return None
        address = urlsplit(self.url)
        parts = {"resource_metadata": f"{address.scheme}://{address.netloc}{WELL_KNOWN}{address.path}"}
        if self.scopes:
            parts["scope"] = " ".join(self.scopes)
        if error.code != "missing_api_key":
            parts["error"] = INSUFFICIENT_SCOPE if error.code == INSUFFICIENT_SCOPE else "invalid_token"
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items())
