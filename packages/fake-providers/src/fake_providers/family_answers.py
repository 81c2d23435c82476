"""Behaviors of providers whose answers differ from OpenAI's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from .behaviors import Says
from .exchange import Exchange

_CLEAN = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


@dataclass(frozen=True)
class AzureSays(Says):
    """An answer of Azure's, with the results of its content filters for the prompt (a first chunk without choices) and
    for each choice."""

    def completion(self, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().completion(body)
        for choice in answer["choices"]:
            choice["content_filter_results"] = _CLEAN
        return answer | {"prompt_filter_results": _prompt_filtered()}

    def chunks(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        empty = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
        yield empty | {"prompt_filter_results": _prompt_filtered()}
        for chunk in super().chunks(body):
            for choice in chunk["choices"]:
                choice["content_filter_results"] = _CLEAN
            yield chunk


def _prompt_filtered() -> list[dict[str, Any]]:
    return [{"prompt_index": 0, "content_filter_results": _CLEAN}]


@dataclass(frozen=True)
class AzureFilters:
    """The refusal of a prompt by Azure's content filter."""

    async def play(self, exchange: Exchange) -> None:
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"violence": {"filtered": True}}}
        error = {
            "message": "The response was filtered due to the prompt triggering the content management policy.",
            "type": None, "param": "prompt", "code": "content_filter", "status": 400, "innererror": inner,
        }  # fmt: skip
        await exchange.whole(400, {"content-type": "application/json"}, msgspec.json.encode({"error": error}))


@dataclass(frozen=True)
class OpenRouterSays(Says):
    """An answer of OpenRouter's: thoughts as text and as `details`, the cost in the usage, comments to keep a stream
    alive.

    `details` are streamed one by one, a text in two pieces with its signature after them. `fails_with` ends the stream
    with an error, as when a provider behind it fails midway.
    """

    details: Sequence[Mapping[str, Any]] = ()
    cost: float | None = None
    provider: str = "Anthropic"
    fails_with: Mapping[str, Any] | None = None

    async def play(self, exchange: Exchange) -> None:
        body = exchange.call.body
        if not body.get("stream"):
            await super().play(exchange)
            return
        await exchange.start(200, {"content-type": "text/event-stream"})
        for _ in range(2):
            await exchange.write(b": OPENROUTER PROCESSING\n\n")
        for chunk in self.chunks(body):
            await exchange.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
            await asyncio.sleep(self.pause)
        await exchange.end(b"data: [DONE]\n\n")

    def completion(self, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().completion(body)
        message = answer["choices"][0]["message"]
        message.pop("reasoning_content", None)
        if self.details:
            message["reasoning"] = self._thought()
            message["reasoning_details"] = list(self.details)
        return answer

    def chunks(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for chunk in super().chunks(body):
            if self.fails_with is not None and chunk["choices"] and chunk["choices"][0]["finish_reason"]:
                failed = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
                yield chunk | {"error": dict(self.fails_with), "choices": [failed]}
                return
            yield chunk

    def _deltas(self) -> Iterator[tuple[dict[str, Any], str | None]]:
        first, *rest = super()._deltas()
        yield first
        for detail in self.details:
            for piece in _pieces(detail):
                said = piece.get("text") or piece.get("summary")
                yield {"content": "", "reasoning": said, "reasoning_details": [piece]}, None
        yield from rest

    def _thought(self) -> str | None:
        return "".join(detail.get("text") or detail.get("summary") or "" for detail in self.details) or None

    def _usage(self) -> dict[str, Any] | None:
        usage = super()._usage()
        return usage if usage is None or self.cost is None else usage | {"cost": self.cost, "is_byok": False}

    def _head(self, body: Mapping[str, Any], kind: str) -> dict[str, Any]:
        return super()._head(body, kind) | {"provider": self.provider, "native_finish_reason": "end_turn"}


def _pieces(detail: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    text = detail.get("text")
    if not text:
        yield dict(detail)
        return
    whole = {name: value for name, value in detail.items() if name not in ("text", "signature")}
    middle = len(text) // 2
    for part in (text[:middle], text[middle:]):
        if part:
            yield whole | {"text": part}
    if detail.get("signature"):
        yield whole | {"signature": detail["signature"]}


@dataclass(frozen=True)
class OllamaSays(Says):
    """An answer of Ollama's: thoughts are in `reasoning`; in a stream, calls come whole, all with index 0, and the
    finish reason is `stop`."""

    def completion(self, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().completion(body)
        message = answer["choices"][0]["message"]
        message.pop("refusal", None)
        if self.reasoning is not None:
            message["reasoning"] = message.pop("reasoning_content")
        return answer

    def _deltas(self) -> Iterator[tuple[dict[str, Any], str | None]]:
        if self.reasoning is not None:
            yield {"role": "assistant", "content": "", "reasoning": self.reasoning}, None
        for piece in (self.text,) if isinstance(self.text, str) else self.text or ():
            yield {"role": "assistant", "content": piece}, None
        for id_, name, arguments in self.calls:
            function = {"name": name, "arguments": arguments}
            call = {"id": id_, "index": 0, "type": "function", "function": function}
            yield {"role": "assistant", "content": "", "tool_calls": [call]}, None
        yield {"role": "assistant", "content": ""}, self.finish_reason or "stop"

    def _head(self, body: Mapping[str, Any], kind: str) -> dict[str, Any]:
        return super()._head(body, kind) | {"system_fingerprint": "fp_ollama"}
