"""Decodes Gemini's streams into canonical events. A whole answer is a stream of one chunk."""

from __future__ import annotations

from typing import Any

import msgspec

from llm_gateway.canonical import (
    BlockKind,
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Signature,
    UsageReport,
)
from llm_gateway.dialects.common.surrogates import SurrogateJoiner
from llm_gateway.dialects.gemini import wire
from llm_gateway.dialects.gemini.call_ids import generated_id
from llm_gateway.dialects.gemini.decode_chunk import finish_reason, latest, logprobs_of, received, usage_of
from llm_gateway.errors import UpstreamProtocol


class _Candidate:
    """The state of one candidate. Text and thoughts come in pieces and keep their block open; a call comes whole."""

    __slots__ = ("_provider", "blocks", "calls", "finish", "kind", "number")

    def __init__(self, number: int, provider: str) -> None:
        self.number = number
        self.blocks = 0
        self.calls = 0
        self.kind: BlockKind | None = None
        self.finish: FinishReason | None = None
        self._provider = provider

    def part(self, part: wire.Part, response_id: str | None, events: list[Event]) -> None:
        if part.thought:
            if part.text:
                self._say("reasoning", part.text, events)
            if part.thought_signature:
                self._open("reasoning", events)
                self._signed(part.thought_signature, events)
            return
        if part.thought_signature:
            self.close(events)
            self._open("reasoning", events)
            self._signed(part.thought_signature, events)
        if part.function_call is not None:
            self._call(part.function_call, response_id, events)
        elif part.text:
            self._say("text", part.text, events)

    def close(self, events: list[Event]) -> None:
        """Ends the open block, if there is one."""
        if self.kind is not None:
            events.append(BlockStop(index=self.blocks - 1, choice=self.number))
            self.kind = None

    def _open(self, kind: BlockKind, events: list[Event]) -> None:
        if self.kind != kind:
            self.close(events)
            events.append(BlockStart(index=self.blocks, kind=kind, choice=self.number))
            self.blocks += 1
            self.kind = kind

    def _say(self, kind: BlockKind, text: str, events: list[Event]) -> None:
        self._open(kind, events)
        events.append(Delta(index=self.blocks - 1, text=text, choice=self.number))

    def _signed(self, signature: str, events: list[Event]) -> None:
        index = self.blocks - 1
        events.append(Signature(index=index, signature=signature, provider=self._provider, choice=self.number))
        self.close(events)

    def _call(self, call: wire.FunctionCall, response_id: str | None, events: list[Event]) -> None:
        self.close(events)
        index, tool_index = self.blocks, self.calls
        self.blocks += 1
        self.calls += 1
        id_ = call.id or generated_id(response_id, self.number, tool_index)
        events += (
            BlockStart(
                index=index, kind="tool_call", choice=self.number, tool_index=tool_index, id=id_, name=call.name
            ),
            Delta(index=index, text=msgspec.json.encode(call.args or {}).decode(), choice=self.number),
            BlockStop(index=index, choice=self.number),
        )


class StreamDecoder:
    """Decodes `GenerateContentResponse` chunks of a model of `provider`.

    Gemini's streams have no end mark but the end of the connection. `complete` says that each candidate that began has
    its finish reason. `id` and `model` are those in the answer.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._candidates: dict[int, _Candidate] = {}
        self._usage: dict[str, Any] = {}
        self._torn: SurrogateJoiner | None = None  # set once a piece of text ends within a character
        self.id: str | None = None
        self.model: str | None = None
        self.complete = False

    @property
    def done(self) -> bool:
        """Always False: a chunk with the usage may still follow."""
        return False

    def feed(self, data: bytes) -> list[Event]:
        """Returns the canonical events in one chunk.

        Raises:
            UpstreamProtocol: the data is not a chunk, or the answer must not be used.
            UpstreamError: the chunk is an error, or says that the prompt was blocked.
        """
        chunk, odd = received(data)
        if odd and self._torn is None:
            self._torn = SurrogateJoiner()
        self.id = self.id or chunk.response_id
        self.model = chunk.model_version or self.model
        events: list[Event] = []
        for position, candidate in enumerate(chunk.candidates or ()):
            self._feed(candidate, position if candidate.index is None else candidate.index, events)
        if self._torn is not None:
            events = self._torn.join(events)
        if chunk.usage_metadata is None:
            return events
        self._usage = latest(self._usage, chunk.usage_metadata)
        if events:  # usage so far, for a stream that is cut off
            events += self._report()
        return events

    def _feed(self, candidate: wire.Candidate, number: int, events: list[Event]) -> None:
        state = self._candidates.get(number)
        if state is None:
            state = self._candidates[number] = _Candidate(number, self._provider)
            self.complete = False
        if state.finish is not None:
            return  # behind its finish reason nothing counts but the usage
        if candidate.content is not None:
            for part in candidate.content.parts or ():
                state.part(part, self.id, events)
        if candidate.logprobs_result is not None:
            logprobs = logprobs_of(candidate.logprobs_result)
            if logprobs is not None:
                events.append(Logprobs(value=logprobs, choice=number))
        reason = candidate.finish_reason
        if reason and reason != "FINISH_REASON_UNSPECIFIED":
            state.finish = finish_reason(reason, candidate.finish_message, has_calls=state.calls > 0)
            self.complete = all(other.finish is not None for other in self._candidates.values())

    def finish(self) -> list[Event]:
        """Returns the events that close the stream.

        Raises:
            UpstreamProtocol: the stream was cut off.
        """
        if not self._candidates:
            raise UpstreamProtocol("a stream without candidates")  # not a cut, which is worth asking again
        if not self.complete or len(self._candidates) <= max(self._candidates):
            raise UpstreamProtocol("the stream ended without a finish reason", code="upstream_stream_cut")
        events: list[Event] = []
        for number, state in sorted(self._candidates.items()):
            state.close(events)
            events.append(Finish(reason=state.finish or "stop", choice=number))
        if self._torn is not None:
            events = self._torn.join(events)
        return events + self._report()

    def _report(self) -> list[Event]:
        usage = usage_of(self._usage)
        return [] if usage is None else [UsageReport(usage=usage, model=self.model)]
