"""The right to make an entry, which one replica has at a time."""

from __future__ import annotations

import msgspec


class Lease(msgspec.Struct, frozen=True, gc=False):
    """This replica asks for the answer under `key`, while the others wait for its entry."""

    key: bytes
    token: str


BUSY = Lease(b"", "")
"""Stands for the lease of another replica."""
