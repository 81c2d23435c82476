"""The interface between a credential and its principal."""

from __future__ import annotations

from typing import Protocol

from service_kit.auth.principal import Principal


class Authenticator(Protocol):
    """An object that knows the principals of one kind of credential: listed keys, stored keys, or an issuer's
    tokens."""

    async def authenticate(self, credential: str) -> Principal | None:
        """Returns the principal of `credential`, or None if this authenticator does not know it.

        Raises:
            ApiError: the credential is known but not sufficient (403), or cannot be checked now (503).
        """
        ...


class AnyOf:
    """An authenticator that asks several others in turn; the first that knows a credential decides."""

    def __init__(self, *authenticators: Authenticator) -> None:
        self._authenticators = authenticators

    async def authenticate(self, credential: str) -> Principal | None:
        for authenticator in self._authenticators:
            principal = await authenticator.authenticate(credential)
            if principal is not None:
                return principal
        return None
