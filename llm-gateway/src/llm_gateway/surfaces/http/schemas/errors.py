"""The error envelope."""

from __future__ import annotations

import msgspec


class ErrorObject(msgspec.Struct):
    message: str
    type: str
    code: str
    param: str | None
    request_id: str


class ErrorEnvelope(msgspec.Struct):
    error: ErrorObject
