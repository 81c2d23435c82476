"""Decodes a provider's streamed chat completions into canonical events."""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import (
    BlockKind,
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Logprobs,
    Signature,
    Usage,
    UsageReport,
)
from llm_gateway.dialects.common.surrogates import SurrogateJoiner
from llm_gateway.dialects.common.tolerant_json import UNREADABLE
from llm_gateway.dialects.openai_chat import wire
from llm_gateway.dialects.openai_chat.decode import (
    arguments_of,
    chunks_of,
    finish_reason,
    generated_id,
    reader,
    refuse_error,
    unreadable,
    usage_of,
)
from llm_gateway.dialects.openai_chat.reasoning_details import Detail, continued, sealed
from llm_gateway.errors import UpstreamProtocol

_strictly = reader.strictly


class _OpenChoice:
    """The state of one choice: its open block, and its tool calls by the provider's index."""

    __slots__ = ("blocks", "detail", "finish", "kind", "open", "said", "tools")

    def __init__(self) -> None:
        self.blocks = 0
        self.open: int | None = None
        self.kind: BlockKind | None = None
        self.detail: Detail | None = None  # of the open block, if it is a thought with details
        self.said: list[str] = []  # the text of an open thought without details
        self.tools: list[tuple[int | None, str, int]] = []  # the provider's index, its id, the canonical block's index
        self.finish: str | None = None


