"""Encodes the tools of a request as Converse's `toolConfig`."""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import Request, Tool, ToolChoice
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock import encode_format
from llm_gateway.dialects.bedrock.encode_format import TOOL_NAME
from llm_gateway.dialects.bedrock.encode_messages import Turns
from llm_gateway.dialects.bedrock.models import Family
from llm_gateway.dialects.common.answer_format import has_schemas
from llm_gateway.errors import InvalidRequest


def lacking(param: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{param}: this model has no {what}", param=param, code="unsupported_parameter")


def tool_config(request: Request, model: Model, family: Family) -> dict[str, Any] | None:
    """Returns the `toolConfig`, or None if the model is to use no tools.

    Converse refuses calls and results in a request without tools, and cannot forbid the use of tools. So without tools,
    or with the choice `none`, earlier calls and results are sent as text.
    """
    answer = encode_format.answer_tool(request, model)
    forbidden = request.tool_choice is not None and request.tool_choice.mode == "none"
    offered = () if forbidden else request.tools
    if answer is None and not offered:
        return None
    if not family.tools:
        raise lacking("tools" if offered else "response_format", "tool calling")
    if request.stream and not family.streamed_tools:
        raise lacking("tools" if offered else "response_format", "tool calling in a stream")
    specs = [spec for tool in offered for spec in _tool(tool, model, family)]
    if answer is not None and request.response_format is not None:
        specs += _tool(encode_format.as_tool(request.response_format, answer), model, family)
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
    spec["inputSchema"] = {"json": encode_format.object_schema(tool.parameters, "tools")}
    # Models that support schemas also support strict tools; the others refuse the field.
    if tool.strict and has_schemas(model):
        spec["strict"] = True
    point = Turns(family, model.provider, tools=True).point(tool.cache, "tools")
    return [{"toolSpec": spec}, *point]


def _choice(choice: ToolChoice, family: Family, param: str = "tool_choice", *, alone: bool = False) -> dict[str, Any]:
    if choice.mode == "auto":
        return {"toolChoice": {"auto": {}}} if family.choices else {}
    if choice.mode == "tool" and "tool" in family.choices:
        return {"toolChoice": {"tool": {"name": choice.name}}}
    # If only one tool is offered, `any` means that one.
    if "required" in family.choices and (choice.mode == "required" or alone):
        return {"toolChoice": {"any": {}}}
    raise lacking(param, "way to force a tool call")
