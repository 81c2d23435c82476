"""The rules that Converse enforces: the API's own model, and what its documentation and its models forbid."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream"}
_NO_SYSTEM = ("amazon.titan-text", "mistral.mistral-7b", "mistral.mixtral")
_NO_TOOLS = (*_NO_SYSTEM, "meta.llama3-70b", "meta.llama3-8b", "deepseek.r1", "anthropic.claude-v2")
_NO_STREAMED_TOOLS = ("meta.llama3-1", "meta.llama3-3", "mistral.mistral-large")
_NO_IMAGES = (*_NO_TOOLS, "amazon.nova-micro", "cohere.command-r")
_CACHING = ("amazon.nova", "claude-3-7", "claude-haiku-4", "claude-sonnet-4", "claude-opus-4")
_FORCED = ("anthropic.claude-3", "anthropic.claude-haiku", "anthropic.claude-sonnet", "anthropic.claude-opus", "nova")
_ONE_SAMPLER = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5", "claude-opus-4-1")
_BUDGETS = ("claude-3-7", "claude-haiku-4", "claude-sonnet-4", "claude-opus-4")
_ADAPTIVE = ("claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-7", "claude-opus-4-8", "-5-")


def mistake_in(raw: bytes, model: str, operation: str) -> str | None:
    """Returns the message for the first rule that the body breaks for this model, or None."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"The body is no JSON: {error}"
    if operation == "invoke":
        return _embedding_mistake(body, model)
    return next(_mistakes(body, model, operation), None)


def _mistakes(body: dict[str, Any], model: str, operation: str) -> Iterator[str]:
    report = _validator().validate({"modelId": model, **body}, _shape(_OPERATIONS[operation]))
    if report.has_errors():
        yield report.generate_report()
        return
    yield from _inference_mistakes(body)
    yield from _turn_mistakes(body.get("messages", []))
    yield from _block_mistakes(body)
    yield from _tool_mistakes(body)
    yield from _model_mistakes(body, model, operation)


def _inference_mistakes(body: dict[str, Any]) -> Iterator[str]:
    config = body.get("inferenceConfig", {})
    for name in ("temperature", "topP"):
        if not 0 <= config.get(name, 0) <= 1:
            yield f"Value at 'inferenceConfig.{name}' failed to satisfy constraint: Member must be between 0 and 1"
    if any(not sequence for sequence in config.get("stopSequences", [])):
        yield "Value at 'inferenceConfig.stopSequences' failed to satisfy constraint: Member must not be empty"
    fields = body.get("additionalModelRequestFields", {})
    thinking = fields.get("thinking", {})
    if thinking.get("type") in ("enabled", "adaptive"):
        yield from _thinking_mistakes(body, thinking, config, fields)


def _thinking_mistakes(
    body: dict[str, Any], thinking: dict[str, Any], config: dict[str, Any], fields: dict[str, Any]
) -> Iterator[str]:
    budget = thinking.get("budget_tokens", 1024)
    bounded = thinking["type"] == "enabled"  # adaptive thinking has no budget that an answer could be too short for
    if bounded and (budget < 1024 or budget >= config.get("maxTokens", budget + 1)):
        yield "`max_tokens` must be greater than `thinking.budget_tokens`, which must be at least 1024"
    if {"any", "tool"} & set(body.get("toolConfig", {}).get("toolChoice", {})):
        yield "Thinking may not be enabled when tool_choice forces tool use."
    if config.get("temperature", 1) != 1:
        yield "`temperature` may only be set to 1 when thinking is enabled."
    if "top_k" in fields:
        yield "`top_k` must be unset when thinking is enabled."
    if config.get("topP", 1) < 0.95:
        yield "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."


def _turn_mistakes(messages: list[dict[str, Any]]) -> Iterator[str]:
    if not messages:
        yield "The messages field is empty"
    elif messages[0]["role"] != "user":
        yield "A conversation must start with a user message. Try again with a conversation that starts with one."
    waiting: list[str] = []
    for number, message in enumerate(messages):
        if not message["content"]:
            yield f"The content field in the Message object at messages.{number} is empty."
        if number and message["role"] == messages[number - 1]["role"]:
            yield "A conversation must alternate between user and assistant roles."
        results = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        if sorted(results) != sorted(waiting):
            yield f"messages.{number}: toolResult blocks must be those of the toolUse blocks before: {waiting}"
        waiting = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        if waiting and message["role"] == "user":
            yield f"messages.{number}: only an assistant can use tools"
        if len(set(waiting)) != len(waiting):
            yield f"messages.{number}: toolUse ids must be unique"
    if waiting:
        yield f"Expected toolResult blocks for the following Ids: {', '.join(waiting)}"


def _block_mistakes(body: dict[str, Any]) -> Iterator[str]:
    for where, block in _all_blocks(body):
        if "text" in block and not block["text"].strip():
            yield f"The text field in the ContentBlock object at {where} is blank."
        if "image" in block:
            yield from _image_mistakes(where, block["image"])
        for key in ("toolUse", "toolResult"):
            if key in block and not _NAME.fullmatch(block[key]["toolUseId"]):
                yield f"Value at '{where}.{key}.toolUseId' failed to satisfy constraint: [a-zA-Z0-9_-]+"
        if "toolUse" in block and not (_NAME.fullmatch(block["toolUse"]["name"])):
            yield f"Value at '{where}.toolUse.name' failed to satisfy constraint: [a-zA-Z0-9_-]+"
        if "toolUse" in block and not isinstance(block["toolUse"]["input"], dict):
            yield f"The format of the value at {where}.toolUse.input is invalid. Provide a json object for the field."


