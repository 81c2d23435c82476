"""The errors of tool calls.

    ToolboxError
    ├── UnknownToolError          no tool has that name
    ├── InvalidArgumentsError     the arguments do not fit the tool's input schema
    ├── RateLimitedError          the caller calls the tool too often
    ├── ToolNotAllowedError       the caller's key may not use the tool
    ├── InputRequiredError        the server of the tool asks questions before it runs the tool
    └── ToolFailedError           the tool ran and failed; its text is for the model to read
    ToolDefinitionError           a tool's file is wrong: found when the toolbox starts, never by a client

Each way in translates them: `server/server.py` into MCP's answers, `server/rest.py` into the error envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ToolboxError(Exception):
    """An error that a tool call may raise on purpose."""


class UnknownToolError(ToolboxError):
    """No tool has the name `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown tool: {printable(name)}")
        self.name = name


class InvalidArgumentsError(ToolboxError):
    """The arguments do not fit the tool's schema. `field` is the path of the first wrong one, "" for the arguments as a
    whole."""

    def __init__(self, field: str, problems: list[str]) -> None:
        super().__init__("Invalid arguments: " + "; ".join(problems))
        self.field = field


class RateLimitedError(ToolboxError):
    """The caller has used up its calls of the tool; it may call again after `wait` seconds."""

    def __init__(self, name: str, wait: float) -> None:
        super().__init__(f"The tool {name} is called too often: wait {max(wait, 0.1):.1f} s and call it again.")
        self.wait = wait


class ToolNotAllowedError(ToolboxError):
    """The caller may not use the tool, by the list of its key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This key may not use the tool {printable(name)}.")


class InputRequiredError(ToolboxError):
    """The server of the tool asks questions first, and the client is to call again with their answers. `questions` are
    `elicitation/create` requests of MCP by their names, `state` is what the server wants back with the answers."""

    def __init__(self, questions: Mapping[str, Any], state: str | None) -> None:
        super().__init__("The tool asks for input first.")
        self.questions = questions
        self.state = state


class ToolFailedError(ToolboxError):
    """Raised by a tool that cannot do what it was asked. Its text should say what would work instead."""


class ToolDefinitionError(Exception):
    """A tool is not defined as it should be, or its name is taken."""


def printable(text: str, limit: int = 100) -> str:
    """Returns text from a client in a form that is safe to send back: at most `limit` characters, and valid Unicode
    (JSON can contain lone surrogates)."""
    shown = text if len(text) <= limit else text[:limit] + "…"
    return shown.encode("utf-8", "replace").decode()
