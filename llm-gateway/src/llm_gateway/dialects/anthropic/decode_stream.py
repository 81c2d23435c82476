"""Decodes a provider's streamed message into canonical events.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

from llm_gateway.canonical import BlockKind, BlockStart, BlockStop, Delta, Event, Finish, Signature, UsageReport
from llm_gateway.dialects.anthropic.decode import finish_reason, usage_of
from llm_gateway.dialects.anthropic.errors import error_of
from llm_gateway.dialects.anthropic.wire_answers import PIECES, Block, Change, ReceivedEvent
from llm_gateway.dialects.common import usage as counted
from llm_gateway.dialects.common.call_arguments import arguments_of
from llm_gateway.dialects.common.openai_errors import hidden_error
from llm_gateway.dialects.common.surrogates import SurrogateJoiner
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.errors import UpstreamProtocol

_reader = TolerantReader(ReceivedEvent, PIECES)
_strictly = _reader.strictly


class _Open:
    """An open block of the provider's: its canonical index, and whether it has had any content."""

    __slots__ = ("empty", "fallback", "index", "kind")

    def __init__(self, index: int, kind: BlockKind, fallback: str) -> None:
        self.index = index
        self.kind: BlockKind = kind
        self.empty = True
        self.fallback = fallback


_HARMLESS = frozenset({"ping"})


