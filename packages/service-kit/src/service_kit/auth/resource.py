"""What clients are told of the OAuth resource that a service is (RFC 9728, RFC 6750)."""

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
    """Our public address `url`, the `issuer` of tokens for it, the scopes that a token needs, and our `name`.

    `also_at` are paths within the service whose metadata is this too: clients of MCP ask for that of `/mcp`.
    """

    url: str
    issuer: str
    name: str
    scopes: Sequence[str] = ()
    also_at: Sequence[str] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Where `document` is served: for the host, for `also_at`, and for our own path where that is another."""
        within = (*self.also_at, urlsplit(self.url).path.rstrip("/"))
        return tuple(dict.fromkeys((WELL_KNOWN, *(f"{WELL_KNOWN}{path}" for path in within))))

    @property
    def document(self) -> dict[str, Any]:
        """The metadata (RFC 9728 §2)."""
        scopes = {"scopes_supported": list(self.scopes)} if self.scopes else {}
        return {
            "resource": self.url,
            "authorization_servers": [self.issuer],
            "bearer_methods_supported": ["header"],
            "resource_name": self.name,
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
