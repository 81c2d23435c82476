"""What each provider's API says, as bytes: written down here rather than made, so that they are part of the record.

Every API says the same things: an answer in two pieces with characters of one to four bytes; a thought, a few words and
two tool calls at once; errors in its own envelope; a stream that breaks off by itself, by a cut, or by an error in it.
"""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.llm_gateway.recordings.wire import Canned

WORDS = "the provider's own words"
PIECES = ("¡Hola! ", "Son diez 😀.")
THOUGHT = "Sumo y multiplico."
CALLS = (("call_a1", "add", '{"a": 4, "b": 6}'), ("call_b2", "multiply", '{"a": 2, "b": 3}'))
SIGNATURE = "c2lnbmF0dXJl"


@dataclass(frozen=True)
class Api:
    """One API's answers; `stream_error` is None where the API has no error inside a stream."""

    answer: Canned
    stream: Canned
    tools: Canned
    tools_stream: Canned
    failure: Callable[[int], Canned]
    cut: Canned
    unfinished: Canned
    stream_error: Canned
    embeddings: Canned | None = None


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def _events(*payloads: Any, named: bool = False, last: bytes = b"") -> bytes:
    names = (f"event: {payload['type']}\n".encode() if named else b"" for payload in payloads)
    data = (b"data: " + _json(payload) + b"\n\n" for payload in payloads)
    return b"".join(name + line for name, line in zip(names, data, strict=True)) + last


def _sse(body: bytes, *, cut: bool = False) -> Canned:
    return Canned(body, content_type="text/event-stream", cut=cut)


# --- OpenAI's chat completions ---

_OPENAI_HEAD = {"id": "chatcmpl-up1", "created": 1_763_000_000, "model": "the-model-2026", "system_fingerprint": "fp_1"}
_OPENAI_USAGE = {
    "prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 32,
    "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 5},
}  # fmt: skip


def _completion(message: dict[str, Any], reason: str) -> Canned:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason, "logprobs": None}
    return Canned(_json({**_OPENAI_HEAD, "object": "chat.completion", "choices": [choice], "usage": _OPENAI_USAGE}))


def _chunks(deltas: Sequence[dict[str, Any]], reason: str | None) -> list[dict[str, Any]]:
    head = {**_OPENAI_HEAD, "object": "chat.completion.chunk"}
    said = [{"role": "assistant", "content": ""}, *deltas]
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in said
    ]
    if reason is None:
        return chunks
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    return [*chunks, {**head, "choices": [], "usage": _OPENAI_USAGE}]


