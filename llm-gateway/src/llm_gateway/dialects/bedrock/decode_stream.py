"""Decodes the events of ConverseStream into canonical events."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from llm_gateway.canonical import (
    BlockKind,
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Finish,
    Request,
    Signature,
    Usage,
    UsageReport,
)
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock import wire
from llm_gateway.dialects.bedrock.decode import finish_reason, stop_sequence, usage_of
from llm_gateway.dialects.bedrock.encode_format import answer_tool
from llm_gateway.dialects.bedrock.errors import in_stream
from llm_gateway.dialects.common.surrogates import SurrogateJoiner
from llm_gateway.dialects.common.tolerant_json import UNREADABLE, TolerantReader
from llm_gateway.errors import UpstreamProtocol, UpstreamUnavailable
from llm_gateway.net.event_stream import Frame

_READERS: dict[str, TolerantReader[Any]] = {
    "contentBlockStart": TolerantReader(wire.ContentBlockStart, wire.PIECES),
    "contentBlockDelta": TolerantReader(wire.ContentBlockDelta, wire.PIECES),
    "contentBlockStop": TolerantReader(wire.ContentBlockStop, wire.PIECES),
    "messageStop": TolerantReader(wire.MessageStop, wire.PIECES),
    "metadata": TolerantReader(wire.Metadata, wire.PIECES),
}


class _Open:
    """An open block: its canonical index, its kind, and what becomes known only at its end."""

    __slots__ = ("index", "kind", "redacted", "said", "signature")

    def __init__(self, index: int, kind: BlockKind) -> None:
        self.index = index
        self.kind = kind
        self.said = False
        self.signature = ""
        self.redacted: list[str] = []


class StreamDecoder:
    """Decodes the frames of one stream. The usage comes after `messageStop`; a stream without `messageStop` was cut
    off.

    `hidden` is the name of the answer's tool, if there is one: its arguments become the text. Other text is held back
    until the end, and used only if the tool was never called.
    """

    def __init__(self, provider: str, model_id: str, hidden: str | None = None) -> None:
        self._provider = provider
        self._model_id = model_id
        self._hidden = hidden
        self._open: dict[int, _Open | None] = {}  # by Bedrock's index; None for a block that is skipped
        self._blocks = 0
        self._tools = 0
        self._answered = False
        self._aside: list[str] = []
        self._usage: Usage | None = None
        self._torn: SurrogateJoiner | None = None  # set once a piece of text ends within a character
        self._stop: str | None = None
        self._stop_sequence: str | None = None
        self._done = False
        self.complete = False

    @property
    def done(self) -> bool:
        """Whether nothing more can come: a connection that stays open need not be waited for."""
        return self._done

    def feed(self, frame: Frame) -> list[Event]:
        """Returns the canonical events in one frame.

        Raises:
            UpstreamProtocol: the frame is not what the API promises.
            UpstreamError: the frame is an exception.
        """
        if frame.kind == "exception":
            raise in_stream(frame.name, frame.payload)
        if frame.kind == "error":
            raise UpstreamUnavailable(f"{frame.name}: {frame.payload[:2000].decode('utf-8', 'replace')}")
        reader = _READERS.get(frame.name)
        if reader is None:
            return []
        try:
            received = reader.strictly(frame.payload)
        except UNREADABLE as error:
            received = self._forgiven(reader, frame, error)
        events = self._events(received)
        return events if self._torn is None else self._torn.join(events)

    def _forgiven(self, reader: TolerantReader[Any], frame: Frame, error: Exception) -> Any:
        self._torn = self._torn or SurrogateJoiner()
        try:
            return reader.forgive_piece(frame.payload, error)
        except UNREADABLE:
            raise UpstreamProtocol(f"{frame.name}: {error}: {frame.payload[:500]!r}") from None

    def _events(self, received: Any) -> list[Event]:
        events: list[Event] = []
        match received:
            case wire.ContentBlockDelta() | wire.ContentBlockStart() if self.complete:
                pass  # behind the stop reason nothing counts but the usage
            case wire.ContentBlockDelta():
                self._delta(received.content_block_index, received.delta, events)
            case wire.ContentBlockStart():
                if received.start.tool_use is not None:
                    self._call(received.content_block_index, received.start.tool_use, events)
            case wire.ContentBlockStop():
                self._close(received.content_block_index, events)
            case wire.MessageStop():
                self._stop = received.stop_reason or "end_turn"
                self._stop_sequence = stop_sequence(received.additional_model_response_fields)
                self.complete = True
            case _:
                self._usage = usage_of(received.usage, received.service_tier)
                self._done = self.complete
        return events

    # --- blocks ---

    def _delta(self, number: int, delta: wire.Delta, events: list[Event]) -> None:
        if delta.text:
            if self._hidden is not None:
                self._aside.append(delta.text)
            else:
                self._say(number, "text", delta.text, events)
        elif delta.tool_use is not None:
            self._arguments(number, delta.tool_use.input, events)
        elif (thought := delta.reasoning_content) is not None:
            if thought.text:
                self._say(number, "reasoning", thought.text, events)
            elif thought.signature or thought.redacted_content:
                block = self._block(number, "reasoning", events)
                block.signature += thought.signature or ""
                block.redacted += [thought.redacted_content] if thought.redacted_content else []

    def _say(self, number: int, kind: BlockKind, text: str, events: list[Event]) -> None:
        events.append(Delta(index=self._block(number, kind, events).index, text=text))

    def _block(self, number: int, kind: BlockKind, events: list[Event]) -> _Open:
        """Returns the open block with this index and kind, and opens it if needed: texts and thoughts have no start
        event."""
        block = self._open.get(number)
        if block is None or block.kind != kind:
            self._close(number, events)
            block = self._open[number] = self._begun(kind)
            events.append(BlockStart(index=block.index, kind=kind))
        return block

    def _begun(self, kind: BlockKind) -> _Open:
        block = _Open(self._blocks, kind)
        self._blocks += 1
        return block

    def _call(self, number: int, use: wire.ToolUseStart, events: list[Event]) -> None:
        self._close(number, events)
        if use.type == wire.SERVER_TOOL or (use.name == self._hidden and self._answered):
            self._open[number] = None
            return
        if use.name == self._hidden:
            self._answered = True
            block = self._open[number] = self._begun("text")
            events.append(BlockStart(index=block.index, kind="text"))
            return
        block = self._open[number] = self._begun("tool_call")
        events.append(
            BlockStart(index=block.index, kind="tool_call", tool_index=self._tools, id=use.tool_use_id, name=use.name)
        )
        self._tools += 1

    def _arguments(self, number: int, text: str, events: list[Event]) -> None:
        if number not in self._open:
            raise UpstreamProtocol("arguments of a tool call that never began")
        block = self._open[number]
        if block is not None and text:
            block.said = True
            events.append(Delta(index=block.index, text=text))

    def _close(self, number: int, events: list[Event]) -> None:
        block = self._open.pop(number, None)
        if block is None:
            return
        if block.kind == "reasoning" and (block.signature or block.redacted):
            signature = _joined(block.redacted) if block.redacted else block.signature
            events.append(
                Signature(
                    index=block.index, signature=signature, provider=self._provider, redacted=bool(block.redacted)
                )
            )
        calls = block.kind == "tool_call" or (block.kind == "text" and self._hidden is not None)
        if calls and not block.said:
            events.append(Delta(index=block.index, text="{}"))
        events.append(BlockStop(index=block.index))

    # --- the end ---

    def finish(self) -> list[Event]:
        """Returns the events that close the stream.

        Raises:
            UpstreamProtocol: the stream was cut off, or Bedrock could not parse what the model wrote.
        """
        if self._stop is None:
            raise UpstreamProtocol("the stream ended without a stop reason", code="upstream_stream_cut")
        events: list[Event] = []
        for number in list(self._open):
            self._close(number, events)
        if self._aside and not self._answered:
            self._hidden = None
            self._say(-1, "text", "".join(self._aside), events)
            self._close(-1, events)
        reason = finish_reason(self._stop, has_calls=self._tools > 0)
        events.append(Finish(reason=reason, stop_sequence=self._stop_sequence))
        if self._usage is not None:
            events.append(UsageReport(usage=self._usage, model=self._model_id))
        return events if self._torn is None else self._torn.join(events)


def stream_decoder(request: Request, model: Model) -> StreamDecoder:
    return StreamDecoder(model.provider, model.id, answer_tool(request, model))


def _joined(pieces: list[str]) -> str:
    """Returns the base64 of several pieces as one."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode()
    except binascii.Error as error:
        raise UpstreamProtocol("a redacted thought that is no base64") from error
