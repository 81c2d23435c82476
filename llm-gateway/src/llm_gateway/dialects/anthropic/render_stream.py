"""Renders streams as Anthropic's events.

In Anthropic's streams a block ends before the next one begins, and its type is known from the start. Canonical streams
may have several open blocks (parallel calls), and a redacted thought shows only later. So events of any block but the
current one are queued, and the start of a thought is held back until its first event.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections import deque
from typing import Any

from service_kit.errors import ApiError

from llm_gateway.canonical import BlockStart, BlockStop, Delta, Event, Request, Signature, Usage, UsageReport
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.anthropic.render import encode, head, render_usage, signed, stop_of
from llm_gateway.dialects.anthropic.render_error import render_error

_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_Content = BlockStart | Delta | Signature | BlockStop


def stream_encoder(answered_by: AnsweredBy, request: Request) -> StreamEncoder:
    return StreamEncoder(answered_by)


class StreamEncoder:
    """Renders `message_start`, the blocks one after another, `message_delta` with the counts, and `message_stop`."""

    def __init__(self, answered_by: AnsweredBy) -> None:
        self._answered_by = answered_by
        self._begun = False
        self._blocks = 0
        self._open: _OpenBlock | None = None
        self._waiting: dict[int, deque[_Content]] = {}

    def start(self) -> bytes:
        return b""  # `message_start` has the prompt's count, which may come with the first content

    def feed(self, events: list[Event]) -> bytes:
        out = [self._opening(events)] if not self._begun else []
        for event in events:
            match event:
                case BlockStart(choice=0) | Delta(choice=0) | Signature(choice=0) | BlockStop(choice=0):
                    out.append(self._content(event))
        return b"".join(out)

    def _opening(self, events: list[Event]) -> bytes:
        self._begun = True
        known = next((event.usage for event in events if isinstance(event, UsageReport)), Usage())
        message = {**head(self._answered_by), "content": [], "stop_reason": None, "stop_sequence": None}
        message["usage"] = render_usage(known)
        return _framed("message_start", {"message": message}) + _PING

    def _content(self, event: _Content) -> bytes:
        current = self._open
        if current is None:
            self._open = _OpenBlock(event, self._blocks) if isinstance(event, BlockStart) else None
            return b""
        if event.index != current.start.index:
            self._waiting.setdefault(event.index, deque()).append(event)
            return b""
        if isinstance(event, BlockStop):
            return self._close(current)
        return current.say(event)

    def _close(self, current: _OpenBlock) -> bytes:
        """Ends the current block and renders the queued events of the next ones."""
        out = [current.end()]
        self._blocks += current.begun
        self._open = None
        while self._open is None and self._waiting:
            first = next(iter(self._waiting))
            out += [self._content(event) for event in self._waiting.pop(first)]
        return b"".join(out)

    def finish(self, answer: Answer) -> bytes:
        out = [] if self._begun else [self._opening([])]
        while self._open is not None:  # blocks that the stream did not end
            out.append(self._close(self._open))
        reason, sequence = stop_of(answer.result.choices[0])
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        usage = {**render_usage(answer.usage), "cost_usd": answer.cost.usd}
        out += [_framed("message_delta", {"delta": delta, "usage": usage}), _STOP]
        return b"".join(out)

    def fail(self, error: ApiError) -> bytes:
        """Renders an error event, without `message_stop`: the official clients raise an error."""
        return b"event: error\ndata: " + render_error(error, self._answered_by.request_id) + b"\n\n"


class _OpenBlock:
    """The block that is being sent; `number` is its index in Anthropic's stream."""

    __slots__ = ("_number", "_prefix", "begun", "start")

    def __init__(self, start: BlockStart, number: int) -> None:
        self.start = start
        self.begun = False
        self._number = number
        self._prefix = b""

    def say(self, event: _Content) -> bytes:
        match event:
            case Delta():
                return self._begin() + self._prefix + encode(event.text) + b"}}\n\n"
            case Signature(redacted=True) if not self.begun:
                data = signed(event.provider, event.signature, redacted=True)
                return self._begin({"type": "redacted_thinking", "data": data})
            case Signature():
                delta = {"type": "signature_delta", "signature": signed(event.provider, event.signature)}
                return self._begin() + self._framed("content_block_delta", {"delta": delta})
            case _:
                return b""

    def end(self) -> bytes:
        """Ends the block. A block without content is still shown, except for an empty thought."""
        opening = b"" if self.start.kind == "reasoning" else self._begin()
        return opening + self._framed("content_block_stop", {}) if self.begun else b""

    def _begin(self, block: dict[str, Any] | None = None) -> bytes:
        if self.begun:
            return b""
        self.begun = True
        opening, kind, field = self._kind()
        # All deltas of a block begin alike, so the beginning is encoded once and the text is appended.
        self._prefix = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":'
            % (self._number, kind, field)
        )
        return self._framed("content_block_start", {"content_block": block or opening})

    def _kind(self) -> tuple[dict[str, Any], bytes, bytes]:
        start = self.start
        match start.kind:
            case "tool_call":
                opening = {"type": "tool_use", "id": start.id, "name": start.name, "input": {}}
                return opening, b"input_json_delta", b"partial_json"
            case "reasoning":
                return {"type": "thinking", "thinking": "", "signature": ""}, b"thinking_delta", b"thinking"
            case _:
                return {"type": "text", "text": ""}, b"text_delta", b"text"

    def _framed(self, kind: str, fields: dict[str, Any]) -> bytes:
        return _framed(kind, {"index": self._number, **fields})


def _framed(kind: str, fields: dict[str, Any]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + encode({"type": kind, **fields}) + b"\n\n"
