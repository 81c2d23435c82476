"""A whole answer as a provider gave it."""

from __future__ import annotations

from typing import Any, Literal

from llm_gateway.canonical.content import Part
from llm_gateway.canonical.usage import Usage
from llm_gateway.canonical.value import Value

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Choice(Value, frozen=True):
    """One of the answers; `logprobs` is carried in OpenAI's form, unread.

    `stop_sequence` is the one that ended it, where a provider tells.
    """

    content: tuple[Part, ...] = ()
    finish_reason: FinishReason = "stop"
    stop_sequence: str | None = None
    logprobs: Any = None


class Result(Value, frozen=True):
    """A whole answer as a provider gave it. `model` is the provider's own name of what answered."""

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
