"""A provider's streamed chat completions as canonical events."""

from __future__ import annotations

from llm_gateway.dialects.openai_chat import wire
from llm_gateway.dialects.openai_chat.client_answers import finish_reason, made_id, received, usage_of
from llm_gateway.errors import (
    UpstreamProtocol,
)
from llm_gateway.types import (
    BlockKind,
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Logprobs,
    Usage,
    UsageReport,
)


class _OpenChoice:
    """Where one choice of a stream stands: its open block, and its tools by the provider's index."""

    __slots__ = ("blocks", "finish", "kind", "open", "tools")

    def __init__(self) -> None:
        self.blocks = 0
        self.open: int | None = None
        self.kind: BlockKind | None = None
        self.tools: list[tuple[int | None, str, int]] = []  # the provider's index, its id, our block
        self.finish: str | None = None


class StreamDecoder:
    """`chat.completion.chunk` events to canonical ones; `[DONE]` is optional, a finish reason is not.

    `complete` says that all choices which began have ended: only the usage and `[DONE]` can still be missing.
    """

    def __init__(self) -> None:
        self._choices: dict[int, _OpenChoice] = {}
        self._id: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._done = False
        self.complete = False

    def feed(self, data: bytes) -> list[Event]:
        """The events of one server-sent event's data.

        Raises:
            UpstreamProtocol: it is not a chunk.
            UpstreamError: it is an error.
        """
        if data == b"[DONE]":
            self._done = True
            return []
        chunk = received(data)
        self._id = self._id or chunk.id
        self._model = chunk.model or self._model
        if chunk.usage is not None:
            self._usage = usage_of(chunk.usage) or self._usage
        events: list[Event] = []
        for choice in chunk.choices or ():
            self._feed_choice(choice, events)
        return events

    @property
    def done(self) -> bool:
        """Whether nothing more can come, so that a connection which stays open need not be waited for."""
        return self._done

    def _feed_choice(self, choice: wire.ReceivedChoice, events: list[Event]) -> None:
        number = choice.index
        state = self._choices.get(number)
        if state is None:
            state = self._choices[number] = _OpenChoice()
        delta = choice.delta or choice.message
        if delta is not None:
            reasoning = delta.reasoning_content or delta.reasoning
            if reasoning:
                self._say(state, number, "reasoning", reasoning, events)
            if delta.content:
                self._say(state, number, "text", delta.content, events)
            if delta.refusal:
                self._say(state, number, "refusal", delta.refusal, events)
            for call in delta.tool_calls or ():
                self._call(state, number, call, events)
        if choice.logprobs is not None:
            events.append(Logprobs(value=choice.logprobs, choice=number))
        if choice.finish_reason:
            state.finish = choice.finish_reason
            self.complete = all(state.finish is not None for state in self._choices.values())

    @staticmethod
    def _say(state: _OpenChoice, number: int, kind: BlockKind, text: str, events: list[Event]) -> None:
        if state.kind != kind or state.open is None:
            if state.open is not None:
                events.append(BlockStop(index=state.open, choice=number))
            state.open, state.kind = state.blocks, kind
            state.blocks += 1
            events.append(BlockStart(index=state.open, kind=kind, choice=number))
        events.append(Delta(index=state.open, text=text, choice=number))

    def _call(self, state: _OpenChoice, number: int, call: wire.ReceivedToolCall, events: list[Event]) -> None:
        block = self._known_call(state, call)
        if block is None:
            block = self._new_call(state, number, call, events)
        if call.function.arguments:
            events.append(Delta(index=block, text=call.function.arguments, choice=number))

    @staticmethod
    def _known_call(state: _OpenChoice, call: wire.ReceivedToolCall) -> int | None:
        """The block that this piece continues. Some servers give no index, or 0 to every call: then a new id
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
        if state.open is not None:
            events.append(BlockStop(index=state.open, choice=number))
            state.open = state.kind = None
        block, tool_index = state.blocks, len(state.tools)
        state.blocks += 1
        id_ = call.id or made_id(self._id, tool_index)
        state.tools.append((call.index, call.id or "", block))
        events.append(
            BlockStart(
                index=block, kind="tool_call", choice=number, tool_index=tool_index, id=id_, name=call.function.name
            )
        )
        return block

    def finish(self) -> list[Event]:
        """The events that close the stream.

        Raises:
            UpstreamProtocol: the stream ended before its end.
        """
        if not self._choices or any(state.finish is None for state in self._choices.values()):
            raise UpstreamProtocol("the stream ended without a finish reason", code="upstream_stream_cut")
        events: list[Event] = []
        for number, state in self._choices.items():
            blocks = [state.open] if state.open is not None else []
            events += [BlockStop(index=block, choice=number) for block in (*blocks, *(t[2] for t in state.tools))]
            reason = finish_reason(state.finish or "", has_calls=bool(state.tools))
            events.append(Finish(reason=reason, choice=number))
        if self._usage is not None:
            events.append(UsageReport(usage=self._usage, model=self._model))
        return events
