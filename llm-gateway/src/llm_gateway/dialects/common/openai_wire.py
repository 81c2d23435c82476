"""The JSON of content parts, tools and answer formats as OpenAI writes them, for every dialect that takes them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class TextPart(msgspec.Struct, tag_field="type", tag="text"):
    text: str
    cache_control: Any = None


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class ImageUrl(msgspec.Struct, omit_defaults=True):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(msgspec.Struct, tag_field="type", tag="image_url"):
    image_url: ImageUrl
    cache_control: Any = None


class AudioPart(msgspec.Struct, tag_field="type", tag="input_audio"):
    input_audio: Any = None


class FilePart(msgspec.Struct, tag_field="type", tag="file"):
    file: Any = None


ContentPart = TextPart | RefusalPart | ImagePart | AudioPart | FilePart


class FunctionCall(msgspec.Struct):
    name: str
    arguments: str


class FunctionDefinition(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolAnnotations(msgspec.Struct, rename="camel"):
    """What MCP says of a tool, as far as the planner asks for it."""

    read_only_hint: bool | None = None


class ToolParam(msgspec.Struct):
    """A function. `annotations` are an addition of this gateway: they tell its planner, and no provider."""

    function: FunctionDefinition
    type: Literal["function"] = "function"
    cache_control: Any = None
    annotations: ToolAnnotations | None = None


class NamedFunction(msgspec.Struct):
    name: str


class NamedToolChoice(msgspec.Struct):
    function: NamedFunction
    type: Literal["function"] = "function"


class JsonSchema(msgspec.Struct):
    name: str
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class ResponseFormatParam(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None
