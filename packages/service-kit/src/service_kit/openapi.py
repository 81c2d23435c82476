"""The part of every route's OpenAPI description that comes from the edge: how a key is sent, and how the edge
refuses."""

from __future__ import annotations

from collections.abc import Set
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from service_kit.edge.policy import MACHINE_PATHS, Policy

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key as `Authorization: Bearer KEY`."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key as `x-api-key`."},
}
_EITHER: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]

_REFUSALS = {
    400: "This is not a request of HTTP/1.1, or it repeats a header that may be sent once.",
    401: "The key is missing or not known.",
    403: "The page's origin, or the key's role, is not allowed.",
    408: "The request did not arrive in time.",
    413: "The body is over the limit.",
    415: "The body is not JSON, or it is compressed.",
    421: "The host name is not allowed.",
    429: "Too much at once; `Retry-After` says when to come back.",
    431: "The head of the request is over 64 KiB or 128 fields.",
    503: "Not now; `Retry-After` says when.",
}
_WITH_BODY = frozenset({"post", "put", "patch"})
_OF_BODIES = frozenset({413, 415, 429})
"""The statuses of operations with a body alone: those are the ones that cost something."""

_ENVELOPE = "ErrorEnvelope"
_TEXT = {"type": "string"}
_ENVELOPE_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "param", "request_id"],
            "properties": {
                "message": _TEXT, "type": _TEXT, "code": _TEXT, "param": {"type": ["string", "null"]},
                "request_id": _TEXT,
            },
        }
    },
}  # fmt: skip


def describe_edge(app: FastAPI, policy: Policy) -> None:
    """Makes `app.openapi()` describe keys and refusals on every route; a route's own description has precedence."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        components = document.setdefault("components", {})
        components.setdefault("securitySchemes", _SCHEMES)
        components.setdefault("schemas", {}).setdefault(_ENVELOPE, _ENVELOPE_SCHEMA)
        for path, operations in document["paths"].items():
            needs_key = policy.anonymous is None and path not in policy.public_paths | MACHINE_PATHS
            for method, operation in operations.items():
                operation.setdefault("security", _EITHER if needs_key else [{}, *_EITHER])
                statuses = _statuses(path, policy.public_paths)
                _add_refusals(operation, [one for one in statuses if method in _WITH_BODY or one not in _OF_BODIES])
        return document

    app.openapi = openapi


def _statuses(path: str, public_paths: Set[str]) -> list[int]:
    if path in MACHINE_PATHS:  # these paths have no checks
        return [400, 408, 431, 503]
    return [status for status in _REFUSALS if status != 401 or path not in public_paths]


def _add_refusals(operation: dict[str, Any], statuses: list[int]) -> None:
    responses = operation.setdefault("responses", {})
    error = responses.get("default", {}).get("content") or {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{_ENVELOPE}"}}
    }
    for status in statuses:
        described = {"description": f"{HTTPStatus(status).phrase}. {_REFUSALS[status]}", "content": error}
        responses.setdefault(str(status), described)