def _openai() -> Api:
    done, text = b"data: [DONE]\n\n", [{"content": piece} for piece in PIECES]
    calls = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in CALLS
    ]
    pieces: list[dict[str, Any]] = [{"reasoning_content": THOUGHT}, {"content": "Voy."}]
    for index, (id_, name, arguments) in enumerate(CALLS):
        opening = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
        rest = [{"index": index, "function": {"arguments": half}} for half in _halves(arguments)]
        pieces += [{"tool_calls": [piece]} for piece in (opening, *rest)]
    begun = _events(*_chunks(text[:1], None))

    def failure(status: int) -> Canned:
        code = {400: None, 401: "invalid_api_key", 429: "rate_limit_exceeded", 500: None}[status]
        error = {"message": WORDS, "type": "fake_error", "param": None, "code": code}
        return Canned(_json({"error": error}), status, headers={"retry-after": "7"} if status == 429 else {})

    vectors = [{"object": "embedding", "index": n, "embedding": [0.5, -0.25, n / 8]} for n in (1, 0)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return Api(
        answer=_completion({"content": "".join(PIECES), "refusal": None}, "stop"),
        stream=_sse(_events(*_chunks(text, "stop"), last=done)),
        tools=_completion({"content": "Voy.", "reasoning_content": THOUGHT, "tool_calls": calls}, "tool_calls"),
        tools_stream=_sse(_events(*_chunks(pieces, "tool_calls"), last=done)),
        failure=failure,
        cut=_sse(begun, cut=True),
        unfinished=_sse(begun),
        stream_error=_sse(begun + _events({"error": {"message": WORDS, "type": "server_error", "code": 500}})),
        embeddings=Canned(_json({"object": "list", "data": vectors, "model": "the-model-2026", "usage": usage})),
    )


# --- Anthropic's Messages ---

_ANTHROPIC_USAGE = {"input_tokens": 12, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 8}


def _message(content: Sequence[dict[str, Any]], reason: str | None, output: int) -> dict[str, Any]:
    return {
        "id": "msg_up1", "type": "message", "role": "assistant", "model": "the-model-2026", "content": content,
        "stop_reason": reason, "stop_sequence": None, "usage": {**_ANTHROPIC_USAGE, "output_tokens": output},
    }  # fmt: skip


def _block_events(index: int, opening: dict[str, Any], deltas: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opening},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _anthropic() -> Api:
    start = {"type": "message_start", "message": _message([], None, 1)}

    def ended(reason: str) -> list[dict[str, Any]]:
        change = {"stop_reason": reason, "stop_sequence": None}
        return [{"type": "message_delta", "delta": change, "usage": {"output_tokens": 12}}, {"type": "message_stop"}]

    text = [{"type": "text_delta", "text": piece} for piece in PIECES]
    said = _block_events(0, {"type": "text", "text": ""}, text)
    thought = {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}
    signed = [{"type": "thinking_delta", "thinking": THOUGHT}, {"type": "signature_delta", "signature": SIGNATURE}]
    events = _block_events(0, {"type": "thinking", "thinking": "", "signature": ""}, signed)
    events += _block_events(1, {"type": "text", "text": ""}, [{"type": "text_delta", "text": "Voy."}])
    blocks: list[dict[str, Any]] = [thought, {"type": "text", "text": "Voy."}]
    for number, (id_, name, arguments) in enumerate(CALLS):
        opening = {"type": "tool_use", "id": id_, "name": name, "input": {}}
        pieces = [{"type": "input_json_delta", "partial_json": half} for half in _halves(arguments)]
        events += _block_events(number + 2, opening, pieces)
        blocks.append({**opening, "input": json.loads(arguments)})
    begun = _events(start, *said[:2], named=True)

    def failure(status: int) -> Canned:
        kinds = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 500: "api_error"}
        body = {"type": "error", "error": {"type": kinds[status], "message": WORDS}, "request_id": "req_up1"}
        return Canned(_json(body), status, headers={"retry-after": "7"} if status == 429 else {})

    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": WORDS}}
    return Api(
        answer=Canned(_json(_message([{"type": "text", "text": "".join(PIECES)}], "end_turn", 12))),
        stream=_sse(_events(start, {"type": "ping"}, *said, *ended("end_turn"), named=True)),
        tools=Canned(_json(_message(blocks, "tool_use", 12))),
        tools_stream=_sse(_events(start, *events, *ended("tool_use"), named=True)),
        failure=failure,
        cut=_sse(begun, cut=True),
        unfinished=_sse(begun),
        stream_error=_sse(begun + _events(overloaded, named=True)),
    )


# --- Gemini ---


def _candidate(parts: Sequence[dict[str, Any]], reason: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if reason is not None:
        candidate["finishReason"] = reason
    usage = {
        "promptTokenCount": 20, "cachedContentTokenCount": 8, "candidatesTokenCount": 7, "thoughtsTokenCount": 5,
        "totalTokenCount": 32,
    }  # fmt: skip
    return {
        "candidates": [candidate], "usageMetadata": usage, "modelVersion": "the-model-2026", "responseId": "resp-up1",
    }  # fmt: skip


def _gemini() -> Api:
    text = [{"text": piece} for piece in PIECES]
    calls: list[dict[str, Any]] = [
        {"functionCall": {"id": id_, "name": name, "args": json.loads(arguments)}} for id_, name, arguments in CALLS
    ]
    calls[0]["thoughtSignature"] = SIGNATURE
    parts: list[dict[str, Any]] = [{"text": THOUGHT, "thought": True}, {"text": "Voy."}, *calls]
    begun = _events(_candidate(text[:1], None))

    def failure(status: int) -> Canned:
        kinds = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
        error: dict[str, Any] = {"code": status, "message": WORDS, "status": kinds[status]}
        if status == 429:
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
        return Canned(_json({"error": error}), status)

    broken = {"error": {"code": 503, "message": WORDS, "status": "UNAVAILABLE"}}
    vectors = [{"values": [0.5, -0.25, n / 8]} for n in (0, 1)]
    return Api(
        answer=Canned(_json(_candidate([{"text": "".join(PIECES)}], "STOP"))),
        stream=_sse(_events(_candidate(text[:1], None), _candidate(text[1:], "STOP"))),
        tools=Canned(_json(_candidate(parts, "STOP"))),
        tools_stream=_sse(_events(*(_candidate([part], None) for part in parts), _candidate([{"text": ""}], "STOP"))),
        failure=failure,
        cut=_sse(begun, cut=True),
        unfinished=_sse(begun),
        stream_error=_sse(begun + _events(broken)),
        embeddings=Canned(_json({"embeddings": vectors, "usageMetadata": {"promptTokenCount": 7}})),
    )


# --- Bedrock's Converse ---


def _frame(payload: Any, **headers: str) -> bytes:
    """A message of `application/vnd.amazon.eventstream`."""
    named = {":" + name.replace("_", "-"): value for name, value in headers.items()}
    named = {**named, ":content-type": "application/json"}
    encoded = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in named.items()
    )
    body = _json(payload)
    prelude = struct.pack(">II", 16 + len(encoded) + len(body), len(encoded))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + encoded + body
    return message + struct.pack(">I", binascii.crc32(message))


