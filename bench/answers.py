"""The bytes that the mock upstream answers with, in OpenAI's chat dialect and in the gateway's native one.

Pure: everything but the nonce is assembled once, at start, so that answering costs the mock next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bench.marker import NONCE_DIGITS, TOKEN, Ask

MODEL = "gpt-4o"
WORDS = 48
_CREATED = 1_750_000_000
PLACE = "@" * NONCE_DIGITS
"""Where the nonce goes."""
# No two neighbors are alike: LiteLLM ends a stream that repeats one chunk a hundred times.
TOKENS = [letter + TOKEN for letter in "abcdefgh"]
_USAGE = {"prompt_tokens": 120, "completion_tokens": WORDS, "total_tokens": 120 + WORDS}
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
STREAM_END = b"0\r\n\r\n"


def json_response(value: Any, status: str = "200 OK") -> bytes:
    """A whole HTTP response with a JSON body."""
    body = json.dumps(value, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def event(value: Any) -> bytes:
    """One server-sent event as one chunk of a chunked HTTP body."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    data = f"data: {text}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


class Template:
    """Bytes with one place for a nonce."""

    def __init__(self, rendered: bytes) -> None:
        self._before, place, self._after = rendered.partition(PLACE.encode())
        if not place:
            raise ValueError("the template has no place for a nonce")

    def fill(self, nonce: bytes) -> bytes:
        return self._before + nonce + self._after


def paced(head: bytes, tokens: list[bytes], last: bytes, chunks: int) -> Iterator[bytes]:
    """`chunks` tokens, one an item, the first with the stream's head, the last with the nonce."""
    for number in range(chunks):
        token = last if number == chunks - 1 else tokens[number % len(tokens)]
        yield token if number else head + token


def _completion() -> dict[str, Any]:
    message = {"role": "assistant", "content": TOKEN * WORDS + PLACE}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": _CREATED,
        "model": MODEL,
        "choices": [choice],
        "usage": _USAGE,
    }


def _chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": _CREATED, "model": MODEL}
    return {**head, "choices": choices, **more}


class OpenAIChat:
    """`POST /v1/chat/completions`."""

    def __init__(self) -> None:
        self._plain = Template(json_response(_completion()))
        self._role = event(_chunk({"role": "assistant", "content": ""}))
        self._tokens = [event(_chunk({"content": token})) for token in TOKENS]
        self._last = Template(event(_chunk({"content": TOKEN + PLACE})))
        self._finish = event(_chunk({}, "stop"))
        self._usage = event(_chunk(None, usage=_USAGE))
        self._done = event("[DONE]") + STREAM_END

    def plain(self, ask: Ask) -> bytes:
        return self._plain.fill(ask.nonce)

    def stream(self, ask: Ask, *, usage: bool) -> Iterator[bytes]:
        """One item per write: the head with the first token, then a token each, then the end."""
        head = STREAM_HEAD + self._role
        yield from paced(head, self._tokens, self._last.fill(ask.nonce), ask.chunks)
        yield self._finish + (self._usage if usage else b"") + self._done


class NativeStream:
    """`POST /mcp/llm/generate` with `stream`: a gateway that answers at once, for measuring agents alone."""

    def __init__(self) -> None:
        end = {
            "model": MODEL,
            "provider": "openai",
            "provider_model": MODEL,
            "usage": {**_USAGE, "cached_tokens": 0, "reasoning_tokens": 0},
            "cost_usd": 0.001,
            "cost_source": "computed",
            "latency_ms": 0,
            "cached": False,
            "request_id": "bench",
        }
        self._tokens = [event({"content": token}) for token in TOKENS]
        self._last = Template(event({"content": TOKEN + PLACE}))
        self._stop = self._ending("stop", end)
        self._calls = self._ending("tool_calls", end)

    @staticmethod
    def _ending(reason: str, end: dict[str, Any]) -> bytes:
        whole = {**end, "tool_calls": [], "finish_reason": reason}
        return event({"finish_reason": reason}) + event(whole) + event("[DONE]") + STREAM_END

    def stream(self, ask: Ask, *, calls_made: int) -> Iterator[bytes]:
        """Ask for `add(2, 3)` until the conversation holds as many results as the marker wants, then answer."""
        if calls_made < ask.calls:
            call = {"index": 0, "id": f"call_{calls_made}", "name": "add", "args_delta": '{"a": 2, "b": 3}'}
            yield STREAM_HEAD + event({"tool_calls": [call]}) + self._calls
            return
        yield from paced(STREAM_HEAD, self._tokens, self._last.fill(ask.nonce), ask.chunks)
        yield self._stop


MODELS = {"object": "list", "data": [{"id": MODEL, "object": "model", "created": _CREATED, "owned_by": "bench"}]}
NATIVE_MODELS = {
    "llms": [
        {
            "name": MODEL,
            "provider": "openai",
            "description": "the bench's mock",
            "available": True,
            "context_window": 128_000,
            "max_output_tokens": 16_384,
            "supports": ["tools", "stream"],
            "price": None,
        }
    ]
}
