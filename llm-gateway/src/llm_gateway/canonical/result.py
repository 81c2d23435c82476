"""A whole answer as a provider gave it."""

from __future__ import annotations

from typing import Any, Literal

from llm_gateway.canonical.content import Part
from llm_gateway.canonical.usage import Usage
from llm_gateway.canonical.value import Value

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Choice(Value, frozen=True):
    """One choice of the answer; `logprobs` has OpenAI's form and is passed on unread.

    `stop_sequence` is the one that ended it, if the provider reports it.
    """

    content: tuple[Part, ...] = ()
    finish_reason: FinishReason = "stop"
    stop_sequence: str | None = None
    logprobs: Any = None


class Result(Value, frozen=True):
    """A whole answer of a provider. `model` is the provider's own name of the model."""

    choices: tuple[Choice, ...]
    usage: Usage | None = None
    model: str | None = None
    id: str | None = None

    @property
    def content(self) -> tuple[Part, ...]:
        return self.choices[0].content

    @property
    def finish_reason(self) -> FinishReason:
        return self.choices[0].finish_reason
