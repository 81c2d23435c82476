"""The toolbox's description of itself: its tools as resources, and their use as prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.prompts import Argument, Prompt, said_by_user
from mcp_toolbox.registry.resources import Resource
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.registry.tools import ToolRegistry

CATALOG_URI = "toolbox://catalogue"
TOOL_URI = "toolbox://tools/{name}"

_JSON = "application/json"

_WORK = """Work on the task below with the tools of this server.

- Choose a tool by its description. Give it exactly the arguments of its schema, and nothing that you made up: ask me for what is missing.
- When a tool answers with an error, read it: it says what to change. Do not repeat the same call.
- Take results as they are: numbers are exact.
- A tool that deletes or overwrites may ask me first. If I decline, do not look for a way around.
- At the end, say in one sentence which tools you used.

Tools: {tools}

Task: {task}"""  # noqa: E501 - a model reads it, one rule a line

_EXPLAIN = """Explain the tool {name} to a person who has not used it: what it is for, what it needs, what it answers and what it changes. Give one example of a request in plain words that it would serve.

{definition}"""  # noqa: E501 - a model reads it


def resources_of(registry: ToolRegistry) -> list[Resource]:
    """Returns the registry as one document, and a template for each tool's document."""

    def read_all(variables: Mapping[str, str], context: CallContext) -> str:
        return _json({"tools": [tool.to_wire() for tool in registry.offered_to(context.principal)]})

    def read_one(variables: Mapping[str, str], context: CallContext) -> str | None:
        tool = _offered(registry, variables["name"], context)
        return _json(tool.to_wire()) if tool else None

    return [
        Resource(CATALOG_URI, "catalogue", "All tools of this server, with their schemas.", _JSON, read_all),
        Resource(
            TOOL_URI,
            "tool",
            "One tool: what it does, what it takes and what it answers.",
            _JSON,
            read_one,
            complete={"name": lambda typed, context: _names(registry, typed, context)},
        ),
    ]


def prompts_of(registry: ToolRegistry) -> list[Prompt]:
    """Returns the prompts that do a task with the tools, and that explain one of them."""

    def use_tools(given: Mapping[str, str], context: CallContext):
        tools = ", ".join(tool.name for tool in registry.offered_to(context.principal))
        return [said_by_user(_WORK.format(tools=tools, task=given["task"]))]

    def explain_tool(given: Mapping[str, str], context: CallContext):
        tool = _offered(registry, given["name"], context)
        definition = _json(tool.to_wire()) if tool else "There is no tool of this name; say so."
        return [said_by_user(_EXPLAIN.format(name=given["name"], definition=definition))]

    name = Argument(
        "name", "The tool's name.", required=True, complete=lambda typed, context: _names(registry, typed, context)
    )
    return [
        Prompt(
            "use_tools",
            "Do a task with this server's tools.",
            use_tools,
            "Work with the tools",
            (Argument("task", "What is to be done, in plain words.", required=True),),
        ),
        Prompt("explain_tool", "Explain one of this server's tools.", explain_tool, "Explain a tool", (name,)),
    ]


def _offered(registry: ToolRegistry, name: str, context: CallContext) -> Tool | None:
    tool = registry.get(name)
    return tool if tool is not None and registry.is_offered_to(context.principal, tool) else None


def _names(registry: ToolRegistry, typed: str, context: CallContext) -> list[str]:
    return [tool.name for tool in registry.offered_to(context.principal) if tool.name.startswith(typed)]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
