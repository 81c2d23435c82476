"""Behaviors of the fake Bedrock."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from ..exchange import CutConnection, Exchange
from .frames import CONTENT_TYPE, event, exception

REQUEST_ID = "0f5e2a4e-1d2c-4b3a-9c8d-7e6f5a4b3c2d"

_HEADERS = {"x-amzn-requestid": REQUEST_ID}
_JSON = {**_HEADERS, "content-type": "application/json"}
_STREAM = {**_HEADERS, "content-type": CONTENT_TYPE}
_STATUSES = {
    "AccessDeniedException": 403, "ExpiredTokenException": 403, "InternalServerException": 500,
    "ModelErrorException": 424, "ModelNotReadyException": 429, "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404, "ServiceQuotaExceededException": 400, "ServiceUnavailableException": 503,
    "ThrottlingException": 429, "UnrecognizedClientException": 403, "ValidationException": 400,
}  # fmt: skip


@dataclass(frozen=True)
class Says:
    """A successful answer, plain or streamed as the request asks.

    `text` in pieces is streamed as those; `calls` are `(id, name, arguments)`, whose arguments are streamed in two
    pieces. `redacted` is an encrypted thought. The answer begins when `hold` is set; `pause` is the time in seconds
    between the frames of a stream; `stay` leaves the connection open after it, and the connection breaks after
    `cut_after` frames.
    """

    text: str | Sequence[str] | None = None
    calls: Sequence[tuple[str, str, str]] = ()
    reasoning: str | None = None
    signature: str | None = "c2lnbmF0dXJl"
    redacted: bytes | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Mapping[str, Any] | None = field(default_factory=lambda: {"inputTokens": 9, "outputTokens": 4})
    hold: asyncio.Event | None = None
    pause: float = 0.0
    stay: bool = False
    cut_after: int | None = None

    async def play(self, exchange: Exchange) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if not exchange.call.raw_path.endswith("/converse-stream"):
            return await exchange.whole(200, _JSON, msgspec.json.encode(self.answer()))
        await exchange.start(200, _STREAM)
        for number, (name, payload) in enumerate(self.events()):
            if number == self.cut_after:
                raise CutConnection
            await exchange.write(event(name, payload))
            if self.pause:
                await asyncio.sleep(self.pause)
        if self.stay:
            await asyncio.Event().wait()
        return await exchange.end()

    def answer(self) -> dict[str, Any]:
        """Returns the body of a plain answer."""
        message = {"role": "assistant", "content": list(self._blocks())}
        body = {"metrics": {"latencyMs": 321}, "output": {"message": message}, "stopReason": self._reason()}
        if self.stop_sequence is not None:
            body["additionalModelResponseFields"] = {"stop_sequence": self.stop_sequence}
        return body if self.usage is None else {**body, "usage": self._usage()}

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Returns the events of a stream, each padded as Bedrock does to hide its length."""
        for number, (name, payload) in enumerate(self._events()):
            yield name, {**payload, "p": "abcdefghijklmnopqrstuvwxyz"[: number % 20 + 1]}

    def stream(self) -> bytes:
        """Returns a whole stream as bytes, for tests of framing and decoding."""
        return b"".join(event(name, payload) for name, payload in self.events())

    def _blocks(self) -> Iterator[dict[str, Any]]:
        if self.redacted is not None:
            yield {"reasoningContent": {"redactedContent": base64.b64encode(self.redacted).decode()}}
        if self.reasoning is not None:
            signed = {} if self.signature is None else {"signature": self.signature}
            yield {"reasoningContent": {"reasoningText": {"text": self.reasoning, **signed}}}
        if self.text is not None:
            yield {"text": self.text if isinstance(self.text, str) else "".join(self.text)}
        for id_, name, arguments in self.calls:
            yield {"toolUse": {"toolUseId": id_, "name": name, "input": msgspec.Raw(arguments.encode())}}

    def _events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield "messageStart", {"role": "assistant"}
        numbers = count()
        if self.redacted is not None:
            content = base64.b64encode(self.redacted).decode()
            yield from _block(next(numbers), [{"reasoningContent": {"redactedContent": content}}])
        if self.reasoning is not None:
            thoughts: list[dict[str, Any]] = [{"reasoningContent": {"text": self.reasoning}}]
            if self.signature is not None:
                thoughts.append({"reasoningContent": {"signature": self.signature}})
            yield from _block(next(numbers), thoughts)
        if self.text is not None:
            pieces = (self.text,) if isinstance(self.text, str) else self.text
            yield from _block(next(numbers), [{"text": piece} for piece in pieces])
        for id_, name, arguments in self.calls:
            number = next(numbers)
            start = {"toolUse": {"toolUseId": id_, "name": name}}
            yield "contentBlockStart", {"contentBlockIndex": number, "start": start}
            middle = len(arguments) // 2
            pieces = (arguments[:middle], arguments[middle:])
            yield from _block(number, [{"toolUse": {"input": piece}} for piece in pieces])
        stop: dict[str, Any] = {"stopReason": self._reason()}
        if self.stop_sequence is not None:
            stop["additionalModelResponseFields"] = {"delta": {"stop_sequence": self.stop_sequence}}
        yield "messageStop", stop
        if self.usage is not None:
            yield "metadata", {"metrics": {"latencyMs": 321}, "usage": self._usage()}

    def _reason(self) -> str:
        if self.stop_reason is None and self.stop_sequence is not None:
            return "stop_sequence"
        return self.stop_reason or ("tool_use" if self.calls else "end_turn")

    def _usage(self) -> dict[str, Any]:
        given = dict(self.usage or {})
        counted = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
        return {"totalTokens": sum(given.get(name) or 0 for name in counted), **given}


