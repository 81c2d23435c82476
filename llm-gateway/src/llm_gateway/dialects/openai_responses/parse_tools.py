"""Parses the tools of a request and the choice among them.

OpenAI treats a function without `strict` as strict if its schema allows it. Here that is left to the provider: most
have no strict mode, and the others refuse schemas that are not written for it.
"""

from __future__ import annotations

from llm_gateway.canonical import Tool, ToolChoice
from llm_gateway.dialects.openai_responses import wire
from llm_gateway.errors import InvalidRequest


def tools_of(sent: wire.ResponsesRequest) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Returns the functions and the tool choice. If only some are allowed, the others are left out.

    Raises:
        InvalidRequest: a tool is not a function, or the choice names none of them; names the field.
    """
    tools = tuple(_tool(tool, f"tools[{number}]") for number, tool in enumerate(sent.tools or ()))
    choice = sent.tool_choice
    if choice is None:
        return tools, None
    if isinstance(choice, str):
        return tools, ToolChoice(mode=choice)
    if choice.type == "function":
        return tools, ToolChoice(mode="tool", name=_known(choice.name, tools, "tool_choice.name"))
    if choice.type == "allowed_tools":
        return _allowed(choice, tools)
    raise _unsupported(choice.type, "tool_choice.type")


def _tool(tool: wire.ResponsesTool, at: str) -> Tool:
    if tool.type != "function":
        raise _unsupported(tool.type, f"{at}.type")
    if not tool.name:
        raise InvalidRequest(f"{at}.name: needed here", param=f"{at}.name")
    return Tool(
        name=tool.name, description=tool.description or "", parameters=tool.parameters or {}, strict=tool.strict
    )


def _allowed(choice: wire.ResponsesToolChoice, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], ToolChoice]:
    if not choice.tools:
        raise InvalidRequest("tool_choice.tools: at least one tool is needed", param="tool_choice.tools")
    names: set[str] = set()
    for number, tool in enumerate(choice.tools):
        at = f"tool_choice.tools[{number}]"
        if tool.type != "function":
            raise _unsupported(tool.type, f"{at}.type")
        names.add(_known(tool.name, tools, f"{at}.name"))
    return tuple(tool for tool in tools if tool.name in names), ToolChoice(mode=choice.mode or "auto")


def _known(name: str | None, tools: tuple[Tool, ...], at: str) -> str:
    if name is None or all(tool.name != name for tool in tools):
        raise InvalidRequest(f"{at}: must be the name of one of the tools", param=at)
    return name


def _unsupported(kind: str, at: str) -> InvalidRequest:
    return InvalidRequest(
        f"{at}: '{kind[:100]}' is run by OpenAI itself and not supported here: only functions are", param=at,
        code="unsupported_parameter",
    )  # fmt: skip
