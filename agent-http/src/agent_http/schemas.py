"""Schemas of the answers for the OpenAPI document, made from the structs themselves, so that they cannot differ."""

from __future__ import annotations

from typing import Any

import msgspec
from agent_core.agent import RunResult
from agent_core.events import Event
from fastapi import FastAPI

_REF = "#/components/schemas/{name}"

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "param", "request_id"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "code": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "request_id": {"type": "string"},
            },
        }
    },
}

_MEANINGS = {
    400: "the body is not JSON",
    404: "`model_not_found`",
    413: "the input or the body is over the limit",
    415: "the body does not say that it is JSON",
    422: "`empty_input`, a field of the wrong type, an unknown field, or `step_limit_exceeded`",
    429: "too many requests; see Retry-After",
    502: "the provider answered with an error or with nothing",
    503: "`llm_gateway_unavailable` or `toolbox_unavailable`; see Retry-After",
    504: "`deadline_exceeded`",
}


def describe(name: str, media_type: str = "application/json") -> dict[str, Any]:
    """Returns the OpenAPI object of a response with the schema `name`."""
    schema = {"$ref": _REF.format(name=name)}
    if media_type == "text/event-stream":
        text = "Each event has `id:` (its seq), `event:` (its type) and `data:`, a JSON object of the schema below."
        return {"description": text, "content": {media_type: {"schema": {"type": "string"}, "x-event-schema": schema}}}
    return {"description": "The answer and the steps that led to it", "content": {media_type: {"schema": schema}}}


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "content": {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}}}
    for status, meaning in _MEANINGS.items()
}


def complete_openapi(app: FastAPI) -> None:
    """Add the schemas that the routes refer to to `app`'s OpenAPI document."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "RunResult" not in schemas:
            (_, event), components = msgspec.json.schema_components([RunResult, Event], ref_template=_REF)
            # The error event and the envelope would share a name.
            schemas.update(components | {"ErrorEvent": components["Error"], "Error": _ERROR, "Event": _renamed(event)})
        return document

    app.openapi = openapi


def _renamed(event: dict[str, Any]) -> dict[str, Any]:
    old, new = _REF.format(name="Error"), _REF.format(name="ErrorEvent")
    return msgspec.json.decode(msgspec.json.encode(event).replace(f'"{old}"'.encode(), f'"{new}"'.encode()))