def _frames(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(_frame(payload, message_type="event", event_type=name) for name, payload in events)


def _bedrock() -> Api:
    usage = {"inputTokens": 12, "cacheReadInputTokens": 8, "outputTokens": 12, "totalTokens": 32}
    metrics = {"latencyMs": 321}

    def converse(blocks: Sequence[dict[str, Any]], reason: str) -> Canned:
        output = {"message": {"role": "assistant", "content": blocks}}
        return Canned(_json({"output": output, "stopReason": reason, "usage": usage, "metrics": metrics}))

    def block(index: int, *deltas: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        pieces = [("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
        return [*pieces, ("contentBlockStop", {"contentBlockIndex": index})]

    def ended(reason: str) -> list[tuple[str, dict[str, Any]]]:
        return [("messageStop", {"stopReason": reason}), ("metadata", {"usage": usage, "metrics": metrics})]

    def stream(body: bytes, *, cut: bool = False) -> Canned:
        return Canned(body, content_type="application/vnd.amazon.eventstream", cut=cut)

    start = ("messageStart", {"role": "assistant"})
    said = block(0, *({"text": piece} for piece in PIECES))
    events = block(0, {"reasoningContent": {"text": THOUGHT}}, {"reasoningContent": {"signature": SIGNATURE}})
    events += block(1, {"text": "Voy."})
    thought = {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}}
    blocks: list[dict[str, Any]] = [thought, {"text": "Voy."}]
    for number, (id_, name, arguments) in enumerate(CALLS):
        opening = {"toolUseId": id_, "name": name}
        events.append(("contentBlockStart", {"contentBlockIndex": number + 2, "start": {"toolUse": opening}}))
        events += block(number + 2, *({"toolUse": {"input": half}} for half in _halves(arguments)))
        blocks.append({"toolUse": {**opening, "input": json.loads(arguments)}})
    begun = _frames(start, said[0])

    def failure(status: int) -> Canned:
        kinds = {
            400: "ValidationException", 401: "UnrecognizedClientException", 429: "ThrottlingException",
            500: "InternalServerException",
        }  # fmt: skip
        headers = {"x-amzn-errortype": kinds[status]} | ({"retry-after": "7"} if status == 429 else {})
        return Canned(_json({"message": WORDS}), 403 if status == 401 else status, headers=headers)

    throttled = _frame({"message": WORDS}, message_type="exception", exception_type="throttlingException")
    vector = {"embedding": [0.5, -0.25, 0.125], "inputTextTokenCount": 7}
    return Api(
        answer=converse([{"text": "".join(PIECES)}], "end_turn"),
        stream=stream(_frames(start, *said, *ended("end_turn"))),
        tools=converse(blocks, "tool_use"),
        tools_stream=stream(_frames(start, *events, *ended("tool_use"))),
        failure=failure,
        cut=stream(begun, cut=True),
        unfinished=stream(begun),
        stream_error=stream(begun + throttled),
        embeddings=Canned(_json(vector)),
    )


APIS = {"openai": _openai(), "anthropic": _anthropic(), "gemini": _gemini(), "bedrock": _bedrock()}
