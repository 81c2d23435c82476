"""Renders streams of the prompt API."""

from __future__ import annotations

from typing import Any

from service_kit.errors import ApiError

from llm_gateway.canonical import BlockStart, Delta, Event, Request
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.canonical.events import BlockKind
from llm_gateway.dialects.prompt.render import encode, failure_of, tail_of


def stream_encoder(answered_by: AnsweredBy, request: Request) -> StreamEncoder:
    return StreamEncoder(answered_by)


class ChunkEncoder:
    """Turns the events of one stream into chunks, objects with `content`, `finished` and `index`.

    `index` counts the chunks, or is the number that is given: that of an item among others. Thoughts come as
    `reasoning`, beside an empty `content`.
    """

    def __init__(self, request_id: str, index: int | None = None) -> None:
        self._request_id = request_id
        self._item = index
        self._chunks = 0
        self._kinds: dict[int, BlockKind] = {}

    def feed(self, events: list[Event]) -> list[dict[str, Any]]:
        chunks: list[dict[str, Any]] = []
        for event in events:
            kind = type(event)
            if kind is Delta and event.choice == 0:  # type: ignore[union-attr]
                said = self._kinds[event.index]  # type: ignore[union-attr]
                if said != "tool_call":
                    chunks.append(self._chunk(event.text, said))  # type: ignore[union-attr]
            elif kind is BlockStart and event.choice == 0:  # type: ignore[union-attr]
                self._kinds[event.index] = event.kind  # type: ignore[union-attr]
        return chunks

    def _chunk(self, text: str, kind: BlockKind) -> dict[str, Any]:
        index = self._next()
        if kind == "reasoning":
            return {"content": "", "reasoning": text, "finished": False, "index": index}
        return {"content": text, "finished": False, "index": index}

    def finish(self, answer: Answer) -> dict[str, Any]:
        """Returns the last chunk of a stream that is whole."""
        totals = {"totalTokens": answer.usage.total_tokens, **tail_of(answer)}
        return {"content": "", "finished": True, "index": self._next(), **totals}

    def fail(self, error: ApiError) -> dict[str, Any]:
        """Returns the last chunk of a stream that failed."""
        failure = {**failure_of(error, self._request_id), "finished": True}
        return failure if self._item is None else {**failure, "index": self._item}

    def _next(self) -> int:
        if self._item is not None:
            return self._item
        self._chunks += 1
        return self._chunks - 1


class StreamEncoder:
    """Renders chunks as server-sent events."""

    def __init__(self, answered_by: AnsweredBy) -> None:
        self._chunks = ChunkEncoder(answered_by.request_id)

    def start(self) -> bytes:
        return b""

    def feed(self, events: list[Event]) -> bytes:
        return b"".join([sse(chunk) for chunk in self._chunks.feed(events)])

    def finish(self, answer: Answer) -> bytes:
        return sse(self._chunks.finish(answer))

    def fail(self, error: ApiError) -> bytes:
        return sse(self._chunks.fail(error))


def sse(body: dict[str, Any]) -> bytes:
    """Returns one server-sent event."""
    return b"data: " + encode(body) + b"\n\n"
