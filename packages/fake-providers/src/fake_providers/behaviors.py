"""Behaviors of the fake OpenAI; some of them serve every fake."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

from .exchange import CutConnection, Exchange

CREATED = 1_763_000_000


class Behavior(Protocol):
    """How a fake answers one request."""

    async def play(self, exchange: Exchange) -> None: ...


@dataclass(frozen=True)
class Says:
    """A successful answer, plain or streamed as the request asks.

    `text` in pieces is streamed as those; `calls` are `(id, name, arguments)`, whose arguments are streamed in two
    pieces. The answer begins when `hold` is set; `pause` is the time in seconds between the chunks of a stream; `done`
    says whether `[DONE]` ends it. `stay` leaves the connection open after that.
    """

    text: str | Sequence[str] | None = None
    calls: Sequence[tuple[str, str, str]] = ()
    refusal: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = field(default_factory=lambda: {"prompt_tokens": 9, "completion_tokens": 4})
    model: str | None = None
    logprobs: Any = None
    hold: asyncio.Event | None = None
    pause: float = 0.0
    done: bool = True
    stay: bool = False

    async def play(self, exchange: Exchange) -> None:
        if self.hold is not None:
            await self.hold.wait()
        body = exchange.call.body
        if not body.get("stream"):
            await exchange.whole(200, {"content-type": "application/json"}, msgspec.json.encode(self.completion(body)))
            return
        await exchange.start(200, {"content-type": "text/event-stream; charset=utf-8"})
        for chunk in self.chunks(body):
            await exchange.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
            if self.pause:
                await asyncio.sleep(self.pause)
        if self.done:
            await exchange.write(b"data: [DONE]\n\n")
        if self.stay:
            await asyncio.Event().wait()
        await exchange.end()

    def completion(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the `chat.completion` object."""
        message: dict[str, Any] = {"role": "assistant", "content": self._whole(), "refusal": self.refusal}
        if self.reasoning is not None:
            message["reasoning_content"] = self.reasoning
        if self.calls:
            message["tool_calls"] = [
                {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
                for id_, name, arguments in self.calls
            ]
        choice = {"message": message, "finish_reason": self._reason(), "logprobs": self.logprobs}
        return self._head(body, "chat.completion") | {
            "choices": [{"index": index, **choice} for index in range(body.get("n") or 1)],
            "usage": self._usage(),
        }

    def chunks(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Returns the `chat.completion.chunk` objects."""
        head = self._head(body, "chat.completion.chunk")
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        tail = {"usage": None} if with_usage else {}
        for index in range(body.get("n") or 1):
            for delta, reason in self._deltas():
                choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": None}
                if delta.get("content"):
                    choice["logprobs"] = self.logprobs
                yield head | {"choices": [choice]} | tail
        if with_usage and self.usage is not None:
            yield head | {"choices": [], "usage": self._usage()}

    def _deltas(self) -> Iterator[tuple[dict[str, Any], str | None]]:
        yield {"role": "assistant", "content": "" if self.text is not None else None, "refusal": None}, None
        if self.reasoning is not None:
            yield {"reasoning_content": self.reasoning}, None
        for piece in (self.text,) if isinstance(self.text, str) else self.text or ():
            yield {"content": piece}, None
        if self.refusal is not None:
            yield {"refusal": self.refusal}, None
        for index, (id_, name, arguments) in enumerate(self.calls):
            function = {"name": name, "arguments": ""}
            yield {"tool_calls": [{"index": index, "id": id_, "type": "function", "function": function}]}, None
            middle = len(arguments) // 2
            for piece in (arguments[:middle], arguments[middle:]):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None
        yield {}, self._reason()

    def _whole(self) -> str | None:
        return self.text if self.text is None or isinstance(self.text, str) else "".join(self.text)

    def _reason(self) -> str:
        return self.finish_reason or ("tool_calls" if self.calls else "stop")

    def _usage(self) -> dict[str, Any] | None:
        if self.usage is None:
            return None
        total = self.usage["prompt_tokens"] + self.usage["completion_tokens"]
        return {"total_tokens": total, **self.usage}

    def _head(self, body: Mapping[str, Any], kind: str) -> dict[str, Any]:
        model = self.model or body["model"]
        return {"id": "chatcmpl-fake", "object": kind, "created": CREATED, "model": model, "system_fingerprint": "fp_0"}


@dataclass(frozen=True)
class Fails:
    """An error in OpenAI's envelope; `retry_after` is the header, verbatim."""

    status: int
    code: str | None = None
    message: str = "the provider's own words"
    param: str | None = None
    retry_after: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, exchange: Exchange) -> None:
        error = {"message": self.message, "type": "fake_error", "param": self.param, "code": self.code}
        extra = {} if self.retry_after is None else {"retry-after": self.retry_after}
        headers = {"content-type": "application/json", **self.headers, **extra}
        await exchange.whole(self.status, headers, msgspec.json.encode({"error": error}))


@dataclass(frozen=True)
class Sends:
    """Sends exactly these bytes, each with its own write; a number is a pause in seconds.

    Then the answer ends, or (`then`) the connection is cut, or it stays open and silent.
    """

    pieces: Sequence[bytes | float]
    content_type: str = "text/event-stream"
    status: int = 200
    then: Literal["end", "cut", "silence"] = "end"

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(self.status, {"content-type": self.content_type})
        for piece in self.pieces:
            if isinstance(piece, bytes):
                await exchange.write(piece)
            await asyncio.sleep(0 if isinstance(piece, bytes) else piece)
        if self.then == "cut":
            raise CutConnection
        if self.then == "silence":
            await asyncio.Event().wait()
        await exchange.end()


@dataclass(frozen=True)
class Silent:
    """Reads the request and never answers."""

    async def play(self, exchange: Exchange) -> None:
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Endless:
    """An endless stream, until the client leaves; `pause` is the time between pieces in seconds."""

    text: str = "más "
    pause: float = 0.0

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, {"content-type": "text/event-stream"})
        says = Says(self.text)
        opening, piece, *_ = says.chunks(exchange.call.body)
        await exchange.write(b"data: " + msgspec.json.encode(opening) + b"\n\n")
        while not exchange.call.left.is_set():
            await exchange.write(b"data: " + msgspec.json.encode(piece) + b"\n\n")
            await asyncio.sleep(self.pause)
