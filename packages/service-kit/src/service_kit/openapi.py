"""What the edge adds to every route's OpenAPI description: how a key travels, and how the edge refuses."""

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
    401: "The key is missing or not known.",
    403: "The page's origin, or the key's role, is not allowed.",
    408: "The request did not arrive in time.",
    421: "The host name is not allowed.",
    431: "The head of the request is over 64 KiB or 128 fields.",
    503: "Not now; `Retry-After` says when.",
}
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
    """Make `app.openapi()` tell of keys and refusals on every route; what a route says itself stays."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        components = document.setdefault("components", {})
        components.setdefault("securitySchemes", _SCHEMES)
        components.setdefault("schemas", {}).setdefault(_ENVELOPE, _ENVELOPE_SCHEMA)
        for path, operations in document["paths"].items():
            needs_key = policy.anonymous is None and path not in policy.public_paths | MACHINE_PATHS
            for operation in operations.values():
                operation.setdefault("security", _EITHER if needs_key else [{}, *_EITHER])
                _add_refusals(operation, _statuses(path, policy.public_paths))
        return document

    app.openapi = openapi


def _statuses(path: str, public_paths: Set[str]) -> list[int]:
    if path in MACHINE_PATHS:  # which are asked without a check
        return [408, 431, 503]
    return [status for status in _REFUSALS if status != 401 or path not in public_paths]


def _add_refusals(operation: dict[str, Any], statuses: list[int]) -> None:
    responses = operation.setdefault("responses", {})
    error = responses.get("default", {}).get("content") or {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{_ENVELOPE}"}}
    }
    for status in statuses:
        described = {"description": f"{HTTPStatus(status).phrase}. {_REFUSALS[status]}", "content": error}
        responses.setdefault(str(status), described)
