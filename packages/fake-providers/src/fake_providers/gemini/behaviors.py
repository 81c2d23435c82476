"""Behaviors of the fake Gemini, in Google's exact framing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..exchange import Call, Exchange

STREAMED = ":streamGenerateContent"
_JSON = {"content-type": "application/json; charset=UTF-8", "vary": "Origin"}

Json = dict[str, Any]


def _pretty(value: Any) -> bytes:
    """Returns JSON over several lines, as Google writes whole answers."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _event(chunk: Json) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n"


def is_streamed(call: Call) -> bool:
    """Whether a request asks for a stream, which its URL says."""
    return call.path.endswith(STREAMED)


def _model(call: Call) -> str:
    return call.path.rpartition("/")[2].partition(":")[0]


@dataclass(frozen=True)
class Says:
    """A successful answer, plain or streamed as the request asks.

    `text` in pieces is streamed as those; `calls` are `(id or None, name, arguments as JSON)`. `signature` goes on the
    first call, or on the text where there is none; in a stream, text is signed by an empty part at its end, as Gemini
    does. `usage` comes with every chunk; `usage_apart` has it in a chunk of its own at the end too. The answer begins
    when `hold` is set; `pause` is the time in seconds between the chunks of a stream; `stay` leaves the connection
    open.
    """

    text: str | Sequence[str] | None = None
    calls: Sequence[tuple[str | None, str, str]] = ()
    thought: str | Sequence[str] | None = None
    signature: str | None = None
    parts: Sequence[Json] = ()
    finish_reason: str | None = "STOP"
    usage: Mapping[str, Any] | None = field(
        default_factory=lambda: {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
    )
    usage_apart: bool = False
    model: str | None = None
    response_id: str | None = "fake-response-1"
    logprobs: Json | None = None
    hold: asyncio.Event | None = None
    pause: float = 0.0
    stay: bool = False

    async def play(self, exchange: Exchange) -> None:
        if self.hold is not None:
            await self.hold.wait()
        call = exchange.call
        if not is_streamed(call):
            await exchange.whole(200, _JSON, _pretty(self.answer(call)))
            return
        await exchange.start(200, {"content-type": "text/event-stream"})
        for chunk in self.chunks(call):
            await exchange.write(_event(chunk))
            if self.pause:
                await asyncio.sleep(self.pause)
        if self.stay:
            await asyncio.Event().wait()
        await exchange.end()

    def answer(self, call: Call) -> Json:
        """Returns the whole `GenerateContentResponse`."""
        candidate: Json = {"content": {"parts": self._whole_parts(), "role": "model"}, "index": 0}
        if self.finish_reason is not None:
            candidate["finishReason"] = self.finish_reason
        if self.logprobs is not None:
            candidate["logprobsResult"] = self.logprobs
        return self._head(call) | {"candidates": [{**candidate, "index": number} for number in _numbers(call)]}

    def chunks(self, call: Call) -> Iterator[Json]:
        """Returns the chunks of the stream."""
        head = self._head(call)
        for number in _numbers(call):
            for parts, last in self._pieces():
                candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": number}
                if last and self.finish_reason is not None:
                    candidate["finishReason"] = self.finish_reason
                if last and self.logprobs is not None:
                    candidate["logprobsResult"] = self.logprobs
                yield head | {"candidates": [candidate]}
        if self.usage_apart:
            yield head

    def _pieces(self) -> Iterator[tuple[list[Json], bool]]:
        for piece in _pieces(self.thought):
            yield [{"text": piece, "thought": True}], False
        for piece in _pieces(self.text):
            yield [{"text": piece}], False
        for part in (*self._call_parts(), *self.parts):
            yield [part], False
        unsigned = self.signature if not self.calls else None
        yield [{"text": "", **({"thoughtSignature": unsigned} if unsigned else {})}], True

    def _whole_parts(self) -> list[Json]:
        parts: list[Json] = []
        if self.thought is not None:
            parts.append({"text": "".join(_pieces(self.thought)), "thought": True})
        if self.text is not None:
            signed = {"thoughtSignature": self.signature} if self.signature and not self.calls else {}
            parts.append({"text": "".join(_pieces(self.text)), **signed})
        return [*parts, *self._call_parts(), *self.parts]

    def _call_parts(self) -> list[Json]:
        parts: list[Json] = []
        for id_, name, arguments in self.calls:
            call = {"name": name, "args": msgspec.json.decode(arguments), **({"id": id_} if id_ else {})}
            signed = {"thoughtSignature": self.signature} if self.signature and not parts else {}
            parts.append({"functionCall": call, **signed})
        return parts

    def _head(self, call: Call) -> Json:
        head: Json = {"modelVersion": self.model or _model(call)}
        if self.usage is not None:
            head["usageMetadata"] = dict(self.usage)
        if self.response_id is not None:
            head["responseId"] = self.response_id
        return head


def _pieces(text: str | Sequence[str] | None) -> Sequence[str]:
    return (text,) if isinstance(text, str) else text or ()


def _numbers(call: Call) -> range:
    return range((call.body.get("generationConfig") or {}).get("candidateCount") or 1)


@dataclass(frozen=True)
class Blocks:
    """The answer to a blocked prompt: a 200 without candidates."""

    reason: str = "PROHIBITED_CONTENT"

    async def play(self, exchange: Exchange) -> None:
        answer = {
            "promptFeedback": {"blockReason": self.reason},
            "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
            "modelVersion": _model(exchange.call),
        }
        if not is_streamed(exchange.call):
            await exchange.whole(200, _JSON, _pretty(answer))
            return
        await exchange.start(200, {"content-type": "text/event-stream"})
        await exchange.end(_event(answer))


@dataclass(frozen=True)
class Fails:
    """An error as `google.rpc.Status`; `reason` goes into an ErrorInfo, `retry_delay` ("17s") into a RetryInfo."""

    code: int
    status: str = "INVALID_ARGUMENT"
    message: str = "the provider's own words"
    reason: str | None = None
    retry_delay: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def play(self, exchange: Exchange) -> None:
        error: Json = {"code": self.code, "message": self.message, "status": self.status}
        details = list(self._details())
        if details:
            error["details"] = details
        await exchange.whole(self.code, {**_JSON, **self.headers}, _pretty({"error": error}))

    def _details(self) -> Iterator[Json]:
        if self.reason is not None:
            metadata = {"service": "generativelanguage.googleapis.com"}
            yield {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": self.reason,
                "domain": "googleapis.com",
                "metadata": metadata,
            }
        if self.retry_delay is not None:
            yield {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": self.retry_delay}


@dataclass(frozen=True)
class Endless:
    """An endless stream, until the client leaves; `pause` is the time between pieces in seconds."""

    text: str = "más "
    pause: float = 0.0

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, {"content-type": "text/event-stream"})
        piece = _event(next(Says(self.text).chunks(exchange.call)))
        while not exchange.call.left.is_set():
            await exchange.write(piece)
            await asyncio.sleep(self.pause)


@dataclass(frozen=True)
class Embeds:
    """A vector for each text, equal for equal texts, of the requested length or else of `dimensions`."""

    dimensions: int = 8
    usage: bool = True

    async def play(self, exchange: Exchange) -> None:
        wanted: list[Json] = exchange.call.body["requests"]
        vectors = [
            {"values": vector_of(_text(one), one.get("outputDimensionality", self.dimensions))} for one in wanted
        ]
        answer: Json = {"embeddings": vectors}
        if self.usage:
            answer["usageMetadata"] = {"promptTokenCount": sum(len(_text(one).split()) for one in wanted)}
        await exchange.whole(200, _JSON, _pretty(answer))


def _text(wanted: Json) -> str:
    return "".join(part["text"] for part in wanted["content"]["parts"])


def vector_of(text: str, dimensions: int) -> list[float]:
    """Returns the vector that `Embeds` gives for a text."""
    return [
        int.from_bytes(hashlib.sha256(f"{number} {text}".encode()).digest()[:4], "big") / 2**32
        for number in range(dimensions)
    ]
