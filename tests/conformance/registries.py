"""The resources and prompts of the fixture server; names and texts are those of the suite's scenarios."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.prompts import Argument, Message, Prompt, said_by_user
from mcp_toolbox.registry.resources import Resource

from tests.conformance.samples import PNG_TYPE, image_block, png

_TEXT, _JSON = "text/plain", "application/json"


def fixture_resources() -> list[Resource]:
    """A text, an image, one to subscribe to, and a template."""
    return [
        Resource(
            "test://static-text",
            "static text",
            "A text.",
            _TEXT,
            lambda variables, context: "This is the content of the static text resource.",
        ),
        Resource("test://static-binary", "static binary", "An image.", PNG_TYPE, lambda variables, context: png()),
        Resource(
            "test://watched-resource",
            "watched resource",
            "One to subscribe to.",
            _TEXT,
            lambda variables, context: "Nothing has changed.",
        ),
        Resource("test://template/{id}/data", "data", "The data of an id.", _JSON, _data),
    ]


def fixture_prompts() -> list[Prompt]:
    """Without and with arguments, and with content that is not text."""
    return [
        Prompt("test_simple_prompt", "A simple prompt.", _said("This is a simple prompt for testing.")),
        Prompt(
            "test_prompt_with_arguments",
            "A prompt with two arguments.",
            lambda given, context: [
                said_by_user(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")
            ],
            arguments=(
                Argument("arg1", "The first.", required=True, complete=_lines),
                Argument("arg2", "The second.", required=True),
            ),
        ),
        Prompt(
            "test_prompt_with_embedded_resource",
            "A prompt with a resource in it.",
            _with_resource,
            arguments=(Argument("resourceUri", "The resource.", required=True),),
        ),
        Prompt("test_prompt_with_image", "A prompt with an image in it.", _with_image),
    ]


def _data(variables: Mapping[str, str], context: CallContext) -> str:
    id_ = variables["id"]
    return json.dumps({"id": id_, "templateTest": True, "data": f"Data for ID: {id_}"})


def _lines(typed: str, context: CallContext) -> list[str]:
    return [place for place in ("paris", "park", "party", "porto") if place.startswith(typed)]


def _said(text: str):
    return lambda given, context: [said_by_user(text)]


def _by_user(content: dict[str, Any]) -> Message:
    return {"role": "user", "content": content}


def _with_resource(given: Mapping[str, str], context: CallContext) -> list[Message]:
    resource = {"uri": given["resourceUri"], "mimeType": _TEXT, "text": "Embedded resource content for testing."}
    return [
        _by_user({"type": "resource", "resource": resource}),
        said_by_user("Please process the embedded resource above."),
    ]


def _with_image(given: Mapping[str, str], context: CallContext) -> list[Message]:
    return [_by_user(dict(image_block())), said_by_user("Please analyze the image above.")]
