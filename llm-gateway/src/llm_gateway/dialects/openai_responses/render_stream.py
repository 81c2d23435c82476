"""Renders streams as the events of a Response, in OpenAI's order, numbered.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from typing import Any

from service_kit.errors import ApiError

from llm_gateway.canonical import BlockStart, BlockStop, Delta, Event, Finish, Logprobs, Request, Signature, UsageReport
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.openai_responses.render import Status, encode, head, response
from llm_gateway.dialects.openai_responses.render_error import error_object
from llm_gateway.dialects.openai_responses.render_items import StreamedItem, tokens_of


def stream_encoder(answered_by: AnsweredBy, request: Request) -> StreamEncoder:
    return StreamEncoder(answered_by, request)


class StreamEncoder:
    """Renders the events of one stream; each block is one output item.

    The end of a block is rendered only with the next event: if the answer was cut off, its last item is incomplete, and
    that becomes known only then.
    """

    def __init__(self, answered_by: AnsweredBy, request: Request) -> None:
        self._request_id = answered_by.request_id
        self._request = request
        self._head = head(answered_by, request)
        self._sequence = 0
        self._items: dict[int, StreamedItem] = {}
        self._stopped: list[StreamedItem] = []  # whose end is not rendered yet
        self._text: StreamedItem | None = None  # that logprobs belong to

    def start(self) -> bytes:
        return self._event("response.created", {"response": self._head}) + self._event(
            "response.in_progress", {"response": self._head}
        )

    def feed(self, events: list[Event]) -> bytes:
        out: list[bytes] = []
        for position, event in enumerate(events):
            if type(event) is Delta:
                if event.choice == 0 and event.text:
                    item = self._items[event.index]
                    if not item.pieces:
                        out.append(self._events(item.before_first_piece()))
                    out.append(item.delta(self._sequence, event.text, tokens_of(_behind(events, position))))
                    self._sequence += 1
            elif not isinstance(event, UsageReport) and event.choice == 0:
                out.append(self._rare(event))
        return b"".join(out)

    def _rare(self, event: Event) -> bytes:
        match event:
            case BlockStart():
                return self._start(event)
            case BlockStop():
                self._stopped.append(self._items[event.index])
            case Signature():
                self._items[event.index].signature = event
            case Logprobs():
                if self._text is not None:
                    self._text.logprobs += tokens_of([event])
            case Finish():
                return self._close(whole=event.reason not in ("length", "content_filter"))
        return b""

    def _start(self, event: BlockStart) -> bytes:
        done = self._tell_stopped()
        item = self._items[event.index] = StreamedItem(event, self._request_id, len(self._items))
        if event.kind == "text":
            self._text = item
        return done + self._events(item.begun())

    def _tell_stopped(self) -> bytes:
        done = b"".join([self._done(item, "completed") for item in self._stopped])
        self._stopped.clear()
        return done

    def _close(self, *, whole: bool) -> bytes:
        """Ends all open items; the last one is incomplete if the answer is."""
        self._stopped.clear()
        items = list(self._items.values())
        return b"".join(
            self._done(item, "completed" if whole or item is not items[-1] else "incomplete")
            for item in items
            if not item.done
        )

    def _done(self, item: StreamedItem, status: Status) -> bytes:
        item.done = True
        return self._events(item.ended(status))

    def finish(self, answer: Answer) -> bytes:
        body = response(answer, self._request)
        closing = self._close(whole=body["status"] == "completed")
        return closing + self._event(f"response.{body['status']}", {"response": body})

    def fail(self, error: ApiError) -> bytes:
        """Renders the failed Response and the error, for which the official clients raise.

        If the Response has not begun, its start comes first: the official clients require it.
        """
        before = self._tell_stopped() if self._sequence else self.start()
        shown = error_object(error, self._request_id)
        failed = self._head | {
            "status": "failed",
            "error": {"code": _error_code(error), "message": shown["message"]},
            "output": [item.rendered("completed" if item.done else "incomplete") for item in self._items.values()],
        }
        told = {"code": shown["code"], "message": shown["message"], "param": shown["param"], "error": shown}
        return before + self._event("response.failed", {"response": failed}) + self._event("error", told)

    def _events(self, events: list[tuple[str, dict[str, Any]]]) -> bytes:
        return b"".join([self._event(kind, body) for kind, body in events])

    def _event(self, kind: str, body: dict[str, Any]) -> bytes:
        data = encode({"type": kind, "sequence_number": self._sequence, **body})
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def _behind(events: list[Event], position: int) -> list[Logprobs]:
    """Returns the logprobs that follow the piece at `position`."""
    found: list[Logprobs] = []
    for number in range(position + 1, len(events)):
        event = events[number]
        if not isinstance(event, Logprobs):
            break
        found.append(event)
    return found


def _error_code(error: ApiError) -> str:
    """Returns the nearest code that a failed Response may have; the error event has the exact one."""
    if error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if error.status < 500 else "server_error"
