"""The rules that Google enforces for a request's body, with its messages.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/caching#Content and the errors that
users of the API report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_TOP = {
    "contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent",
    "labels", "serviceTier", "store",
}  # fmt: skip
_CONFIG = {
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "responseLogprobs", "logprobs",
    "presencePenalty", "frequencyPenalty", "seed", "responseMimeType", "responseSchema", "responseJsonSchema",
    "responseModalities", "mediaResolution", "speechConfig", "thinkingConfig", "imageConfig", "enableAffectiveDialog",
}  # fmt: skip
_DATA = {
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
}  # fmt: skip
_PART = _DATA | {"thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"}
_CALL = {"id", "name", "args"}
_RESPONSE = {"id", "name", "response", "parts", "willContinue", "scheduling"}
_DECLARATION = {
    "name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior",
}  # fmt: skip
_SCHEMA = {
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
    "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
    "default", "items", "minimum", "maximum",
}  # fmt: skip
_THINKING = {"includeThoughts", "thinkingBudget", "thinkingLevel"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_UNDERSCORE = re.compile(r"_([a-z])")
_OWN = {"args", "response", "parameters", "parametersJsonSchema", "responseJsonSchema", "responseSchema", "labels"}
_MOST_STOPS = 5
_MOST_TEXTS = 100
_INT32 = 2**31
_CALL_TURN = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
_AS_MANY = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)


def mistake(body: Any, model: str) -> str | None:
    """Returns the message for the first mistake in a body of `generateContent`, or None."""
    return next(_mistakes(in_camel_case(body), model), None)


def embedding_mistake(body: Any, model: str) -> str | None:
    """Returns the message for the first mistake in a body of `batchEmbedContents`, or None."""
    return next(_embedding_mistakes(in_camel_case(body), model), None)


def in_camel_case(value: Any) -> Any:
    """Returns `value` with its fields in camel case, as the API documents them; Google's APIs also take `snake_case`.

    The caller's own objects (arguments, results, schemas) are not changed.
    """
    if isinstance(value, list):
        return [in_camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {_UNDERSCORE.sub(lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    return {name: inner if name in _OWN else in_camel_case(inner) for name, inner in named.items()}


def _unknown(where: str, value: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    for name in value:
        if name not in known:
            at = f" at '{where}'" if where else ""
            yield f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'


def _mistakes(body: Any, model: str) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "Invalid JSON payload received. Root element must be a message."
        return
    yield from _unknown("", body, _TOP)
    if not body.get("contents"):
        yield "* GenerateContentRequest.contents: contents is not specified"
        return
    for number, content in enumerate(body["contents"]):
        yield from _content(f"contents[{number}]", content)
    if "systemInstruction" in body:
        yield from _content("system_instruction", body["systemInstruction"])
    yield from _turns(body["contents"])
    if not re.match(r"gemini-[12]\b", model):
        yield from _signatures(body["contents"])
    yield from _config(body.get("generationConfig") or {})
    yield from _tools(body)


def _content(where: str, content: Json) -> Iterator[str]:
    yield from _unknown(where, content, {"role", "parts"})
    if content.get("role", "user") not in ("user", "model"):
        yield "Please use a valid role: user, model."
    if not content.get("parts"):
        yield f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty."
        return
    for number, part in enumerate(content["parts"]):
        yield from _part(f"{where}.parts[{number}]", part)


def _part(where: str, part: Json) -> Iterator[str]:
    yield from _unknown(where, part, _PART)
    if len(_DATA & set(part)) != 1:
        yield f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field"
        return
    if "functionCall" in part:
        yield from _unknown(f"{where}.function_call", part["functionCall"], _CALL)
        yield from _named(where, part["functionCall"])
        if not isinstance(part["functionCall"].get("args", {}), dict):
            yield f"Invalid value at '{where}.function_call.args' (type.googleapis.com/google.protobuf.Struct)"
    if "functionResponse" in part:
        yield from _unknown(f"{where}.function_response", part["functionResponse"], _RESPONSE)
        yield from _named(where, part["functionResponse"])
        if not isinstance(part["functionResponse"].get("response"), dict):
            yield f"Invalid value at '{where}.function_response.response' (type.googleapis.com/google.protobuf.Struct)"
    if "inlineData" in part and set(part["inlineData"]) != {"mimeType", "data"}:
        yield f"Unable to process input image: {where}.inline_data wants a mimeType and data."
    if "fileData" in part and not str(part["fileData"].get("fileUri", "")).startswith(("https://", "gs://")):
        yield f"Invalid or unsupported file uri: {part['fileData'].get('fileUri')}"


def _named(where: str, value: Json) -> Iterator[str]:
    if not _NAME.fullmatch(str(value.get("name", ""))):
        yield f"* GenerateContentRequest.{where}: Invalid function name. Must start with a letter or an underscore."


def _turns(contents: list[Json]) -> Iterator[str]:
    open_calls: list[Json] = []
    before: Json | None = None
    for content in contents:
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        responses = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        if calls and (before is None or before.get("role") == "model"):
            yield _CALL_TURN
        if responses and not open_calls:
            yield "Please ensure that function response turn comes immediately after a function call turn."
        if len(responses) != len(open_calls):
            yield _AS_MANY
        if sorted(one["name"] for one in responses) != sorted(one["name"] for one in open_calls):
            yield "Please ensure that function response names match the function calls."
        open_calls, before = calls, content
    if open_calls:
        yield "Please ensure that the function call is followed by a function response."


def _signatures(contents: list[Json]) -> Iterator[str]:
    """Checks that the first call of each step in the current turn is signed."""
    for position, content in reversed(list(enumerate(contents, start=1))):
        if content.get("role") != "model":
            if any("functionResponse" not in part for part in content["parts"]):
                return
            continue
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None and not first.get("thoughtSignature"):
            name = first["functionCall"].get("name")
            yield (
                "Function call is missing a thought_signature in functionCall parts. Additional data, function call "
                f"`default_api:{name}`, position {position}."
            )


def _config(config: Json) -> Iterator[str]:
    yield from _unknown("generation_config", config, _CONFIG)
    stops = config.get("stopSequences") or []
    if len(stops) > _MOST_STOPS:
        yield f"The number of stop sequences exceeds the limit: {len(stops)} > {_MOST_STOPS}"
    if not -_INT32 <= config.get("seed", 0) < _INT32:
        yield "Invalid value at 'generation_config.seed' (TYPE_INT32)"
    if not 0 <= config.get("temperature", 0) <= 2:
        yield "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0]."
    if "logprobs" in config and not config.get("responseLogprobs"):
        yield "logprobs wants responseLogprobs."
    if {"responseSchema", "responseJsonSchema"} & set(config) and "responseMimeType" not in config:
        yield "Function calling with a response schema wants response_mime_type: 'application/json'"
    thinking = config.get("thinkingConfig") or {}
    yield from _unknown("generation_config.thinking_config", thinking, _THINKING)
    if {"thinkingBudget", "thinkingLevel"} <= set(thinking):
        yield "You can only set only one of thinking budget and thinking level."


def _tools(body: Json) -> Iterator[str]:
    declared: set[str] = set()
    for number, tool in enumerate(body.get("tools") or ()):
        for position, function in enumerate(tool.get("functionDeclarations") or ()):
            where = f"tools[{number}].function_declarations[{position}]"
            yield from _unknown(where, function, _DECLARATION)
            yield from _named(where, function)
            if {"parameters", "parametersJsonSchema"} <= set(function):
                yield f"* GenerateContentRequest.{where}: parameters and parameters_json_schema are exclusive."
            yield from _schema(f"{where}.parameters", function.get("parameters") or {})
            declared.add(function["name"])
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if config and not declared:
        yield "Function calling config is set without function_declarations."
    if config.get("mode", "AUTO") not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        yield f"Invalid value at 'tool_config.function_calling_config.mode', \"{config['mode']}\""
    for name in config.get("allowedFunctionNames") or ():
        if name not in declared:
            yield f"allowed_function_names contains {name}, which is not declared."


def _schema(where: str, schema: Json) -> Iterator[str]:
    """Checks a schema of the OpenAPI subset, which refuses most of JSON Schema."""
    yield from _unknown(where, schema, _SCHEMA)
    for name, inner in (schema.get("properties") or {}).items():
        yield from _schema(f"{where}.properties[{name}]", inner)
    if "items" in schema:
        yield from _schema(f"{where}.items", schema["items"])


def _embedding_mistakes(body: Any, model: str) -> Iterator[str]:
    if not isinstance(body, dict) or not body.get("requests"):
        yield "* BatchEmbedContentsRequest.requests: requests is not specified"
        return
    yield from _unknown("", body, {"requests"})
    if len(body["requests"]) > _MOST_TEXTS:
        yield f"* BatchEmbedContentsRequest.requests: at most {_MOST_TEXTS} requests can be in one batch"
    for number, request in enumerate(body["requests"]):
        where = f"requests[{number}]"
        yield from _unknown(where, request, {"model", "content", "taskType", "title", "outputDimensionality"})
        if request.get("model") != f"models/{model}":
            yield f"* BatchEmbedContentsRequest.{where}.model: unexpected model name format"
        yield from _content(f"{where}.content", request.get("content") or {})
