"""Parses content parts, tool choices and answer formats in OpenAI's form."""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import CacheMark, Image, Part, Refusal, ResponseFormat, Text, ToolChoice
from llm_gateway.dialects.common import openai_wire as wire
from llm_gateway.dialects.common.cache_control import mark_of
from llm_gateway.errors import InvalidRequest


def content_parts(content: str | list[wire.ContentPart] | None, index: int) -> tuple[Part, ...]:
    """Returns the parts of message number `index`; raises InvalidRequest for types that are not supported."""
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(_part(part, index) for part in content or ())


def _part(part: wire.ContentPart, index: int) -> Part:
    match part:
        case wire.TextPart():
            return Text(text=part.text, cache=mark_of(part.cache_control))
        case wire.RefusalPart():
            return Refusal(text=part.refusal)
        case wire.ImagePart():
            return _image(part.image_url, mark_of(part.cache_control))
        case _:
            kind = part.__struct_config__.tag
            raise InvalidRequest(
                f"content parts of type '{kind}' are not supported", param=f"messages[{index}].content"
            )


def _image(image: wire.ImageUrl, cache: CacheMark | None) -> Image:
    if not image.url.startswith("data:"):
        return Image(url=image.url, detail=image.detail, cache=cache)
    head, comma, data = image.url.removeprefix("data:").partition(",")
    if not comma or not head.endswith(";base64"):
        raise InvalidRequest("image_url: a data URL must be base64", param="image_url")
    return Image(data=data, media_type=head.removesuffix(";base64"), detail=image.detail, cache=cache)


def tool_choice(choice: Any) -> ToolChoice | None:
    """Parses `tool_choice`: a mode, or the name of a function."""
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(mode=choice)  # type: ignore[arg-type]
    return ToolChoice(mode="tool", name=choice.function.name)


def response_format(sent: wire.ResponseFormatParam | None) -> ResponseFormat | None:
    """Parses `response_format`; the type `text` is the same as none."""
    if sent is None or sent.type == "text":
        return None
    if sent.type == "json_object":
        return ResponseFormat(type="json_object")
    if sent.json_schema is None:
        raise InvalidRequest("response_format.json_schema is needed", param="response_format.json_schema")
    schema = sent.json_schema
    return ResponseFormat(
        type="json_schema", name=schema.name, schema=schema.schema, strict=schema.strict, description=schema.description
    )
