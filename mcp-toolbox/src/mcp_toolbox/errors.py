"""What can go wrong with a tool call.

    ToolboxError
    ├── UnknownToolError          no tool has that name
    ├── InvalidArgumentsError     the arguments do not fit the tool's input schema
    ├── RateLimitedError         the caller calls the tool too often
    └── ToolFailedError          the tool ran and could not do what was asked; its text is for the model to read

    ToolDefinitionError      a tool's file is wrong: found when the toolbox starts, never by a client

The borders translate them: `server.py` into MCP's answers, `rest.py` into the error envelope.
"""

from __future__ import annotations


class ToolboxError(Exception):
    """Anything that a call of a tool may raise on purpose."""


class UnknownToolError(ToolboxError):
    """No tool is called `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown tool: {printable(name)}")
        self.name = name


class InvalidArgumentsError(ToolboxError):
    """The arguments do not fit; `field` is the path of the first wrong one ("" for the arguments as a whole)."""

    def __init__(self, field: str, problems: list[str]) -> None:
        super().__init__("Invalid arguments: " + "; ".join(problems))
        self.field = field


class RateLimitedError(ToolboxError):
    """The caller has used its calls of the tool up; one more is there after `wait` seconds."""

    def __init__(self, name: str, wait: float) -> None:
        super().__init__(f"The tool {name} is called too often: wait {max(wait, 0.1):.1f} s and call it again.")
        self.wait = wait


class ToolFailedError(ToolboxError):
    """Raised by a tool that cannot do what it was asked; say what would work instead."""


class ToolDefinitionError(Exception):
    """A file in a folder of tools does not define a tool as it should."""


def printable(text: str, limit: int = 100) -> str:
    """Text from a client, made safe to send back: short, and valid Unicode (JSON may smuggle lone surrogates)."""
    shown = text if len(text) <= limit else text[:limit] + "…"
    return shown.encode("utf-8", "replace").decode()
