"""Answers for connections that are refused before there is a request for the application."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

import msgspec

from service_kit.errors import ApiError, error_body
from service_kit.ids import request_id
from service_kit.language import Language


def raw_answer(error: ApiError, language: Language, default_headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """Returns `error` in the suite's envelope as the bytes of a whole HTTP/1.1 answer, which closes the connection."""
    name = request_id(None)
    body = msgspec.json.encode(error_body(error, name, language))
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-request-id": name,
        "x-content-type-options": "nosniff",
        **error.headers(),
        "connection": "close",
    }
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()]
    lines += [b"%b: %b" % header for header in default_headers]
    lines += [f"{field}: {value}".encode("latin-1") for field, value in headers.items()]
    return b"\r\n".join([*lines, b"", body])
