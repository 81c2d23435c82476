"""The events of a run, as the WebSocket and SSE streams carry them, in the order in which they come.

`Agent.run` emits `start` … `complete`. `queued`, `cancelled` and `error` come from the caller of the agent (a route or
a channel), since only the caller knows why a run waits or ends early. `seq` is 0 until `numbered` gives the event its
place in a sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from service_kit.errors import ApiError, error_body

from agent_core.clock import timestamp
from agent_core.usage import Usage


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The fields of all events: the run (None for an error without one), the place in the sequence, the time."""

    run_id: str | None
    seq: int = 0
    timestamp: str = msgspec.field(default_factory=timestamp)

    @property
    def type(self) -> str:
        """The event's name on the wire, for example `tool_call`."""
        return str(self.__struct_config__.tag)

    def to_json(self) -> bytes:
        """The event as one JSON object in UTF-8, without line breaks."""
        return _ENCODER.encode(self)


class Queued(_Event, frozen=True, tag="queued"):
    """The run waits behind others of its conversation; `position` 1 is next."""

    position: int


class Start(_Event, frozen=True, tag="start"):
    """The run begins; `message` is a line for people."""

    message: str


class StepBegun(_Event, frozen=True, tag="step"):
    """A node begins: `process_input`, or a visit to `llm` with the `model` selected."""

    node: str
    message: str
    model: str | msgspec.UnsetType = msgspec.UNSET


class Token(_Event, frozen=True, tag="token"):
    """More text of the answer, as the model writes it."""

    content: str


class ToolCall(_Event, frozen=True, tag="tool_call"):
    """A tool is called; `args` is a string when the model wrote something that is not a JSON object."""

    id: str
    tool: str
    args: dict[str, Any] | str


class ToolResult(_Event, frozen=True, tag="tool_result"):
    """A tool call ended; `id` is its call's."""

    id: str
    tool: str
    result: str
    duration_ms: float
    is_error: bool


class Response(_Event, frozen=True, tag="response"):
    """The answer: `content` as the model wrote it (Markdown), `html` rendered and sanitized.

    `model` is what really answered; `fallback_from` is there when another was asked for. Usage and cost are the
    whole run's; `cost_usd` is None when any part is unknown; `ttft_ms` is the time to the first token of text,
    None when there was none.
    """

    content: str
    html: str
    model: str
    provider: str
    usage: Usage
    cost_usd: Decimal | None
    latency_ms: float
    ttft_ms: float | None
    fallback_from: str | msgspec.UnsetType = msgspec.UNSET


class Complete(_Event, frozen=True, tag="complete"):
    """The run ended well; `steps` counts the graph nodes that ran."""

    steps: int


class Cancelled(_Event, frozen=True, tag="cancelled"):
    """The run was stopped by its user."""


class Error(_Event, frozen=True, tag="error"):
    """The run, or a message to the service, failed: text for people, a code for machines.

    `error` is the same in the envelope that every service answers.
    """

    message: str
    code: str
    request_id: str | msgspec.UnsetType = msgspec.UNSET
    retry_after: float | msgspec.UnsetType = msgspec.UNSET
    error: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


Event = (
    Queued | Start | StepBegun | Token | ToolCall | ToolResult | Response | Complete | Cancelled | Error
)  # fmt: skip
Emit = Callable[[Event], None]

# Costs are exact inside and JSON numbers on the wire.
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def numbered(event: Event, seq: int) -> Event:
    """Returns `event` with the sequence number `seq`."""
    return msgspec.structs.replace(event, seq=seq)


def error_event(error: ApiError, run_id: str | None, request_id: str) -> Error:
    """Returns `error` as the event that every stream carries; `run_id` is None for an error that belongs to no run."""
    return Error(
        run_id=run_id,
        message=error.message,
        code=error.code,
        request_id=request_id or msgspec.UNSET,
        retry_after=error.retry_after if error.retry_after is not None else msgspec.UNSET,
        error=error_body(error, request_id)["error"],
    )


def parse_event(data: bytes | str) -> Event:
    """Returns the event that `to_json` wrote; raises msgspec.DecodeError or ValidationError on anything else."""
    return _DECODER.decode(data)
