"""Renders streams as the gateway's own events."""

from __future__ import annotations

from typing import Any

from service_kit.errors import ApiError

from llm_gateway.canonical import BlockStart, Delta, Event, Finish, Request
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.native.render import encode, tail_of


def stream_encoder(answered_by: AnsweredBy, request: Request) -> StreamEncoder:
    return StreamEncoder(answered_by)


class StreamEncoder:
    """Renders events with `content`, `tool_calls` or `finish_reason`, one with the other fields of the answer, and
    `[DONE]`."""

    def __init__(self, answered_by: AnsweredBy) -> None:
        self._request_id = answered_by.request_id
        self._blocks: dict[int, BlockStart] = {}

    def start(self) -> bytes:
        return b""

    def feed(self, events: list[Event]) -> bytes:
        return b"".join([self._event(event) for event in events])

    def _event(self, event: Event) -> bytes:
        match event:
            case Delta(choice=0):
                return _sse(self._delta(event))
            case BlockStart(choice=0):
                self._blocks[event.index] = event
                if event.kind == "tool_call":
                    call = {"index": event.tool_index, "id": event.id, "name": event.name, "args_delta": ""}
                    return _sse({"tool_calls": [call]})
            case Finish(choice=0):
                return _sse({"finish_reason": event.reason})
        return b""

    def _delta(self, event: Delta) -> dict[str, Any]:
        block = self._blocks[event.index]
        match block.kind:
            case "tool_call":
                return {"tool_calls": [{"index": block.tool_index, "args_delta": event.text}]}
            case "reasoning":
                return {"reasoning": event.text}
            case _:
                return {"content": event.text}

    def finish(self, answer: Answer) -> bytes:
        return _sse(tail_of(answer)) + b"data: [DONE]\n\n"

    def fail(self, error: ApiError) -> bytes:
        """Renders the error, without `[DONE]`: a stream without that was not complete."""
        return b"data: " + render_error(error, self._request_id) + b"\n\n"


def _sse(body: dict[str, Any]) -> bytes:
    return b"data: " + encode(body) + b"\n\n"
