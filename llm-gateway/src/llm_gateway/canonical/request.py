"""A chat request: its messages, tools and parameters, independent of any dialect."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from llm_gateway.canonical.content import CacheMark, Part, Text
from llm_gateway.canonical.value import Value

Role = Literal["system", "user", "assistant", "tool"]


class Message(Value, frozen=True):
    """One turn. Role `tool` carries the result of the call `tool_call_id`; `is_error` says that it failed.

    Consecutive turns may have the same role; dialects that need alternating roles join them.
    """

    role: Role
    content: tuple[Part, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    is_error: bool = False

    def text(self) -> str:
        """Returns all text parts, joined without a separator."""
        return "".join(part.text for part in self.content if isinstance(part, Text))


class Tool(Value, frozen=True):
    """A function that the model may call; `parameters` is a JSON Schema object. `read_only` is what the client knows of
    its effects, for the offline planner alone: no provider's dialect has it."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    strict: bool | None = None
    cache: CacheMark | None = None
    read_only: bool | None = None


class ToolChoice(Value, frozen=True):
    """Which tool the model must use; `name` is set only for mode `tool`."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None


class ResponseFormat(Value, frozen=True):
    """The format of the answer; `schema` is a JSON Schema, set only for type `json_schema`."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class Request(Value, frozen=True):
    """A chat request, independent of any dialect.

    `hints` do not change the answer (metadata, store, service tier); they are dropped for providers that do not support
    them. `extra` are fields unknown to the parsing dialect (`dialect`), sent only to providers of the same dialect.
    `reasoning_effort` is `none`, `minimal`, `low`, `medium`, `high` or `xhigh`; `reasoning_budget` is the same in
    tokens (0: none), and takes precedence.
    """

    model: str
    messages: tuple[Message, ...]
    provider: str | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    reasoning_budget: int | None = None
    user: str | None = None
    stream: bool = False
    include_usage: bool = False
    hints: dict[str, Any] = msgspec.field(default_factory=dict)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    dialect: str = "native"
