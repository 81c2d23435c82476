"""Where a stream broke, and how what comes next is joined to it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Delta,
    Event,
    Message,
    Request,
    Signature,
    Text,
    Usage,
    UsageReport,
)

_CHARACTERS_PER_TOKEN = 4


class Transcript:
    """What a stream has said so far, and whether another model could continue it.

    That is so for text alone: not for several answers at once, a schema, odds, thoughts, or a tool call begun.
    """

    __slots__ = ("_pieces", "blocks", "characters", "open", "possible", "usage")

    def __init__(self, request: Request) -> None:
        wanted = request.response_format
        thinks = request.reasoning_effort not in (None, "none") or bool(request.reasoning_budget)
        plain = (request.n or 1) == 1 and (wanted is None or wanted.type == "text") and not request.logprobs
        self.possible = plain and not thinks
        self.open: int | None = None
        self.blocks = 0
        self.usage: Usage | None = None  # of the part that is being said
        self.characters = 0
        self._pieces: list[str] = []

    def feed(self, events: Iterable[Event]) -> None:
        for event in events:
            match event:
                case Delta():
                    self._pieces.append(event.text)
                    self.characters += len(event.text)
                case BlockStart(kind="text"):
                    self.open, self.blocks = event.index, event.index + 1
                case BlockStop():
                    self.open = None
                case UsageReport():
                    self.usage = event.usage
                case _:
                    self.possible = False

    def begin_part(self) -> None:
        self.usage, self.characters = None, 0

    def text(self) -> str:
        return "".join(self._pieces)


def onward(request: Request, said: str) -> Request:
    """Returns `request`, to be answered from behind `said`: without its last spaces, which some providers refuse
    there."""
    used = len(said) // _CHARACTERS_PER_TOKEN
    left = None if request.max_tokens is None else max(1, request.max_tokens - used)
    half_turn = said.rstrip()
    messages = request.messages
    if half_turn:
        messages = (*messages, Message(role="assistant", content=(Text(text=half_turn),)))
    return msgspec.structs.replace(request, messages=messages, max_tokens=left)


class StreamSplicer:
    """Joins a continuation's events to what was said before it: in the same block, and without the spaces twice that
    were said already but not shown to the model that continues."""

    __slots__ = ("_offset", "_open", "_seen_first", "_spaces", "_told", "_trimmed")

    def __init__(self, transcript: Transcript) -> None:
        said = transcript.text()
        self._spaces = said[len(said.rstrip()) :]
        self._open = transcript.open
        self._told = transcript.blocks
        self._offset = 0
        self._seen_first = False
        self._trimmed = False

    def join(self, events: Iterable[Event]) -> list[Event]:
        joined: list[Event] = []
        for event in events:
            match event:
                case BlockStart():
                    self._start(event, joined)
                case Delta():
                    self._delta(event, joined)
                case BlockStop() | Signature():
                    joined.append(msgspec.structs.replace(event, index=event.index + self._offset))
                case _:
                    joined.append(event)
        return joined

    def _start(self, event: BlockStart, joined: list[Event]) -> None:
        if not self._seen_first:
            self._seen_first = True
            if event.kind == "text" and self._open is not None:
                self._offset = self._open - event.index
                return
            if self._open is not None:
                joined.append(BlockStop(index=self._open))
            self._offset = self._told - event.index
            self._trimmed = event.kind != "text"
        else:
            self._trimmed = True
        joined.append(msgspec.structs.replace(event, index=event.index + self._offset))

    def _delta(self, event: Delta, joined: list[Event]) -> None:
        text = event.text if self._trimmed else self._without_spaces(event.text)
        if text:
            joined.append(msgspec.structs.replace(event, index=event.index + self._offset, text=text))

    def _without_spaces(self, text: str) -> str:
        """Returns `text` without what of the spaces it repeats; they may come in several pieces."""
        same = 0
        while same < min(len(text), len(self._spaces)) and text[same] == self._spaces[same]:
            same += 1
        self._spaces = self._spaces[same:]
        self._trimmed = same < len(text) or not self._spaces
        return text[same:]
