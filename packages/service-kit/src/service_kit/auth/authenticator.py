"""How a credential becomes a principal."""

from __future__ import annotations

from typing import Protocol

from service_kit.auth.principal import Principal


class Authenticator(Protocol):
    """Knows the principals of one kind of credential: listed keys, stored keys, an issuer's tokens."""

    async def authenticate(self, credential: str) -> Principal | None:
        """The credential's principal, or None for a credential that is not known here.

        Raises:
            ApiError: the credential is known and does not suffice, or cannot be checked now.
        """
        ...


class AnyOf:
    """Takes the credentials of several authenticators; the first that knows one decides."""

    def __init__(self, *authenticators: Authenticator) -> None:
        self._authenticators = authenticators

    async def authenticate(self, credential: str) -> Principal | None:
        for authenticator in self._authenticators:
            principal = await authenticator.authenticate(credential)
            if principal is not None:
                return principal
        return None
