"""What the border lets in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from service_kit.auth.authentication import Authentication
from service_kit.auth.authenticator import Authenticator
from service_kit.auth.principal import Principal
from service_kit.edge.hosts import HostRule
from service_kit.edge.origins import OriginRule
from service_kit.errors import ApiError
from service_kit.language import Language
from service_kit.settings import ServiceSettings

MACHINE_PATHS = frozenset({"/healthz", "/readyz"})
"""Asked by balancers and kubelets, by address: no host check, no key, no log line."""

DESCRIPTION_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
"""Open to whoever may reach the host: they hold no secret."""

ErrorBody = Callable[[ApiError, str], bytes]
"""An error, and the id of the request, as the body of an answer."""

Challenge = Callable[[ApiError], str | None]
"""What `WWW-Authenticate` says beside an error, if anything."""


def plain_challenge(error: ApiError) -> str | None:
    """That a bearer token is wanted (RFC 6750 §3)."""
    return "Bearer" if error.status == 401 else None


@dataclass(frozen=True)
class Policy:
    """The rules of one service.

    `authenticator` knows the credentials that are taken, None where there are none; `anonymous` is the principal of a
    request without one, None where that is refused. `page_token` lets in a page that was opened from disk, whose
    origin (`null`) says nothing. `public_paths` need no key. `root_path` is the prefix that stands before all paths.
    `error_bodies` are the paths whose clients read errors in another shape than ours.
    """

    hosts: HostRule
    origins: OriginRule
    authenticator: Authenticator | None
    anonymous: Principal | None
    max_body_bytes: int
    default_language: Language
    root_path: str = ""
    page_token: str | None = None
    public_paths: frozenset[str] = field(default=frozenset())
    error_bodies: Mapping[str, ErrorBody] = field(default_factory=dict)
    challenge: Challenge = plain_challenge

    @staticmethod
    def of(
        settings: ServiceSettings,
        *,
        authentication: Authentication,
        page_token: str | None = None,
        public_paths: frozenset[str] = frozenset(),
        error_bodies: Mapping[str, ErrorBody] | None = None,
    ) -> Policy:
        """The policy that the settings describe."""
        return Policy(
            hosts=HostRule(settings.allowed_hosts),
            origins=OriginRule(settings.cors_allowed_origins, allow_all=settings.cors_allow_all_origins),
            authenticator=authentication.authenticator,
            anonymous=authentication.anonymous,
            max_body_bytes=settings.max_body_bytes,
            default_language=settings.ui_language,
            root_path=settings.root_path,
            page_token=page_token,
            public_paths=DESCRIPTION_PATHS | public_paths,
            error_bodies=error_bodies or {},
            challenge=authentication.resource.challenge if authentication.resource else plain_challenge,
        )

    def path_within(self, path: str) -> str:
        """`path` without the prefix; a path outside the prefix stays as it is."""
        prefix = self.root_path
        if not prefix or not path.startswith(prefix):
            return path
        rest = path[len(prefix) :]
        return rest if rest.startswith("/") else path if rest else "/"