class StreamDecoder:
    """Decodes the events of one stream. Unknown events and blocks of unknown types are skipped.

    `complete` is set by the stop reason, after which only `message_stop` can come. Until the final counts arrive, the
    counts of `message_start` are reported as an estimate: exact for the prompt, unknown for the answer.
    """

    def __init__(self, provider: str, answer: str | None) -> None:
        self._provider = provider
        self._answer = answer
        self._blocks: dict[int, _Open | None] = {}
        self._count = 0
        self._calls = 0
        self._usage: dict[str, Any] = {}
        self._model: str | None = None
        self._unreported = False
        self._torn: SurrogateJoiner | None = None  # set once a piece of text ends within a character
        self._reason: str | None = None
        self._sequence: str | None = None
        self._done = False
        self.complete = False

    @property
    def done(self) -> bool:
        """Whether nothing more can come: a connection that stays open need not be waited for."""
        return self._done

    def feed(self, data: bytes) -> list[Event]:
        """Returns the canonical events in the data of one server-sent event.

        Raises:
            UpstreamProtocol: the data is not an event, or the event is out of place.
            UpstreamError: the event is an error.
        """
        try:
            event = _strictly(data)
        except UNREADABLE as error:
            event = self._forgiven(data, error)
        events = self._events(event, data)
        return events if self._torn is None else self._torn.join(events)

    def _forgiven(self, data: bytes, error: Exception) -> ReceivedEvent:
        self._torn = self._torn or SurrogateJoiner()
        try:
            return _reader.forgive_piece(data, error)
        except UNREADABLE:
            raise hidden_error(data) or UpstreamProtocol(f"{error}: {data[:500]!r}") from None

    def _events(self, event: ReceivedEvent, data: bytes) -> list[Event]:
        match event.type:
            case "content_block_delta" | "content_block_start" if self.complete:
                return []  # behind the stop reason nothing counts but the usage
            case "content_block_delta":
                return self._delta(self._known(event.index, data), event.delta or Change())
            case "content_block_start":
                return self._start(event, data)
            case "content_block_stop":
                return self._stop(event.index)
            case "message_start" | "message_delta":
                self._message(event)
            case "message_stop":
                self._done = True
            case "error":
                raise error_of(None, {}, event.error, data)
            case other if other not in _HARMLESS and (hidden := hidden_error(data)) is not None:
                raise hidden
        return []

    def _message(self, event: ReceivedEvent) -> None:
        message, delta = event.message, event.delta
        if message is not None:
            self._model = message.model or self._model
            self._count_up(message.usage)
            self._unreported = True
        if event.usage is not None:
            self._count_up(event.usage)
        if delta is not None and delta.stop_reason is not None:
            self._reason, self._sequence = delta.stop_reason, delta.stop_sequence
            self.complete = True

    def _count_up(self, usage: Any) -> None:
        """Updates the counts. They are cumulative, and unchanged ones may be left out."""
        self._usage.update((name, value) for name, value in counted.fields(usage).items() if value is not None)

    def _first_report(self) -> list[Event]:
        usage = usage_of(self._usage, estimated=True) if self._unreported else None
        self._unreported = False
        return [] if usage is None else [UsageReport(usage=usage, model=self._model)]

    # --- blocks ---

    def _known(self, index: int | None, data: bytes) -> _Open | None:
        try:
            return self._blocks[index if index is not None else -1]
        except KeyError:
            raise UpstreamProtocol(f"a delta of a block that did not begin: {data[:500]!r}") from None

    def _start(self, event: ReceivedEvent, data: bytes) -> list[Event]:
        block, number = event.content_block, event.index
        if block is None or number is None or number in self._blocks:
            raise UpstreamProtocol(f"a block that cannot begin: {data[:500]!r}")
        kind = self._kind(block)
        if kind is None:
            self._blocks[number] = None
            return []
        given = arguments_of(block.input) if block.type == "tool_use" else ""
        opened = self._blocks[number] = _Open(self._count, kind, given)
        self._count += 1
        events = [*self._first_report(), self._opening(opened, block)]
        return events + self._beginning(opened, block)

    def _kind(self, block: Block) -> BlockKind | None:
        match block.type:
            case "text":
                return "text"
            case "thinking" | "redacted_thinking":
                return "reasoning"
            case "tool_use":
                return "tool_call" if block.name != self._answer else "text"
            case _:
                return None

    def _opening(self, opened: _Open, block: Block) -> BlockStart:
        if opened.kind != "tool_call":
            return BlockStart(index=opened.index, kind=opened.kind)
        self._calls += 1
        return BlockStart(
            index=opened.index, kind="tool_call", tool_index=self._calls - 1, id=block.id or "", name=block.name or ""
        )

    def _beginning(self, opened: _Open, block: Block) -> list[Event]:
        """Returns the text that a block already has when it begins."""
        if block.type == "redacted_thinking":
            return [self._signature(opened, block.data or "", redacted=True)]
        return self._delta(opened, Change(text=block.text, thinking=block.thinking, signature=block.signature))

    def _delta(self, opened: _Open | None, change: Change) -> list[Event]:
        if opened is None:
            return []
        text = change.text or change.partial_json or change.thinking
        if text:
            opened.empty = False
            return [Delta(index=opened.index, text=text)]
        return [self._signature(opened, change.signature)] if change.signature else []

    def _signature(self, opened: _Open, signature: str, *, redacted: bool = False) -> Signature:
        return Signature(index=opened.index, signature=signature, provider=self._provider, redacted=redacted)

    def _stop(self, number: int | None) -> list[Event]:
        opened = self._blocks.get(number if number is not None else -1)
        if opened is None:
            return []
        self._blocks[number] = None  # type: ignore[index]
        closing: list[Event] = [BlockStop(index=opened.index)]
        # A call without arguments has no deltas, or a server gave them all as it began.
        return (
            [Delta(index=opened.index, text=opened.fallback), *closing] if opened.empty and opened.fallback else closing
        )

    def finish(self) -> list[Event]:
        """Returns the events that close the stream.

        Raises:
            UpstreamProtocol: the stream was cut off.
        """
        if not (self._blocks or self._model or self._usage or self._reason):
            raise UpstreamProtocol("a stream without a message")  # not a cut, which is worth asking again
        if self._reason is None and not (self._done and self._blocks):
            raise UpstreamProtocol("the stream ended without a stop reason", code="upstream_stream_cut")
        events = [event for number in self._blocks for event in self._stop(number)]
        reason = finish_reason(self._reason or "end_turn", has_calls=self._calls > 0)
        events.append(Finish(reason=reason, stop_sequence=self._sequence))
        usage = usage_of(self._usage)
        if usage is not None:
            events.append(UsageReport(usage=usage, model=self._model))
        return events if self._torn is None else self._torn.join(events)
