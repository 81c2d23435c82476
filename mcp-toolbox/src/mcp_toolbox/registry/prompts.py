"""Prompts: texts that a person selects in a client, filled in with arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.context import CallContext, Suggest
from mcp_toolbox.registry.registry import Registry

Message = dict[str, Any]
"""A PromptMessage of MCP: `{"role": "user"|"assistant", "content": block}`."""

Write = Callable[[Mapping[str, str], CallContext], Sequence[Message] | Awaitable[Sequence[Message]]]


@dataclass(frozen=True)
class Argument:
    """An argument of a prompt. `complete` suggests values that begin with what was typed."""

    name: str
    description: str
    required: bool = False
    complete: Suggest | None = field(default=None, compare=False)

    def to_wire(self) -> dict[str, Any]:
        return {"name": self.name, "description": self.description, "required": self.required}


@dataclass(frozen=True)
class Prompt:
    """One prompt; `write` returns its messages. `access` is the name by which a caller must be allowed to use it, empty
    for one that every caller may."""

    name: str
    description: str
    write: Write = field(compare=False)
    title: str | None = None
    arguments: tuple[Argument, ...] = ()
    access: str = ""

    def to_wire(self) -> dict[str, Any]:
        """Returns the entry in `prompts/list`."""
        entry = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "arguments": [argument.to_wire() for argument in self.arguments],
        }
        return {key: value for key, value in entry.items() if value is not None}

    async def filled_in(self, given: Mapping[str, str], context: CallContext) -> dict[str, Any]:
        """Returns the answer to `prompts/get`.

        Raises:
            InvalidArgumentsError: a required argument is missing.
        """
        for argument in self.arguments:
            if argument.required and not given.get(argument.name):
                raise InvalidArgumentsError(argument.name, [f"{argument.name}: is required"])
        messages = self.write(given, context)
        messages = await messages if isawaitable(messages) else messages
        return {"description": self.description, "messages": list(messages)}


class Prompts(Registry[Prompt]):
    """The prompts that the toolbox offers, in the order of their names."""

    def __init__(self, prompts: Iterable[Prompt] = ()) -> None:
        super().__init__(lambda prompt: prompt.name, prompts)


def said_by_user(text: str) -> Message:
    """Returns a message of the user with one text."""
    return {"role": "user", "content": {"type": "text", "text": text}}
