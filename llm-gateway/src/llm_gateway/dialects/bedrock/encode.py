"""Encodes a request as the body of Converse and ConverseStream."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import Request
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock import NAME, encode_format
from llm_gateway.dialects.bedrock.encode_messages import Turns
from llm_gateway.dialects.bedrock.encode_sampling import sampling_of
from llm_gateway.dialects.bedrock.encode_thinking import thinking_of
from llm_gateway.dialects.bedrock.encode_tools import lacking, tool_config
from llm_gateway.dialects.bedrock.models import Family, family_of
from llm_gateway.dialects.common.answer_format import has_schemas
from llm_gateway.dialects.common.cache_control import with_fewer_marks
from llm_gateway.dialects.common.closed_schema import closed

_OWN_FIELDS = frozenset({"guardrailConfig", "performanceConfig", "promptVariables", "requestMetadata", "serviceTier"})
_STOP_SEQUENCE = ["/stop_sequence", "/delta/stop_sequence"]
"""Where Claude reports the stop sequence, in an answer and in a stream."""

_encode = msgspec.json.Encoder().encode


def encode_request(request: Request, model: Model) -> bytes:
    """Returns the body that sends `request` to `model`, whose id is part of the URL."""
    family = family_of(model.id)
    request = with_fewer_marks(request)
    tools = tool_config(request, model, family)
    turns = Turns(family, model.provider, tools=tools is not None)
    system = [*turns.system(request), *encode_format.instruction_blocks(request, model)]
    body: dict[str, Any] = {}
    # If the model has no system prompt, or there is no other message, the system's text opens the user's first turn.
    apart = family.system and any(message.role != "system" for message in request.messages)
    body["messages"] = turns.turns(request, [] if apart else system)
    if system and apart:
        body["system"] = system
    if tools is not None:
        body["toolConfig"] = tools
    thinking = thinking_of(request, model, family)
    if thinking.exclusive and tools is not None and {"any", "tool"} & set(tools.get("toolChoice", ())):
        param = "response_format" if encode_format.answer_tool(request, model) else "tool_choice"
        raise lacking(param, "way to force a tool call while it thinks")
    inference, own = sampling_of(request, model, family, thinking)
    if inference:
        body["inferenceConfig"] = inference
    fields = {**own, **thinking.fields}
    if fields:
        body["additionalModelRequestFields"] = fields
    output = {**_text_format(request, model), **thinking.output}
    if output:
        body["outputConfig"] = output
    if request.stop and family.stop_sequence:
        body["additionalModelResponseFieldPaths"] = _STOP_SEQUENCE
    if request.dialect == NAME:
        body.update({name: value for name, value in request.extra.items() if name in _OWN_FIELDS})
    body.update(model.endpoint.extra_body)
    return _encode(body)


def dropped(request: Request, model: Model) -> tuple[str, ...]:
    """Returns the names of what is not sent: hints, fields of another dialect, `user`, cache marks and `strict` where
    the model does not support them."""
    lost = {
        "user": request.user is not None,
        "cache_control": _loses_marks(request, family_of(model.id)),
        "strict": any(tool.strict for tool in request.tools) and not has_schemas(model),
    }
    foreign = [name for name in request.extra if request.dialect != NAME or name not in _OWN_FIELDS]
    return (*request.hints, *foreign, *(name for name, applies in lost.items() if applies))


def _text_format(request: Request, model: Model) -> dict[str, Any]:
    wanted = encode_format.native_format(request, model)
    if wanted is None:
        return {}
    closed_schema = _encode(closed(wanted.schema)).decode()
    schema = {"name": wanted.name, "description": wanted.description, "schema": closed_schema}
    given = {name: value for name, value in schema.items() if value}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": given}}}


def _loses_marks(request: Request, family: Family) -> bool:
    """Whether a cache mark stands where the family takes no cache points."""
    if any(tool.cache for tool in request.tools) and "tools" not in family.caching:
        return True
    return any(
        getattr(part, "cache", None) and ("system" if message.role == "system" else "messages") not in family.caching
        for message in request.messages
        for part in message.content
    )
