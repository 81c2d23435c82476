"""Behaviors of the fake Anthropic, in Anthropic's wire format.

Sources: https://platform.claude.com/docs/en/api/messages/create,
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..exchange import Exchange

MESSAGE_ID = "msg_01FakeFakeFakeFakeFakeFake"
REQUEST_ID = "req_011FakeFakeFakeFakeFakeFa"

_HEADERS = {
    "request-id": REQUEST_ID,
    "anthropic-organization-id": "5f0c9a52-0000-4000-8000-000000000000",
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": "3999",
    "anthropic-ratelimit-requests-reset": "2026-11-01T12:00:00Z",
    "anthropic-ratelimit-tokens-limit": "480000",
    "anthropic-ratelimit-tokens-remaining": "479000",
    "anthropic-ratelimit-tokens-reset": "2026-11-01T12:00:00Z",
}

_USAGE = {"input_tokens": 9, "output_tokens": 4}


@dataclass(frozen=True)
class Says:
    """A successful answer, plain or streamed as the request asks.

    `text` in pieces is streamed as those; `calls` are `(id, name, arguments)`, whose arguments are streamed in two
    pieces; `thinking` is a thought and its signature, `redacted` the data of an encrypted one. `blocks` are further
    blocks, sent unchanged. `breaks` names the error that ends a stream after its content. The answer begins when `hold`
    is set; `pause` is the time in seconds between the events of a stream; `stay` leaves the connection open after its
    end.
    """

    text: str | Sequence[str] | None = None
    calls: Sequence[tuple[str, str, str]] = ()
    thinking: tuple[str, str] | None = None
    redacted: str | None = None
    blocks: Sequence[Mapping[str, Any]] = ()
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Mapping[str, Any] = field(default_factory=lambda: dict(_USAGE))
    model: str | None = None
    breaks: str | None = None
    hold: asyncio.Event | None = None
    pause: float = 0.0
    stay: bool = False

    async def play(self, exchange: Exchange) -> None:
        if self.hold is not None:
            await self.hold.wait()
        body = exchange.call.body
        if not body.get("stream"):
            await exchange.whole(200, json_headers(), msgspec.json.encode(self.message(body)))
            return
        await exchange.start(200, event_headers())
        for event in self.events(body):
            await exchange.write(framed(event))
            if self.pause:
                await asyncio.sleep(self.pause)
        if self.stay:
            await asyncio.Event().wait()
        await exchange.end()

    def message(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the `message` object."""
        content = [whole for _, whole, _ in self._blocks()]
        return self._head(body, content) | {"stop_reason": self._reason(), "stop_sequence": self.stop_sequence}

    def events(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Returns the events of the stream; the first counts are only those of the prompt."""
        first = {**self._counts(), "output_tokens": 1}
        yield {"type": "message_start", "message": self._head(body, []) | {"usage": first}}
        for index, (opening, _, deltas) in enumerate(self._blocks()):
            yield {"type": "content_block_start", "index": index, "content_block": opening}
            if index == 0:
                yield {"type": "ping"}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        if self.breaks is not None:
            yield {"type": "error", "error": {"type": self.breaks, "message": "the provider's own words"}}
            return
        change = {"stop_reason": self._reason(), "stop_sequence": self.stop_sequence}
        yield {"type": "message_delta", "delta": change, "usage": self.usage}
        yield {"type": "message_stop"}

    def _blocks(self) -> Iterator[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]]:
        """Yields for each block its start, the whole block, and its deltas."""
        if self.thinking is not None:
            yield _thinking(*self.thinking)
        if self.redacted is not None:
            encrypted = {"type": "redacted_thinking", "data": self.redacted}
            yield encrypted, encrypted, []
        for block in self.blocks:
            yield dict(block), dict(block), []
        if self.text is not None:
            pieces = [self.text] if isinstance(self.text, str) else list(self.text)
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
            yield {"type": "text", "text": ""}, {"type": "text", "text": "".join(pieces)}, deltas
        for id_, name, arguments in self.calls:
            yield _tool_use(id_, name, arguments)

    def _head(self, body: Mapping[str, Any], content: list[Any]) -> dict[str, Any]:
        return {
            "id": MESSAGE_ID, "type": "message", "role": "assistant", "model": self.model or body["model"],
            "content": content, "stop_reason": None, "stop_sequence": None, "usage": self._counts(),
        }  # fmt: skip

    def _counts(self) -> dict[str, Any]:
        nothing = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "service_tier": "standard"}
        return nothing | dict(self.usage)

    def _reason(self) -> str:
        if self.stop_reason is not None:
            return self.stop_reason
        if self.stop_sequence is not None:
            return "stop_sequence"
        return "tool_use" if self.calls else "end_turn"


def _thinking(thought: str, signature: str) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    middle = len(thought) // 2
    pieces = [{"type": "thinking_delta", "thinking": piece} for piece in (thought[:middle], thought[middle:]) if piece]
    whole = {"type": "thinking", "thinking": thought, "signature": signature}
    deltas = [*pieces, {"type": "signature_delta", "signature": signature}]
    return {"type": "thinking", "thinking": "", "signature": ""}, whole, deltas


def _tool_use(id_: str, name: str, arguments: str) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    opening = {"type": "tool_use", "id": id_, "name": name, "input": {}}
    middle = len(arguments) // 2
    pieces = ("", arguments[:middle], arguments[middle:]) if arguments != "{}" else ("",)
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return opening, opening | {"input": msgspec.json.decode(arguments)}, deltas


@dataclass(frozen=True)
class Counts:
    """The answer of `count_tokens`."""

    input_tokens: int = 14

    async def play(self, exchange: Exchange) -> None:
        await exchange.whole(200, json_headers(), msgspec.json.encode({"input_tokens": self.input_tokens}))


@dataclass(frozen=True)
class Fails:
    """An error in Anthropic's envelope; `type` defaults to the one for its status, `retry_after` is the header,
    verbatim."""

    status: int
    type: str | None = None
    message: str = "the provider's own words"
    retry_after: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, exchange: Exchange) -> None:
        kind = self.type or _TYPES.get(self.status, "api_error")
        body = {"type": "error", "error": {"type": kind, "message": self.message}, "request_id": REQUEST_ID}
        extra = {} if self.retry_after is None else {"retry-after": self.retry_after}
        await exchange.whole(self.status, {**json_headers(), **self.headers, **extra}, msgspec.json.encode(body))


_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error",
    504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip


@dataclass(frozen=True)
class Endless:
    """An endless stream, until the client leaves; `pause` is the time between pieces in seconds."""

    text: str = "más "
    pause: float = 0.0

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, event_headers())
        opening = list(itertools.islice(Says(self.text).events(exchange.call.body), 4))
        for event in opening:
            await exchange.write(framed(event))
        while not exchange.call.left.is_set():
            await exchange.write(framed(opening[-1]))
            await asyncio.sleep(self.pause)


def framed(event: Mapping[str, Any]) -> bytes:
    """Returns an event with its name as bytes of the stream."""
    return b"event: " + event["type"].encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


def json_headers() -> dict[str, str]:
    """Returns the headers of a plain answer."""
    return {"content-type": "application/json", **_HEADERS}


def event_headers() -> dict[str, str]:
    """Returns the headers of a stream."""
    return {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **_HEADERS}