def _block(number: int, deltas: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for delta in deltas:
        yield "contentBlockDelta", {"contentBlockIndex": number, "delta": delta}
    yield "contentBlockStop", {"contentBlockIndex": number}


@dataclass(frozen=True)
class Fails:
    """An exception of the API as an HTTP answer, with its usual status unless another is given."""

    type: str
    message: str = "the provider's own words"
    status: int | None = None
    retry_after: str | None = None
    in_body: bool = False
    """Whether the type is in the body, as `__type`, instead of in the header."""

    async def play(self, exchange: Exchange) -> None:
        body = {"message": self.message}
        headers = dict(_JSON)
        if self.in_body:
            body["__type"] = f"com.amazon.coral.service#{self.type}"
        else:
            headers["x-amzn-errortype"] = f"{self.type}:http://internal.amazon.com/coral/com.amazon.coral.service/"
        if self.retry_after is not None:
            headers["retry-after"] = self.retry_after
        await exchange.whole(self.status or _STATUSES.get(self.type, 400), headers, msgspec.json.encode(body))


@dataclass(frozen=True)
class Raises:
    """A stream that begins with `text` and ends, `pause` seconds later, with an exception (`throttlingException`)."""

    type: str
    text: str | None = "Ho"
    message: str = "the provider's own words"
    pause: float = 0.0

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, _STREAM)
        await exchange.write(event("messageStart", {"role": "assistant"}))
        if self.text is not None:
            await exchange.write(
                event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": self.text}, "p": "ab"})
            )
        await asyncio.sleep(self.pause)
        await exchange.end(exception(self.type, self.message))


@dataclass(frozen=True)
class Endless:
    """An endless stream, until the client leaves; `pause` is the time between pieces in seconds."""

    text: str = "más "
    pause: float = 0.0

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, _STREAM)
        await exchange.write(event("messageStart", {"role": "assistant"}))
        piece = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": self.text}, "p": "abc"})
        while not exchange.call.left.is_set():
            await exchange.write(piece)
            await asyncio.sleep(self.pause)


@dataclass(frozen=True)
class Embeds:
    """Embeddings by the model in the URL; the first number of each vector is the length of its text."""

    length: int = 4

    async def play(self, exchange: Exchange) -> None:
        body = exchange.call.body
        if "inputText" in body:
            text = body["inputText"]
            vector = self.vector(text, body.get("dimensions"))
            answer: dict[str, Any] = {
                "embedding": vector, "embeddingsByType": {"float": vector}, "inputTextTokenCount": len(text.split())
            }  # fmt: skip
        else:
            vectors: Any = [self.vector(text, body.get("output_dimension")) for text in body["texts"]]
            by_type = "embedding_types" in body
            answer = {
                "id": REQUEST_ID, "texts": body["texts"], "embeddings": {"float": vectors} if by_type else vectors,
                "response_type": "embeddings_by_type" if by_type else "embeddings_floats",
            }  # fmt: skip
        await exchange.whole(200, _JSON, msgspec.json.encode(answer))

    def vector(self, text: str, length: int | None = None) -> list[float]:
        """Returns the vector for `text`."""
        return [float(len(text)), *(0.5 for _ in range((length or self.length) - 1))]
