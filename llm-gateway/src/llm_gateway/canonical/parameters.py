"""The optional parameters of a request that change the answer: which are given, and which a provider does not
support."""

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
"""Values that equal every provider's default."""

OPTIONAL: tuple[str, ...] = (
    "tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p", "top_k", "max_tokens",
    "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "n", "logprobs", "top_logprobs",
    "reasoning_effort", "reasoning_budget",
)  # fmt: skip

EVERYTHING = frozenset(OPTIONAL)
MEANING = frozenset({"tools", "tool_choice", "response_format", "n", "logprobs", "top_logprobs"})
"""Parameters that `all` does not include, since without them the answer is of another kind."""
_BLANK = Request(model="", messages=())


def given(request: Request, name: str) -> bool:
    """Whether `request` has a value for `name` that is not the default."""
    value = getattr(request, name)
    if value is None or value == ():
        return False
    harmless = _UNSET.get(name)
    return harmless is None or not harmless(value)


def lacking(request: Request, carries: frozenset[str]) -> tuple[str, ...]:
    """Returns the names of the given parameters that are not in `carries`."""
    return tuple(name for name in OPTIONAL if name not in carries and given(request, name))


def droppable(names: Iterable[str]) -> frozenset[str]:
    """Returns the parameters that may be dropped: those named, or for `all` the ones that do not change the kind of
    answer.

    Raises:
        UnknownParameter: a name is not that of an optional parameter.
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
    """The name is not that of an optional parameter."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no optional parameter '{name[:80]}'")


def without(request: Request, names: tuple[str, ...]) -> Request:
    """Returns `request` without these parameters."""
    return msgspec.structs.replace(request, **{name: getattr(_BLANK, name) for name in names})
