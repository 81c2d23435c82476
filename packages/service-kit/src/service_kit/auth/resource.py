"""The metadata and challenges of a service as an OAuth protected resource (RFC 9728, RFC 6750)."""

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
    """A service as an OAuth resource: its public address `url`, the `issuer` of its tokens, the scopes that a token
    needs, and its `name`.

    `also_at` are paths within the service for which the same metadata is served: MCP clients ask for that of `/mcp`.
    """

    url: str
    issuer: str
    name: str
    scopes: Sequence[str] = ()
    also_at: Sequence[str] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that serve `document`: that of the host, those of `also_at`, and that of the path of `url` if it
        has one."""
        within = (*self.also_at, urlsplit(self.url).path.rstrip("/"))
        return tuple(dict.fromkeys((WELL_KNOWN, *(f"{WELL_KNOWN}{path}" for path in within))))

    @property
    def document(self) -> dict[str, Any]:
        """The metadata as a JSON object (RFC 9728 §2)."""
        scopes = {"scopes_supported": list(self.scopes)} if self.scopes else {}
        return {
            "resource": self.url,
            "authorization_servers": [self.issuer],
            "bearer_methods_supported": ["header"],
            "resource_name": self.name,
            **scopes,
        }

    def challenge(self, error: ApiError) -> str | None:
        """Returns the `WWW-Authenticate` header of a refusal, which names the metadata's address, or None if no token
        would help (RFC 9728 §5.1)."""
        if error.status != 401 and error.code != INSUFFICIENT_SCOPE:
            return None
        address = urlsplit(self.url)
        parts = {"resource_metadata": f"{address.scheme}://{address.netloc}{WELL_KNOWN}{address.path}"}
        if self.scopes:
            parts["scope"] = " ".join(self.scopes)
        if error.code != "missing_api_key":
            parts["error"] = INSUFFICIENT_SCOPE if error.code == INSUFFICIENT_SCOPE else "invalid_token"
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items())
