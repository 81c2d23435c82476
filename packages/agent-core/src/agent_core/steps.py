"""The steps of a finished run, as `POST /process` answers them: one struct per graph node.

Each is tagged by `node`; `timestamp` is ISO 8601 in UTC, the moment when the node began.
"""

from __future__ import annotations

from typing import Any

import msgspec


class _Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="node"):
    timestamp: str


class ProcessInputStep(_Step, frozen=True, tag="process_input"):
    """What the user sent and the model that was selected for it."""

    input: str
    model_selected: str


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What the user's memory had about the question; `source` says where it is from, `score` how near it is (cosine
    similarity, up to 1)."""

    source: str
    score: float
    text: str


class RetrieveContextStep(_Step, frozen=True, tag="retrieve_context"):
    """What the model was told of the user's memory before it answered, best first; there is no such step when there
    was nothing to tell."""

    passages: list[Passage]


class LlmStep(_Step, frozen=True, tag="llm"):
    """One visit to a model. `model` is the one selected; `answered_by` is there when another one answered."""

    model: str
    has_tool_calls: bool
    answered_by: str | msgspec.UnsetType = msgspec.UNSET


class ToolOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call and what came of it; `args` is a string when the model wrote something that is not JSON."""

    name: str
    args: dict[str, Any] | str
    result: str
    duration_ms: float
    is_error: bool


class ToolExecutionStep(_Step, frozen=True, tag="tool_execution"):
    """The tools that one visit to the model asked for, in the order in which it asked."""

    tools: list[ToolOutcome]


class FinalAnswerStep(_Step, frozen=True, tag="final_answer"):
    """The run's end."""


Step = ProcessInputStep | RetrieveContextStep | LlmStep | ToolExecutionStep | FinalAnswerStep
