"""The gateway's native stream, decoded without I/O: bytes in, pieces of an answer out.

The stream is SSE: chunks `{"content"?, "tool_calls"?: [{"index", "id"?, "name"?, "args_delta"}], "finish_reason"?}`,
one last event with everything of the plain answer but the content, then `[DONE]`. An error in a stream is an
event `{"error": {…}}`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from service_kit.errors import ApiError

from agent_core.clients.retry import retry_after_seconds
from agent_core.errors import GatewayRefused, GatewayUnavailable
from agent_core.usage import Usage

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""The largest stream that is read; models write far less, and an endless stream must not fill the memory."""


class CallDelta(msgspec.Struct, frozen=True):
    """A piece of a tool call; `index` counts the calls of one answer."""

    index: int
    id: str | None = None
    name: str | None = None
    args_delta: str = ""


class ModelToolCall(msgspec.Struct, frozen=True):
    """A tool call that the model asks for; `args` is the JSON text as the model wrote it."""

    id: str
    name: str
    args: str


class ModelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer but for its text, which has been streamed before."""

    model: str
    provider: str
    provider_model: str = ""
    tool_calls: tuple[ModelToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()
    cost_usd: Decimal | None = None
    cached: bool = False
    fallback_from: str | None = None
    reasoning_details: tuple[dict[str, Any], ...] = ()
    """Thoughts that their provider signed, opaque to us: they go back with the message that they belong to."""


class _PlainCall(msgspec.Struct):
    id: str
    name: str
    args: dict[str, Any] = {}


class _Summary(msgspec.Struct, kw_only=True):
    model: str
    provider: str
    provider_model: str | None = None
    tool_calls: list[_PlainCall] | None = None
    finish_reason: str = "stop"
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    cached: bool = False
    fallback_from: str | None = None
    reasoning_details: tuple[dict[str, Any], ...] = ()


class _Chunk(msgspec.Struct):
    content: str | None = None
    tool_calls: list[CallDelta] | None = None


class _Failure(msgspec.Struct):
    message: str = ""
    code: str = ""
    type: str = ""
    param: str | None = None


class _Kind(msgspec.Struct):
    """The fields that tell the three kinds of event apart."""

    model: str | None = None
    error: _Failure | None = None


class StreamDecoder:
    """One answer's stream: `feed` gives the text as it comes, `answer` is there once `done`."""

    def __init__(self) -> None:
        self.answer: ModelAnswer | None = None
        self.done = False
        self._buffer = b""
        self._size = 0
        self._calls: dict[int, ModelToolCall] = {}

    def feed(self, data: bytes) -> list[str]:
        """Returns the pieces of text that `data` completes.

        Raises GatewayRefused for an error event and for a stream that is not the native one.
        """
        self._size += len(data)
        if self._size > MAX_ANSWER_BYTES:
            raise GatewayRefused(502, "answer_too_large", "The model's answer is larger than any answer may be.")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        texts: list[str] = []
        for line in lines:
            if line.startswith(b"data:") and not self.done:
                text = self._event(line[5:].strip())
                if text:
                    texts.append(text)
        return texts

    def finish(self) -> ModelAnswer:
        """Returns the complete answer; raises GatewayUnavailable when the stream was cut off."""
        if not self.done or self.answer is None:
            raise GatewayUnavailable("The LLM gateway's answer was cut off before its end.")
        return self.answer

    def _event(self, data: bytes) -> str | None:
        if data == b"[DONE]":
            self.done = True
            return None
        try:
            kind = _KIND.decode(data)
            if kind.error is not None:
                raise error_from(kind.error)
            if kind.model is not None:
                self.answer = self._complete(_SUMMARY.decode(data))
                return None
            chunk = _CHUNK.decode(data)
        except msgspec.MsgspecError as error:
            raise GatewayRefused(502, "llm_gateway_error", "The LLM gateway sent something unreadable.") from error
        for delta in chunk.tool_calls or ():
            self._add(delta)
        return chunk.content

    def _add(self, delta: CallDelta) -> None:
        call = self._calls.get(delta.index)
        if call is None:
            id_ = delta.id or f"call_{delta.index}"
            self._calls[delta.index] = ModelToolCall(id_, delta.name or "", delta.args_delta)
        else:
            name = delta.name or call.name
            self._calls[delta.index] = ModelToolCall(delta.id or call.id, name, call.args + delta.args_delta)

    def _complete(self, summary: _Summary) -> ModelAnswer:
        # The deltas are what the model wrote; the summary's calls are parsed, and there when nothing was streamed.
        calls = tuple(call for _, call in sorted(self._calls.items())) or tuple(
            ModelToolCall(call.id, call.name, msgspec.json.encode(call.args).decode())
            for call in summary.tool_calls or ()
        )
        return ModelAnswer(
            model=summary.model,
            provider=summary.provider,
            provider_model=summary.provider_model or "",
            tool_calls=calls,
            finish_reason=summary.finish_reason,
            usage=summary.usage or Usage(),
            cost_usd=summary.cost_usd,
            cached=summary.cached,
            fallback_from=summary.fallback_from,
            reasoning_details=summary.reasoning_details,
        )


_STATUS = {
    "invalid_request_error": 400, "not_found_error": 404, "rate_limit_error": 429, "unavailable_error": 503,
    "timeout_error": 504,
}  # fmt: skip


def error_from(
    failure: _Failure, status: int | None = None, retry_after: float | None = None, *, mends: bool | None = None
) -> ApiError:
    """The gateway's envelope as our error; an event has no status, so there the type tells it. `mends` is False where
    the gateway said that asking again cannot help."""
    if status is None:
        status = 404 if failure.code == "model_not_found" else _STATUS.get(failure.type, 502)
    if status in (401, 403) or failure.type in ("authentication_error", "permission_error"):
        # It is the agent's own key that the gateway refuses: the agent's client can do nothing about it.
        return GatewayRefused(
            503, "llm_gateway_refused_key", "The LLM gateway refuses this agent's key (LLM_GATEWAY_API_KEY).",
            mends=False,
        )  # fmt: skip
    if status == 500:
        status = 502
    return GatewayRefused(
        status,
        failure.code or "llm_gateway_error",
        failure.message or "The LLM gateway failed.",
        type=failure.type or None,
        param=failure.param,
        retry_after=retry_after,
        mends=mends,
    )


def decode_error(status: int, body: bytes, retry_after: str | None = None, should_retry: str | None = None) -> ApiError:
    """An answer of the gateway that is an error, with its headers `Retry-After` and `x-should-retry`; one outside the
    envelope comes from something in between."""
    mends = False if should_retry == "false" else None
    try:
        failure = _KIND.decode(body).error or _Failure()
    except msgspec.MsgspecError:
        failure = _Failure()
    if not failure.code and status not in (401, 403):
        return GatewayRefused(
            status if status in (429, 503, 504) else 502,
            "llm_gateway_error",
            "The LLM gateway answered with an error of an unknown form.",
            retry_after=retry_after_seconds(retry_after),
            mends=mends,
        )
    return error_from(failure, status, retry_after_seconds(retry_after), mends=mends)


_KIND = msgspec.json.Decoder(_Kind)
_CHUNK = msgspec.json.Decoder(_Chunk)
_SUMMARY = msgspec.json.Decoder(_Summary)
