"""OAuth, put together: from the settings to what the border asks and what clients read."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from service_kit.auth.issuer_keys import IssuerKeys
from service_kit.auth.resource import ProtectedResource
from service_kit.auth.tokens import KeyOrToken, Tokens
from service_kit.edge.policy import key_ring
from service_kit.settings import SettingsError

from mcp_toolbox.schemas import PROTECTED_RESOURCE
from mcp_toolbox.settings import ToolboxSettings


class Protection:
    """Takes the tokens of one issuer beside the settings' API keys."""

    def __init__(self, settings: ToolboxSettings, resource: ProtectedResource, issuer_keys: IssuerKeys) -> None:
        self.resource = resource
        self._issuer_keys = issuer_keys
        self.keys = KeyOrToken(key_ring(settings), Tokens(resource, issuer_keys))

    def running(self) -> AbstractAsyncContextManager[None]:
        """Keeps the issuer's keys fresh; the service's lifespan enters it."""
        return self._issuer_keys.running()

    def add_routes(self, app: FastAPI) -> None:
        """The metadata, open to everybody."""

        async def metadata() -> dict[str, Any]:
            return self.resource.document

        for path in self.resource.paths:
            name = path.strip("/.").replace("/", "_").replace("-", "_").replace(".", "_")
            app.add_api_route(path, metadata, methods=["GET"], name=name, operation_id=name, **PROTECTED_RESOURCE)


def protection_of(settings: ToolboxSettings) -> Protection | None:
    """OAuth as the settings say, or None where they name no issuer.

    Raises:
        SettingsError: they name one, and lack what goes with it.
    """
    if settings.oauth_issuer is None:
        return None
    if settings.auth_mode != "keys":
        raise SettingsError("AUTH_MODE: OAUTH_ISSUER needs AUTH_MODE=keys, which asks for a key or a token")
    if settings.oauth_resource_url is None:
        raise SettingsError("OAUTH_RESOURCE_URL: OAUTH_ISSUER needs it: the public address of /mcp")
    resource = ProtectedResource(settings.oauth_resource_url, settings.oauth_issuer, settings.oauth_scopes)
    return Protection(settings, resource, IssuerKeys(settings.oauth_issuer, settings.oauth_jwks_url))
