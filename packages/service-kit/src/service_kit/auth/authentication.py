"""The authentication of one service, composed from its settings."""

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
    """The metadata that an OAuth client needs to get a token for the service (RFC 9728 §2)."""

    resource: str = Field(
        description="The service's address, the audience of a token.", examples=["https://tools.example.com/mcp"]
    )
    authorization_servers: list[str]
    bearer_methods_supported: list[str]
    resource_name: str
    scopes_supported: list[str] | None = Field(None, description="The scopes that a token needs.")


class Authentication:
    """The credentials that a service takes, and the principal of a request without one.

    `authenticator` checks credentials; it is None where the service knows none. `anonymous` is the principal of a
    request without a credential; it is None where such a request is refused. `resource` is the OAuth metadata that
    clients may read; it is None without OAuth. `issuer_keys` are the keys that OAuth tokens are signed with.
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
        """The paths of the OAuth metadata: a client reads them before it has a credential."""
        return frozenset(self.resource.paths if self.resource else ())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the issuer's keys fresh until the block ends. The service's lifespan enters it."""
        if self._issuer_keys is None:
            yield
        else:
            async with self._issuer_keys.running():
                yield

    def add_routes(self, app: FastAPI) -> None:
        """Adds the routes of the OAuth metadata to `app`, open to every caller. Does nothing without OAuth."""
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
    """Returns the authentication that the settings describe: API keys, and the tokens of `OAUTH_ISSUER` if that is set.

    `name` and `also_at` go into the OAuth metadata (see `ProtectedResource`).

    Raises:
        SettingsError: `OAUTH_ISSUER` is set without `AUTH_MODE=keys`, or without an audience for its tokens.
    """
    if settings.auth_mode == "keys":
        keys = KeyRing(_listed_keys(settings))
        return _with_oauth(settings, keys, name, also_at) if settings.oauth_issuer else Authentication(keys, None)
    if settings.oauth_issuer is not None:
        raise SettingsError("AUTH_MODE: OAUTH_ISSUER needs AUTH_MODE=keys, which asks for a key or a token")
    # A service that is reachable from outside reserves the operator's routes for ADMIN_API_KEY, if that is set.
    anonymous = open_principal(operator=is_loopback(settings.host) or settings.admin_api_key is None)
    # A known key still names its principal here, but it never has fewer roles than a caller without a key.
    keys = KeyRing((key, roles | anonymous.roles) for key, roles in _listed_keys(settings))
    return Authentication(keys or None, anonymous)


def _listed_keys(settings: ServiceSettings) -> Iterator[tuple[str, frozenset[Role]]]:
    for entry in settings.api_keys:
        yield key_and_roles(entry.get_secret_value())
    if settings.admin_api_key is not None:
        yield settings.admin_api_key.get_secret_value(), ROLES - {"trusted"}


def _with_oauth(settings: ServiceSettings, keys: KeyRing, name: str, also_at: Sequence[str]) -> Authentication:
    from service_kit.auth.issuer_keys import IssuerKeys  # cryptography is large: it is loaded only with OAuth
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
