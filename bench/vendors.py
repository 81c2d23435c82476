"""What the mock upstream answers in the other providers' dialects: Anthropic, Gemini and Bedrock's Converse.

Pure, as `answers` is. The text, its pieces and the usage are those of `answers`, so that only the dialect differs.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from bench.answers import PLACE, STREAM_END, STREAM_HEAD, TOKENS, WORDS, Template, json_response, paced
from bench.marker import TOKEN, Ask

ANTHROPIC_MODEL = "anthropic/claude-sonnet-4-5"
GEMINI_MODEL = "google/gemini-2.5-flash"
BEDROCK_MODEL = "aws/claude-sonnet-4-5"

_TEXT = TOKEN * WORDS + PLACE
_PROMPT_TOKENS = 120
_EVENT_STREAM_HEAD = STREAM_HEAD.replace(b"text/event-stream; charset=utf-8", b"application/vnd.amazon.eventstream")


class Vendor(Protocol):
    """One provider's answers: `streams` says whether a request wants a stream."""

    def streams(self, path: bytes, body: bytes) -> bool: ...
    def plain(self, ask: Ask) -> bytes: ...
    def stream(self, ask: Ask) -> Iterator[bytes]: ...


class _Streamed:
    """A stream whose pieces `chunk` renders: an opening, a token each, an ending."""

    def __init__(self, head: bytes, opening: bytes, chunk: Callable[[str], bytes], ending: bytes) -> None:
        self._opening = head + opening
        self._tokens = [chunk(token) for token in TOKENS]
        self._chunk = chunk
        self._ending = ending + STREAM_END

    def pieces(self, ask: Ask) -> Iterator[bytes]:
        last = self._chunk(TOKEN + ask.nonce.decode())
        yield from paced(self._opening, self._tokens, last, ask.chunks)
        yield self._ending


def _framed(data: bytes) -> bytes:
    """One chunk of a chunked HTTP body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _named(kind: str, **fields: Any) -> bytes:
    """Anthropic's events have their type in the event's name too."""
    return _framed(b"event: %b\ndata: %b\n\n" % (kind.encode(), _compact({"type": kind, **fields})))


class Anthropic:
    """`POST /v1/messages`."""

    _STREAM = re.compile(rb'"stream":\s*true')

    def __init__(self) -> None:
        usage = {"input_tokens": _PROMPT_TOKENS, "output_tokens": WORDS}
        head = {"id": "msg_bench", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
        whole = {"content": [{"type": "text", "text": _TEXT}], "stop_reason": "end_turn", "stop_sequence": None}
        self._plain = Template(json_response({**head, **whole, "usage": usage}))
        empty = {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        opening = _named("message_start", message=empty)
        opening += _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
        stopped = {"stop_reason": "end_turn", "stop_sequence": None}
        ending = _named("content_block_stop", index=0)
        ending += _named("message_delta", delta=stopped, usage={"output_tokens": WORDS}) + _named("message_stop")
        self._streamed = _Streamed(STREAM_HEAD, opening, self._chunk, ending)

    @staticmethod
    def _chunk(text: str) -> bytes:
        return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def streams(self, path: bytes, body: bytes) -> bool:
        return self._STREAM.search(body) is not None

    def plain(self, ask: Ask) -> bytes:
        return self._plain.fill(ask.nonce)

    def stream(self, ask: Ask) -> Iterator[bytes]:
        return self._streamed.pieces(ask)


class Gemini:
    """`POST /v1beta/models/{id}:generateContent` and `:streamGenerateContent?alt=sse`."""

    def __init__(self) -> None:
        self._plain = Template(json_response(self._said(_TEXT, finishReason="STOP")))
        ending = _framed(b"data: %b\r\n\r\n" % _compact(self._said("", finishReason="STOP")))
        self._streamed = _Streamed(STREAM_HEAD, b"", self._chunk, ending)

    @staticmethod
    def _said(text: str, **more: Any) -> dict[str, Any]:
        usage = {
            "promptTokenCount": _PROMPT_TOKENS,
            "candidatesTokenCount": WORDS,
            "totalTokenCount": _PROMPT_TOKENS + WORDS,
        }
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
        return {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": "gemini-2.5-flash",
            "responseId": "bench",
        }

    def _chunk(self, text: str) -> bytes:
        return _framed(b"data: %b\r\n\r\n" % _compact(self._said(text)))

    def streams(self, path: bytes, body: bytes) -> bool:
        return path.endswith(b":streamGenerateContent")

    def plain(self, ask: Ask) -> bytes:
        return self._plain.fill(ask.nonce)

    def stream(self, ask: Ask) -> Iterator[bytes]:
        return self._streamed.pieces(ask)


def event_stream_message(kind: str, payload: Any) -> bytes:
    """One message of `application/vnd.amazon.eventstream`: prelude, headers, payload, each with its CRC."""
    fields = ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event"))
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in fields
    )
    body = _compact(payload)
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack(">I", zlib.crc32(message))


class Bedrock:
    """`POST /model/{id}/converse` and `/converse-stream`."""

    def __init__(self) -> None:
        usage = {"inputTokens": _PROMPT_TOKENS, "outputTokens": WORDS, "totalTokens": _PROMPT_TOKENS + WORDS}
        message = {"role": "assistant", "content": [{"text": _TEXT}]}
        whole = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
        self._plain = Template(json_response({**whole, "metrics": {"latencyMs": 1}}))
        opening = self._event("messageStart", {"role": "assistant"})
        ending = self._event("contentBlockStop", {"contentBlockIndex": 0})
        ending += self._event("messageStop", {"stopReason": "end_turn"})
        ending += self._event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})
        self._streamed = _Streamed(_EVENT_STREAM_HEAD, opening, self._chunk, ending)

    @staticmethod
    def _event(kind: str, payload: Any) -> bytes:
        return _framed(event_stream_message(kind, payload))

    def _chunk(self, text: str) -> bytes:
        return self._event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})

    def streams(self, path: bytes, body: bytes) -> bool:
        return path.endswith(b"/converse-stream")

    def plain(self, ask: Ask) -> bytes:
        return self._plain.fill(ask.nonce)

    def stream(self, ask: Ask) -> Iterator[bytes]:
        return self._streamed.pieces(ask)


VENDORS: dict[bytes, Callable[[], Vendor]] = {
    b"/v1/messages": Anthropic,
    b"/v1beta/models/": Gemini,
    b"/model/": Bedrock,
}
"""By how their paths begin."""
