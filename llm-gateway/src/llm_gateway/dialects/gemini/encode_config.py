"""Encodes the parameters and tools of a request as `generationConfig`, `tools` and `toolConfig`.

Schemas go as JSON Schema, as the client wrote them: the fields of the same names without `Json` take a dialect of
OpenAPI that refuses `additionalProperties`, `$ref`, `const` and more.
Sources: https://ai.google.dev/api/generate-content#generationconfig and
https://ai.google.dev/gemini-api/docs/structured-output
"""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import Request, ResponseFormat, Tool, ToolChoice
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.gemini.models import thinking_config
from llm_gateway.errors import InvalidRequest

_PLAIN = {
    "temperature": "temperature", "top_p": "topP", "top_k": "topK", "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty", "n": "candidateCount",
}  # fmt: skip
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_SEED_BITS = 0x7FFF_FFFF

Json = dict[str, Any]


def generation_config(request: Request, model: Model) -> Json:
    """Returns the `generationConfig`; `max_tokens` is clamped to the model's limit.

    Raises:
        InvalidRequest: the reasoning effort is unknown.
    """
    config: Json = {}
    for name, sent in _PLAIN.items():
        value = getattr(request, name)
        if value is not None:
            config[sent] = value
    if request.max_tokens is not None:
        limit = model.max_output_tokens
        config["maxOutputTokens"] = min(request.max_tokens, limit) if limit else request.max_tokens
    if request.stop:
        config["stopSequences"] = list(request.stop)
    if request.seed is not None:  # Google takes 31 bits; only equality of seeds matters
        config["seed"] = request.seed if abs(request.seed) <= _SEED_BITS else request.seed & _SEED_BITS
    if request.logprobs:
        config["responseLogprobs"] = True
        if request.top_logprobs:
            config["logprobs"] = request.top_logprobs
    if request.response_format is not None:
        config.update(_format(request.response_format))
    thinking = thinking_config(request, model.id)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def _format(wanted: ResponseFormat) -> Json:
    if wanted.type == "text":
        return {}
    schema = {} if wanted.schema is None else {"responseJsonSchema": wanted.schema}
    return {"responseMimeType": "application/json", **schema}


def tools(request: Request) -> Json:
    """Returns `tools` and `toolConfig`, if there are any.

    Raises:
        InvalidRequest: the tool choice names a tool that is not offered.
    """
    choice = request.tool_choice
    names = [tool.name for tool in request.tools]
    if choice is not None and _demands_what_is_not_there(choice, names):
        raise InvalidRequest("tool_choice: the tool that it demands is not in tools", param="tool_choice")
    if not names:
        return {}
    body: Json = {"tools": [{"functionDeclarations": [_declaration(tool) for tool in request.tools]}]}
    if choice is not None:
        allowed = {"allowedFunctionNames": [choice.name]} if choice.mode == "tool" else {}
        body["toolConfig"] = {"functionCallingConfig": {"mode": _MODES[choice.mode], **allowed}}
    return body


def _demands_what_is_not_there(choice: ToolChoice, names: list[str]) -> bool:
    return choice.name not in names if choice.mode == "tool" else choice.mode == "required" and not names


def _declaration(tool: Tool) -> Json:
    declared: Json = {"name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    if tool.parameters:
        declared["parametersJsonSchema"] = tool.parameters
    return declared
