"""The optional parameters of a request that change its answer: which are given, and what a provider lacks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from llm_gateway.canonical import Request

_UNSET: dict[str, Callable[[Any], bool]] = {
    "n": lambda value: value == 1,
    "logprobs": lambda value: not value,
    "parallel_tool_calls": lambda value: value is True,
    "response_format": lambda value: value.type == "text",
    "tool_choice": lambda value: value.mode == "auto",
    "temperature": lambda value: value == 1,
    "top_p": lambda value: value == 1,
    "presence_penalty": lambda value: value == 0,
    "frequency_penalty": lambda value: value == 0,
}
"""Values that ask for no more than what every provider does anyway."""

OPTIONAL: tuple[str, ...] = (
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p", "top_k", "max_tokens",
    "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n", "logprobs", "top_logprobs",
    "reasoning_effort", "reasoning_budget",
)  # fmt: skip

EVERYTHING = frozenset(OPTIONAL)
MEANING = frozenset({"tools", "tool_choice", "response_format", "n", "logprobs", "top_logprobs"})
"""Without these the answer is another one, not a slightly different one: `all` does not mean them."""
_BLANK = Request(model="", messages=())


def given(request: Request, name: str) -> bool:
    """Whether `request` says anything with its parameter `name`."""
    value = getattr(request, name)
    if value is None or value == ():
        return False
    harmless = _UNSET.get(name)
    return harmless is None or not harmless(value)


def lacking(request: Request, carries: frozenset[str]) -> tuple[str, ...]:
    """What `request` asks for that is not in `carries`."""
    return tuple(name for name in OPTIONAL if name not in carries and given(request, name))


def droppable(names: Iterable[str]) -> frozenset[str]:
    """The parameters that an operator or a caller lets go: their names, `all` for those without a meaning of their own.

    Raises:
        UnknownParameter: there is none of that name.
    """
    found: set[str] = set()
    for name in names:
        if name == "all":
            found |= EVERYTHING - MEANING
        elif name in EVERYTHING:
            found.add(name)
        else:
            raise UnknownParameter(name)
    return frozenset(found)


class UnknownParameter(ValueError):
    """No optional parameter has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no optional parameter '{name[:80]}'")


def without(request: Request, names: tuple[str, ...]) -> Request:
    """`request` without these parameters."""
    return msgspec.structs.replace(request, **{name: getattr(_BLANK, name) for name in names})