def _image_mistakes(where: str, image: dict[str, Any]) -> Iterator[str]:
    if image["format"] not in ("png", "jpeg", "gif", "webp"):
        yield f"Value at '{where}.image.format' failed to satisfy enum value set: [png, jpeg, gif, webp]"
    try:
        base64.b64decode(image["source"]["bytes"], validate=True)
    except binascii.Error:
        yield f"{where}: the image is no base64"


def _all_blocks(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, block in enumerate(body.get("system", [])):
        yield f"system.{number}", block
    for number, message in enumerate(body.get("messages", [])):
        for place, block in enumerate(message["content"]):
            yield f"messages.{number}.content.{place}", block
            for inner, part in enumerate(block.get("toolResult", {}).get("content", [])):
                yield f"messages.{number}.content.{place}.toolResult.content.{inner}", part


def _tool_mistakes(body: dict[str, Any]) -> Iterator[str]:
    specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", []) if "toolSpec" in tool]
    names = [spec["name"] for spec in specs]
    used = any("toolUse" in block or "toolResult" in block for _, block in _all_blocks(body))
    if used and not specs:
        yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    if len(set(names)) != len(names):
        yield "The tool names must be unique"
    for spec in specs:
        if not _NAME.fullmatch(spec["name"]):
            yield f"Value '{spec['name']}' at 'toolConfig.tools.member.toolSpec.name' failed to satisfy constraint"
        if spec["inputSchema"]["json"].get("type") != "object":
            yield "The value at toolConfig.tools.toolSpec.inputSchema.json.type must be one of the following: object."
    forced = body.get("toolConfig", {}).get("toolChoice", {}).get("tool")
    if forced and forced["name"] not in names:
        yield f"The tool '{forced['name']}' is not among the tools"


def _model_mistakes(body: dict[str, Any], model: str, operation: str) -> Iterator[str]:
    if body.get("system") and _is(model, _NO_SYSTEM):
        yield "This model doesn't support the system field. Remove system and try again."
    if "toolConfig" in body:
        if _is(model, _NO_TOOLS):
            yield "This model doesn't support tool use."
        if operation == "converse-stream" and _is(model, _NO_STREAMED_TOOLS):
            yield "This model doesn't support tool use in streaming mode."
        if "tool" in body["toolConfig"].get("toolChoice", {}) and not _is(model, _FORCED):
            yield "This model doesn't support the toolConfig.toolChoice.tool field."
    if _is(model, _NO_IMAGES) and any("image" in block for _, block in _all_blocks(body)):
        yield "This model doesn't support the image content block that you provided."
    config = body.get("inferenceConfig", {})
    if _is(model, _ONE_SAMPLER) and {"temperature", "topP"} <= set(config):
        yield "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {}).get("type")
    if thinking == "adaptive" and not _is(model, _ADAPTIVE):
        yield "adaptive thinking is not supported on this model"
    if thinking == "enabled" and not _is(model, _BUDGETS):
        yield '"thinking.type.enabled" is not supported for this model.'
    yield from _schema_mistakes(body)
    points = [block for _, block in _all_blocks(body) if "cachePoint" in block]
    tools = [tool for tool in body.get("toolConfig", {}).get("tools", []) if "cachePoint" in tool]
    if (points or tools) and not _is(model, _CACHING):
        yield "You invoked an unsupported model or your request did not allow prompt caching."
    if tools and "nova" in model:
        yield "This model doesn't support cache points in tools."


def _schema_mistakes(body: dict[str, Any]) -> Iterator[str]:
    text_format = body.get("outputConfig", {}).get("textFormat")
    if text_format:
        schema = msgspec.json.decode(text_format["structure"]["jsonSchema"]["schema"])
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            yield "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly false"


def _is(model: str, names: tuple[str, ...]) -> bool:
    return any(name in model for name in names)


def _embedding_mistake(body: dict[str, Any], model: str) -> str | None:
    if "titan-embed" in model:
        unknown = set(body) - {"inputText", "dimensions", "normalize", "embeddingTypes"}
        if unknown or not isinstance(body.get("inputText"), str) or not body["inputText"]:
            return "Malformed input request: #: required key [inputText] not found, or extraneous keys"
        return None if body.get("dimensions", 1024) in (256, 512, 1024) else "Malformed input request: dimensions"
    if "cohere.embed" in model:
        unknown = set(body) - {"texts", "input_type", "truncate", "embedding_types", "output_dimension"}
        if unknown or "input_type" not in body or not 1 <= len(body.get("texts", [])) <= 96:
            return "Malformed input request: texts must be 1 to 96, and input_type is required"
        return None
    return f"{model} is no embedding model that this fake knows"


@cache
def _service() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def _shape(operation: str) -> Any:
    return _service().operation_model(operation).input_shape


@cache
def _validator() -> Any:
    from botocore.validate import ParamValidator

    return ParamValidator()
