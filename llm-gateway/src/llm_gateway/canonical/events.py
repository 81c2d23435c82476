"""The events of a streamed answer; their aggregate is the whole answer."""

from __future__ import annotations

from typing import Any, Literal

from llm_gateway.canonical.result import FinishReason
from llm_gateway.canonical.usage import Usage
from llm_gateway.canonical.value import Value

BlockKind = Literal["text", "reasoning", "refusal", "tool_call"]


class BlockStart(Value, tag="start", frozen=True):
    """A block of content begins. `index` counts blocks; a tool call also has its `id` and `name`, and
    `tool_index`, which counts tool calls alone."""

    index: int
    kind: BlockKind
    choice: int = 0
    tool_index: int | None = None
    id: str | None = None
    name: str | None = None


class Delta(Value, tag="delta", frozen=True):
    """A piece of the block `index`: text, reasoning, a refusal, or JSON arguments of a tool call."""

    index: int
    text: str
    choice: int = 0


class Signature(Value, tag="signature", frozen=True):
    """The signature of the reasoning block `index`."""

    index: int
    signature: str
    provider: str | None = None
    choice: int = 0
    redacted: bool = False


class Logprobs(Value, tag="logprobs", frozen=True):
    """Log probabilities of the last piece, in OpenAI's form, passed on unread."""

    value: Any
    choice: int = 0


class BlockStop(Value, tag="stop", frozen=True):
    """The block `index` is complete."""

    index: int
    choice: int = 0


class UsageReport(Value, tag="usage", frozen=True):
    """The usage so far; a later report replaces an earlier one."""

    usage: Usage
    model: str | None = None


class Finish(Value, tag="finish", frozen=True):
    """The choice is complete; `stop_sequence` as in `Choice`."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str | None = None


Event = BlockStart | Delta | Signature | Logprobs | BlockStop | UsageReport | Finish
