"""The WebSocket protocol, without I/O: frames that clients send, and the server's frames outside the sequence.

What comes in sequence is `agent_core.events`. `docs/WEBSOCKET_AGENT.md` describes both to clients.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Annotated, Any

import msgspec
from agent_core.agent import ModelInfo, ToolInfo
from agent_core.clock import timestamp
from agent_core.events import error_event
from msgspec import Meta
from service_kit.errors import ApiError

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_Name = Annotated[str, Meta(min_length=1, max_length=128)]


def connection_id(given: str | None) -> str:
    """`given` if it is 1 to 128 letters, digits, dots, dashes or underscores, else a new one that cannot be guessed."""
    if given is not None and _ID.fullmatch(given):
        return given
    return secrets.token_urlsafe(16)


# --- from the client ---


class _ClientFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Fields that we do not know are not an error: a newer client may talk to an older service."""


class Message(_ClientFrame, frozen=True, tag="message"):
    """A question for the agent; without `thread_id` the connection id is the conversation."""

    content: str
    model: Annotated[str, Meta(max_length=256)] | None = None
    thread_id: _Name | None = None


class Cancel(_ClientFrame, frozen=True, tag="cancel"):
    """Stop the run that is going, or the named one, running or queued."""

    run_id: _Name | None = None


class Ping(_ClientFrame, frozen=True, tag="ping"):
    """Asks for a `pong`."""


class Resume(_ClientFrame, frozen=True, tag="resume"):
    """Tell again what came after `after`; `epoch` is the one that `connected` told when `after` was received."""

    after: Annotated[int, Meta(ge=0)]
    epoch: _Name | None = None


ClientFrame = Message | Cancel | Ping | Resume

_FRAMES: dict[str, type[ClientFrame]] = {"message": Message, "cancel": Cancel, "ping": Ping, "resume": Resume}


class Fault(Enum):
    """What can be wrong with a frame; the value is the code that the client gets."""

    BINARY = "binary_frame"
    TOO_LARGE = "message_too_large"
    MALFORMED = "malformed_json"
    NOT_OBJECT = "invalid_frame"
    UNKNOWN_TYPE = "unknown_type"
    INVALID = "invalid_message"


class FrameError(Exception):
    """A frame that cannot be understood; `detail` is safe to show."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(fault.value, detail)
        self.fault = fault
        self.detail = detail

    @property
    def code(self) -> str:
        return self.fault.value


def parse(frame: str | bytes, *, max_bytes: int) -> ClientFrame:
    """Returns the frame as a struct; raises FrameError. `max_bytes` bounds its length in UTF-8."""
    if isinstance(frame, bytes):
        raise FrameError(Fault.BINARY)
    if len(frame) > max_bytes or len(frame.encode("utf-8", "surrogatepass")) > max_bytes:
        raise FrameError(Fault.TOO_LARGE, str(max_bytes))
    value = _decode(frame)
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        raise FrameError(Fault.NOT_OBJECT)
    shape = _FRAMES.get(kind)
    if shape is None:
        raise FrameError(Fault.UNKNOWN_TYPE, repr(kind[:64]))
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise FrameError(Fault.INVALID, str(error)) from None


def _decode(frame: str) -> Any:
    try:
        return msgspec.json.decode(frame)
    # JSON that is nested too deep to parse counts as malformed.
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        raise FrameError(Fault.MALFORMED) from None


# --- from the server, outside the sequence ---


class Connected(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="connected"):
    """The greeting. `last_seq` is where the sequence stands; `running` whether a run is going, `run_id` which."""

    message: str
    connection_id: str
    epoch: str
    last_seq: int
    running: bool
    run_id: str | None
    models: Sequence[ModelInfo]
    tools: Sequence[ToolInfo]
    timestamp: str = msgspec.field(default_factory=timestamp)


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="pong"):
    timestamp: str = msgspec.field(default_factory=timestamp)


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """An error for one socket alone: it has no `seq`, since others on the same id do not get it."""

    message: str
    code: str
    run_id: None = None
    request_id: str | msgspec.UnsetType = msgspec.UNSET
    retry_after: float | msgspec.UnsetType = msgspec.UNSET
    error: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    timestamp: str = msgspec.field(default_factory=timestamp)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """After `resume_failed`: the run that is going, or the last one, as far as its newest events are still here."""

    run_id: str | None
    running: bool
    last_seq: int
    epoch: str
    events: Sequence[msgspec.Raw]
    timestamp: str = msgspec.field(default_factory=timestamp)


ServerFrame = Connected | Pong | Refusal | Snapshot


def refusal(error: ApiError, request_id: str) -> Refusal:
    """Returns `error` in the shape of the error events, for one socket alone."""
    event = error_event(error, None, request_id)
    return Refusal(
        message=event.message,
        code=event.code,
        request_id=event.request_id,
        retry_after=event.retry_after,
        error=event.error,
    )


def raw_events(texts: Iterable[str]) -> list[msgspec.Raw]:
    """Events that are JSON already, to stand in a snapshot as they are."""
    return [msgspec.Raw(text) for text in texts]


def encode(frame: ServerFrame) -> str:
    """Returns the frame as JSON text."""
    return msgspec.json.encode(frame).decode()
