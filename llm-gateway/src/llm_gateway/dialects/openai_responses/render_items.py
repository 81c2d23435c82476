"""Renders one item of a streamed output."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from llm_gateway.canonical import BlockKind, BlockStart, Logprobs, Part, Reasoning, Refusal, Signature, Text, ToolCall
from llm_gateway.dialects.openai_responses import render as answers
from llm_gateway.dialects.openai_responses.render import Status

Events = list[tuple[str, dict[str, Any]]]

_SAYS: dict[BlockKind, str] = {
    "text": "output_text",
    "refusal": "refusal",
    "reasoning": "reasoning_summary_text",
    "tool_call": "function_call_arguments",
}
"""The names of the events with an item's text: `response.X.delta` for a piece, `response.X.done` for all of it."""


class StreamedItem:
    """Output item `number`, which is one block of a canonical stream."""

    __slots__ = ("_delta_head", "_place", "_start", "done", "id", "logprobs", "pieces", "signature")

    def __init__(self, start: BlockStart, request_id: str, number: int) -> None:
        self._start = start
        self.pieces: list[str] = []
        self.logprobs: list[dict[str, Any]] = []
        self.signature: Signature | None = None
        self.done = False
        self.id = answers.item_id(self.part(), request_id, number)
        self._place: dict[str, Any] = {"item_id": self.id, "output_index": number}
        # The head is the same for every piece, so it is encoded once and the rest is appended.
        kind = f"response.{_SAYS[start.kind]}.delta"
        fixed = answers.encode({"type": kind, **self._inner()})[:-1]
        self._delta_head = b"event: %b\ndata: %b" % (kind.encode(), fixed)

    def part(self) -> Part:
        """The content so far."""
        text = "".join(self.pieces)
        match self._start.kind:
            case "tool_call":
                return ToolCall(id=self._start.id or "", name=self._start.name or "", arguments=text)
            case "refusal":
                return Refusal(text=text)
            case "text":
                return Text(text=text)
            case "reasoning":
                signed = self.signature
                if signed is None:
                    return Reasoning(text=text)
                return Reasoning(
                    text=text, signature=signed.signature, provider=signed.provider, redacted=signed.redacted
                )

    def delta(self, number: int, text: str, logprobs: list[dict[str, Any]]) -> bytes:
        """Returns the event for one piece; `number` is the event's sequence number."""
        self.pieces.append(text)
        tail = b',"logprobs":%b' % answers.encode(logprobs) if self._start.kind == "text" else b""
        return b'%b,"sequence_number":%d,"delta":%b%b}\n\n' % (self._delta_head, number, answers.encode(text), tail)

    def begun(self) -> Events:
        """Returns the events that begin the item."""
        item = self.rendered("in_progress")
        if self._start.kind not in ("text", "refusal"):
            return [self._whole("added", item)]
        [part] = item["content"]
        return [self._whole("added", item | {"content": []}), self._inside("content_part.added", part=part)]

    def before_first_piece(self) -> Events:
        """Returns the events before the first piece. A thought without pieces has no summary."""
        if self._start.kind != "reasoning":
            return []
        return [self._inside("reasoning_summary_part.added", part=answers.summary_part(""))]

    def ended(self, status: Status) -> Events:
        """Returns the events after the last piece."""
        kind, text = self._start.kind, "".join(self.pieces)
        said = f"{_SAYS[kind]}.done"
        item = self.rendered(status)
        last = self._whole("done", item)
        if kind == "tool_call":
            return [self._inside(said, arguments=text), last]
        if kind == "reasoning":
            summary = [
                self._inside(said, text=text),
                self._inside("reasoning_summary_part.done", part=answers.summary_part(text)),
            ]
            return [*summary, last] if text else [last]
        [part] = item["content"]
        told = {"text": text, "logprobs": self.logprobs} if kind == "text" else {"refusal": text}
        return [self._inside(said, **told), self._inside("content_part.done", part=part), last]

    def rendered(self, status: Status) -> dict[str, Any]:
        """Returns the item with its content so far."""
        return answers.item(self.part(), self.id, status, self.logprobs) or {}

    def _inner(self) -> dict[str, Any]:
        """Returns the fields that locate a piece in the item."""
        match self._start.kind:
            case "tool_call":
                return self._place
            case "reasoning":
                return {**self._place, "summary_index": 0}
            case _:
                return {**self._place, "content_index": 0}

    def _inside(self, event: str, **body: Any) -> tuple[str, dict[str, Any]]:
        return f"response.{event}", {**self._inner(), **body}

    def _whole(self, what: Literal["added", "done"], item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return f"response.output_item.{what}", {"output_index": self._place["output_index"], "item": item}


def tokens_of(logprobs: Iterable[Logprobs]) -> list[dict[str, Any]]:
    """Returns the tokens in these events in the form of Responses."""
    return [token for event in logprobs for token in answers.token_logprobs(event.value)]
