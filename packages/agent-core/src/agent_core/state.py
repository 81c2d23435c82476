"""The data of one run: the graph's state, and the context that its nodes share."""

from __future__ import annotations

import operator
import time
from dataclasses import dataclass, field
from typing import Annotated, TypedDict

import msgspec
from langchain_core.messages import AnyMessage

from agent_core.clients.caller import Caller
from agent_core.clients.gateway_stream import ModelAnswer
from agent_core.deadline import Deadline
from agent_core.events import Emit
from agent_core.steps import Passage, Step


class RunState(TypedDict):
    """The graph's state. `messages` holds the conversation as the model sees it, without the system prompt;
    `passages` what the user's memory has about the question; `answers` what the gateway said of each
    visit to a model."""

    input: str
    model: str
    messages: Annotated[list[AnyMessage], operator.add]
    passages: list[Passage]
    steps: Annotated[list[Step], operator.add]
    answers: Annotated[list[ModelAnswer], operator.add]


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the agent.

    `thread_id` is the conversation, `user` its owner: two users with the same thread id have two conversations.
    `model` is the caller's explicit choice; without it the prompt may choose, else the default answers.
    """

    input: str
    thread_id: str
    run_id: str
    user: str = "anonymous"
    language: str = "es"
    request_id: str = ""
    model: str | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class RunContext:
    """What the nodes of one run share. The mutable fields keep what a node has done when it is stopped midway."""

    request: RunRequest
    emit: Emit
    default_model: str
    deadline: Deadline
    started: float = field(default_factory=time.perf_counter)
    first_token_after_ms: float | None = None
    partial_text: list[str] = field(default_factory=list)
    finished_calls: dict[str, str] = field(default_factory=dict)
    relevant_tools: list[str] | None = None

    @property
    def caller(self) -> Caller:
        """The user, request and trace that the run's calls to other services belong to."""
        request = self.request
        return Caller(user=request.user, request_id=request.request_id, traceparent=request.traceparent)

    def milliseconds(self) -> float:
        """Returns the milliseconds since the run began."""
        return round((time.perf_counter() - self.started) * 1000, 2)