class StreamDecoder:
    """Decodes `chat.completion.chunk` events. A choice ends with its finish reason or, if a server gives none, with
    `[DONE]`; a stream with neither was cut off.

    `complete` says that all choices that began have ended: only the usage and `[DONE]` may still come.
    """

    def __init__(self, provider: str | None = None) -> None:
        self._provider = provider
        self._choices: dict[int, _OpenChoice] = {}
        self._id: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._tier: Any = None
        self._torn: SurrogateJoiner | None = None  # set once a piece of text ends within a character
        self._done = False
        self.complete = False

    def feed(self, data: bytes) -> list[Event]:
        """Returns the canonical events in the data of one server-sent event.

        Raises:
            UpstreamProtocol: the data is not a chunk.
            UpstreamError: the data is an error.
        """
        if data[:1] != b"{" and data.strip().startswith(b"[DONE]"):
            self._done = True
            return []
        try:
            chunk = _strictly(data)
        except UNREADABLE as error:
            chunk = self._forgiven(data, error)
        if chunk.error or chunk.choices is None:
            refuse_error(chunk, data)
        self._id = self._id or chunk.id
        self._model = chunk.model or self._model
        if chunk.service_tier is not None:
            self._tier = chunk.service_tier
        if chunk.usage is not None or chunk.x_groq is not None:
            chunk.service_tier = self._tier  # only some chunks have it
            self._usage = usage_of(chunk) or self._usage
        events: list[Event] = []
        for choice in chunk.choices or ():
            self._feed_choice(choice, events)
        return events if self._torn is None else self._torn.join(events)

    def _forgiven(self, data: bytes, error: Exception) -> wire.Received:
        self._torn = self._torn or SurrogateJoiner()
        try:
            return reader.forgive_piece(data, error)
        except UNREADABLE:
            raise unreadable(data, error) from None

    @property
    def done(self) -> bool:
        """Whether nothing more can come: a connection that stays open need not be waited for."""
        return self._done

    def _feed_choice(self, choice: wire.ReceivedChoice, events: list[Event]) -> None:
        number = choice.index
        state = self._choices.get(number)
        if state is None:
            state = self._choices[number] = _OpenChoice()
        if state.finish is not None:
            return  # behind its finish reason nothing of a choice counts
        delta = choice.delta or choice.message
        if delta is not None:
            details = delta.reasoning_details
            reasoning = delta.reasoning_content or delta.reasoning
            if reasoning and not (details and any(detail.said for detail in details)):
                self._say(state, number, "reasoning", reasoning, events)
                state.said.append(reasoning)
            for detail in details or ():
                self._think(state, number, detail, events)
            if type(delta.content) is str:
                if delta.content:
                    self._say(state, number, "text", delta.content, events)
            elif delta.content:
                for kind, text in chunks_of(delta.content):
                    self._say(state, number, kind, text, events)
            if delta.refusal:
                self._say(state, number, "refusal", delta.refusal, events)
            for call in delta.tool_calls or ():
                self._call(state, number, call, events)
        if choice.logprobs is not None:
            events.append(Logprobs(value=choice.logprobs, choice=number))
        if choice.finish_reason:
            state.finish = choice.finish_reason
            self.complete = all(state.finish is not None for state in self._choices.values())

    def _say(self, state: _OpenChoice, number: int, kind: BlockKind, text: str, events: list[Event]) -> None:
        if state.kind != kind or state.open is None:
            self._open(state, number, kind, events)
        events.append(Delta(index=state.open or 0, text=text, choice=number))

    def _open(self, state: _OpenChoice, number: int, kind: BlockKind, events: list[Event]) -> None:
        self._close(state, number, events)
        state.open, state.kind = state.blocks, kind
        state.blocks += 1
        events.append(BlockStart(index=state.open, kind=kind, choice=number))

    def _close(self, state: _OpenChoice, number: int, events: list[Event]) -> None:
        if state.open is None:
            return
        seal = state.detail and sealed(state.detail)
        if state.detail and seal is not None:
            events.append(
                Signature(
                    index=state.open, signature=seal, provider=self._provider, choice=number,
                    redacted=state.detail.encrypted,
                )
            )  # fmt: skip
        events.append(BlockStop(index=state.open, choice=number))
        state.open = state.kind = state.detail = None
        state.said = []

    def _think(self, state: _OpenChoice, number: int, detail: Detail, events: list[Event]) -> None:
        """Yields a thought or a piece of one. A piece with the type and index of the previous one continues it.

        If the words came before without details (as the gateway sends them), the details only add the signature.
        """
        before = state.detail
        if before is None and state.said and not detail.encrypted and detail.said in ("", "".join(state.said)):
            state.detail = detail
            return
        if before is None or (before.type, before.index) != (detail.type, detail.index):
            self._open(state, number, "reasoning", events)
            state.detail = detail
        else:
            state.detail = continued(before, detail)
        if detail.said:
            events.append(Delta(index=state.open or 0, text=detail.said, choice=number))

    def _call(self, state: _OpenChoice, number: int, call: wire.ReceivedToolCall, events: list[Event]) -> None:
        block = self._known_call(state, call)
        if block is None:
            block = self._new_call(state, number, call, events)
        arguments = arguments_of(call.function.arguments)
        if arguments:
            events.append(Delta(index=block, text=arguments, choice=number))

    @staticmethod
    def _known_call(state: _OpenChoice, call: wire.ReceivedToolCall) -> int | None:
        """Returns the block that this piece continues. Some servers give no index, or 0 for every call; there a new id
        begins a new call."""
        if call.index is None:
            if call.id or call.function.name or not state.tools:
                return next((block for _, id_, block in state.tools if call.id and id_ == call.id), None)
            return state.tools[-1][2]
        for index, id_, block in reversed(state.tools):
            if index == call.index and (not call.id or call.id == id_):
                return block
        return None

    def _new_call(self, state: _OpenChoice, number: int, call: wire.ReceivedToolCall, events: list[Event]) -> int:
        self._close(state, number, events)
        block, tool_index = state.blocks, len(state.tools)
        state.blocks += 1
        id_ = call.id or generated_id(self._id, tool_index)
        state.tools.append((call.index, call.id or "", block))
        events.append(
            BlockStart(
                index=block, kind="tool_call", choice=number, tool_index=tool_index, id=id_, name=call.function.name
            )
        )
        return block

    def finish(self) -> list[Event]:
        """Returns the events that close the stream.

        Raises:
            UpstreamProtocol: the stream was cut off.
        """
        if not self._choices:
            raise UpstreamProtocol("a stream without choices")  # not a cut, which is worth asking again
        if not (self._done or all(state.finish for state in self._choices.values())):
            raise UpstreamProtocol("the stream ended without a finish reason", code="upstream_stream_cut")
        events: list[Event] = []
        for number, state in self._choices.items():
            self._close(state, number, events)
            events += [BlockStop(index=block, choice=number) for _, _, block in state.tools]
            reason = finish_reason(state.finish or "stop", has_calls=bool(state.tools))
            events.append(Finish(reason=reason, choice=number))
        if self._usage is not None:
            events.append(UsageReport(usage=self._usage, model=self._model))
        return events if self._torn is None else self._torn.join(events)
