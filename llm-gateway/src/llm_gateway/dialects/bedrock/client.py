"""Converse as we speak it: our requests out. Answers come in by `client_answers` and `client_stream`."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request, Tool, ToolChoice
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock import encode_format as schema_answers
from llm_gateway.dialects.bedrock.decode import decode_result
from llm_gateway.dialects.bedrock.decode_stream import StreamDecoder, stream_decoder
from llm_gateway.dialects.bedrock.embeddings import decode_embeddings, encode_embeddings
from llm_gateway.dialects.bedrock.encode_format import NAME as TOOL_NAME
from llm_gateway.dialects.bedrock.encode_messages import Turns
from llm_gateway.dialects.bedrock.encode_sampling import sampled
from llm_gateway.dialects.bedrock.encode_thinking import thought_of
from llm_gateway.dialects.bedrock.errors import decode_error
from llm_gateway.dialects.bedrock.models import Family, family_of
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.dialects.common.cache_control import with_fewer_marks
from llm_gateway.dialects.common.closed_schema import closed
from llm_gateway.errors import InvalidRequest
from llm_gateway.net.event_stream import CONTENT_TYPE, EventStreamDecoder

__all__ = [
    "CARRIES", "NAME", "STREAM_TYPE", "StreamDecoder", "decode_embeddings", "decode_error", "decode_result", "dropped",
    "encode_embeddings", "encode_request", "framing", "stream_decoder",
]  # fmt: skip

NAME = "bedrock"
CARRIES = frozenset(
    {
        "tools", "tool_choice", "response_format", "temperature", "top_p", "top_k", "max_tokens", "stop",
        "reasoning_effort", "reasoning_budget",
    }
)  # fmt: skip
STREAM_TYPE = CONTENT_TYPE

_OWN_FIELDS = frozenset({"guardrailConfig", "performanceConfig", "promptVariables", "requestMetadata", "serviceTier"})
_STOP_SEQUENCE = ["/stop_sequence", "/delta/stop_sequence"]
"""Where Claude says which stop sequence it met, in an answer and in a stream."""

_encode = msgspec.json.Encoder().encode


def encode_request(request: Request, model: Model) -> bytes:
    """The body that asks `model` for `request`; the model itself is named by the address."""
    family = family_of(model.id)
    request = with_fewer_marks(request)
    tools = _tool_config(request, model, family)
    turns = Turns(family, model.provider, tools=tools is not None)
    system = [*turns.system(request), *schema_answers.in_words(request, model)]
    body: dict[str, Any] = {}
    # A model without a system prompt reads it as the user's first words; so does one that is told nothing else.
    apart = family.system and any(message.role != "system" for message in request.messages)
    body["messages"] = turns.turns(request, [] if apart else system)
    if system and apart:
        body["system"] = system
    if tools is not None:
        body["toolConfig"] = tools
    thought = thought_of(request, model, family)
    if thought.exclusive and tools is not None and {"any", "tool"} & set(tools.get("toolChoice", ())):
        param = "response_format" if schema_answers.answer_tool(request, model) else "tool_choice"
        raise _lacking(param, "way to force a tool call while it thinks")
    inference, own = sampled(request, model, family, thought)
    if inference:
        body["inferenceConfig"] = inference
    fields = {**own, **thought.fields}
    if fields:
        body["additionalModelRequestFields"] = fields
    output = {**_text_format(request, model), **thought.output}
    if output:
        body["outputConfig"] = output
    if request.stop and family.stop_sequence:
        body["additionalModelResponseFieldPaths"] = _STOP_SEQUENCE
    if request.dialect == NAME:
        body.update({name: value for name, value in request.extra.items() if name in _OWN_FIELDS})
    body.update(model.endpoint.extra_body)
    return _encode(body)


def dropped(request: Request, model: Model) -> tuple[str, ...]:
    """What of `request` is not sent: hints, another dialect's fields, the user, whom Converse does not ask for, cache
    marks where the family takes none, and the strictness of tools for models that cannot be held to it."""
    lost = {
        "user": request.user is not None,
        "cache_control": _loses_marks(request, family_of(model.id)),
        "strict": any(tool.strict for tool in request.tools) and not schema_answers.has_schemas(model),
    }
    foreign = [name for name in request.extra if request.dialect != NAME or name not in _OWN_FIELDS]
    return (*request.hints, *foreign, *(name for name, applies in lost.items() if applies))


def framing(max_bytes: int = MAX_FRAME_BYTES) -> EventStreamDecoder:
    return EventStreamDecoder(max_bytes)


def _text_format(request: Request, model: Model) -> dict[str, Any]:
    wanted = schema_answers.native(request, model)
    if wanted is None:
        return {}
    closed_schema = _encode(closed(wanted.schema)).decode()
    schema = {"name": wanted.name, "description": wanted.description, "schema": closed_schema}
    given = {name: value for name, value in schema.items() if value}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": given}}}


def _lacking(param: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{param}: this model has no {what}", param=param, code="unsupported_parameter")


# --- tools -----------------------------------------------------------------------------------------------


def _tool_config(request: Request, model: Model, family: Family) -> dict[str, Any] | None:
    """The tools, or None where the model is to use none.

    Converse refuses calls and results in a conversation without tools, and has no way to forbid their use. So with
    `none`, or when no tools are offered any more, what was called before is told in words.
    """
    answer = schema_answers.answer_tool(request, model)
    forbidden = request.tool_choice is not None and request.tool_choice.mode == "none"
    offered = () if forbidden else request.tools
    if answer is None and not offered:
        return None
    if not family.tools:
        raise _lacking("tools" if offered else "response_format", "tool calling")
    if request.stream and not family.streamed_tools:
        raise _lacking("tools" if offered else "response_format", "tool calling in a stream")
    specs = [spec for tool in offered for spec in _tool(tool, model, family)]
    if answer is not None and request.response_format is not None:
        specs += _tool(schema_answers.as_tool(request.response_format, answer), model, family)
        choice = ToolChoice(mode="required") if offered else ToolChoice(mode="tool", name=answer)
        return {"tools": specs, **_choice(choice, family, "response_format", alone=not offered)}
    return {"tools": specs, **(_choice(request.tool_choice, family) if request.tool_choice else {})}


def _tool(tool: Tool, model: Model, family: Family) -> list[dict[str, Any]]:
    if not TOOL_NAME.fullmatch(tool.name):
        raise InvalidRequest(
            f"tools: Bedrock takes no tool named '{tool.name[:80]}': letters, digits, _ and -, at most 64",
            param="tools",
        )
    spec: dict[str, Any] = {"name": tool.name}
    if tool.description.strip():
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": schema_answers.object_schema(tool.parameters, "tools")}
    # Models that can be held to a schema can be held to a tool's, too; the others refuse the very word.
    if tool.strict and schema_answers.has_schemas(model):
        spec["strict"] = True
    point = Turns(family, model.provider, tools=True).point(tool.cache, "tools")
    return [{"toolSpec": spec}, *point]


def _choice(choice: ToolChoice, family: Family, param: str = "tool_choice", *, alone: bool = False) -> dict[str, Any]:
    if choice.mode == "auto":
        return {"toolChoice": {"auto": {}}} if family.choices else {}
    if choice.mode == "tool" and "tool" in family.choices:
        return {"toolChoice": {"tool": {"name": choice.name}}}
    # With a single tool on offer, any tool is that tool.
    if "required" in family.choices and (choice.mode == "required" or alone):
        return {"toolChoice": {"any": {}}}
    raise _lacking(param, "way to force a tool call")


def _loses_marks(request: Request, family: Family) -> bool:
    """Whether something is marked that stands where the family takes no cache points."""
    if any(tool.cache for tool in request.tools) and "tools" not in family.caching:
        return True
    return any(
        getattr(part, "cache", None) and ("system" if message.role == "system" else "messages") not in family.caching
        for message in request.messages
        for part in message.content
    )
