"""Authentication as the settings describe it, put together for one service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from service_kit.auth.authenticator import AnyOf, Authenticator
from service_kit.auth.claims import Claims
from service_kit.auth.keys import KeyRing, key_and_roles
from service_kit.auth.principal import ROLES, Principal, Role, open_principal
from service_kit.auth.resource import ProtectedResource
from service_kit.settings import ServiceSettings, SettingsError, is_loopback

if TYPE_CHECKING:
    from service_kit.auth.issuer_keys import IssuerKeys


class ProtectedResourceMetadata(BaseModel):
    """What an OAuth client needs to get a token for the service (RFC 9728)."""

    resource: str = Field(
        description="The service's address, the audience of a token.", examples=["https://tools.example.com/mcp"]
    )
    authorization_servers: list[str]
    bearer_methods_supported: list[str]
    resource_name: str
    scopes_supported: list[str] | None = Field(None, description="The scopes that a token needs.")


class Authentication:
    """Who is let in, and as whom.

    `anonymous` is the principal of a request without a credential, None where that is refused; `authenticator` is
    None where there is no credential to know. `resource` is what OAuth clients are told, None without OAuth.
    """

    def __init__(
        self,
        authenticator: Authenticator | None,
        anonymous: Principal | None,
        resource: ProtectedResource | None = None,
        issuer_keys: IssuerKeys | None = None,
    ) -> None:
        self.authenticator = authenticator
        self.anonymous = anonymous
        self.resource = resource
        self._issuer_keys = issuer_keys

    @property
    def public_paths(self) -> frozenset[str]:
        """The paths that a client without a credential asks for, to learn where to get one."""
        return frozenset(self.resource.paths if self.resource else ())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the issuer's keys fresh; the service's lifespan enters it."""
        if self._issuer_keys is None:
            yield
        else:
            async with self._issuer_keys.running():
                yield

    def add_routes(self, app: FastAPI) -> None:
        """Adds the resource's metadata, open to every caller, where there is OAuth."""
        if self.resource is None:
            return
        document = self.resource.document

        async def metadata() -> dict[str, Any]:
            return document

        for path in self.resource.paths:
            name = path.strip("/.").replace("/", "_").replace("-", "_").replace(".", "_")
            app.add_api_route(
                path, metadata, methods=["GET"], name=name, operation_id=name, tags=["OAuth"],
                summary="OAuth protected resource metadata",
                responses={200: {"model": ProtectedResourceMetadata, "description": "Where to get a token."}},
            )  # fmt: skip


def authentication_of(settings: ServiceSettings, name: str, also_at: Sequence[str] = ()) -> Authentication:
    """Authentication as the settings say: API keys, and the tokens of `OAUTH_ISSUER` where that is set.

    `name` and `also_at` are for the resource's metadata (see `ProtectedResource`).

    Raises:
        SettingsError: OAuth lacks what goes with it.
    """
    if settings.auth_mode == "keys":
        keys = KeyRing(_listed_keys(settings))
        return _with_oauth(settings, keys, name, also_at) if settings.oauth_issuer else Authentication(keys, None)
    if settings.oauth_issuer is not None:
        raise SettingsError("AUTH_MODE: OAUTH_ISSUER needs AUTH_MODE=keys, which asks for a key or a token")
    # Beyond loopback an operator who has a key of their own keeps the operator's routes to it.
    anonymous = open_principal(operator=is_loopback(settings.host) or settings.admin_api_key is None)
    # A key that is known counts all the same, and never takes away what a caller without one may do.
    keys = KeyRing((key, roles | anonymous.roles) for key, roles in _listed_keys(settings))
    return Authentication(keys or None, anonymous)


def _listed_keys(settings: ServiceSettings) -> Iterator[tuple[str, frozenset[Role]]]:
    for entry in settings.api_keys:
        yield key_and_roles(entry.get_secret_value())
    if settings.admin_api_key is not None:
        yield settings.admin_api_key.get_secret_value(), ROLES - {"trusted"}


def _with_oauth(settings: ServiceSettings, keys: KeyRing, name: str, also_at: Sequence[str]) -> Authentication:
    from service_kit.auth.issuer_keys import IssuerKeys  # cryptography takes memory, and is loaded where it is wanted
    from service_kit.auth.tokens import Tokens

    issuer, url, scopes = settings.oauth_issuer or "", settings.oauth_resource_url, settings.oauth_scopes
    if url is None and not settings.oauth_audience:
        raise SettingsError(
            "OAUTH_RESOURCE_URL: OAUTH_ISSUER needs it, the public address that tokens are issued for, "
            "or OAUTH_AUDIENCE"
        )
    own = (url, url.rstrip("/")) if url else ()
    issuer_keys = IssuerKeys(issuer, settings.oauth_jwks_url)
    claims = Claims(
        roles_claim=settings.oauth_roles_claim,
        operator_roles=settings.oauth_operator_roles,
        team_claim=settings.oauth_team_claim,
    )
    tokens = Tokens(
        issuer_keys, issuer=issuer, audiences=(*own, *settings.oauth_audience), scopes=scopes, claims=claims
    )
    resource = ProtectedResource(url, issuer, name, scopes, also_at) if url else None
    return Authentication(AnyOf(keys, tokens), None, resource, issuer_keys)
