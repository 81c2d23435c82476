"""The limits in time of one call to a provider."""

from __future__ import annotations

import msgspec


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In seconds: to connect, to the first content, between two pieces of it, and in all."""

    connect: float
    first_token: float
    idle: float
    total: float
