"""The base of all canonical structs."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An immutable value; `gc=False` because values never form cycles."""
