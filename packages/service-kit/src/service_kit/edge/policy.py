"""The rules by which the edge of one service admits requests."""

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
"""Paths that load balancers and kubelets ask for, by IP address: without a host check, a key or a log line."""

DESCRIPTION_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
"""Paths without secrets, open to every caller that may reach the host."""

ErrorBody = Callable[[ApiError, str], bytes]
"""A function of an error and the request's id that returns the body of the answer."""

Challenge = Callable[[ApiError], str | None]
"""A function of an error that returns the `WWW-Authenticate` header beside it, or None."""


def plain_challenge(error: ApiError) -> str | None:
    """Returns `Bearer` for a 401 (RFC 6750 §3), else None."""
    return "Bearer" if error.status == 401 else None


@dataclass(frozen=True)
class Policy:
    """The rules of one service.

    `authenticator` checks credentials, None if the service takes none; `anonymous` is the principal of a request
    without one, None if such a request is refused. `max_body_bytes` bounds a body. `page_token` admits a page that was
    opened from disk, whose origin is `null`. `public_paths` need no key. `root_path` is the prefix of all paths behind
    a proxy. `error_bodies` render the errors of paths whose clients expect another shape than the suite's envelope.
    On `lenient_paths` a body is read as JSON whatever media type it names, unless a page sent it. `challenge` makes the
    `WWW-Authenticate` header of a refusal.
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
    lenient_paths: frozenset[str] = field(default=frozenset())

    @staticmethod
    def of(
        settings: ServiceSettings,
        *,
        authentication: Authentication,
        page_token: str | None = None,
        public_paths: frozenset[str] = frozenset(),
        error_bodies: Mapping[str, ErrorBody] | None = None,
        lenient_paths: frozenset[str] = frozenset(),
    ) -> Policy:
        """Returns the policy that the settings describe."""
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
            lenient_paths=lenient_paths,
        )

    def path_within(self, path: str) -> str:
        """Returns `path` without the prefix `root_path`; a path outside the prefix is returned unchanged."""
        prefix = self.root_path
        if not prefix or not path.startswith(prefix):
            return path
        rest = path[len(prefix) :]
        return rest if rest.startswith("/") else path if rest else "/"
