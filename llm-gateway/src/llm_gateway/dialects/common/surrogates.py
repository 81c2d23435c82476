"""Joins characters that a stream has cut into two surrogates.

Providers that count in UTF-16 cut an emoji between its two surrogates: `"\\ud83d"` ends one piece and `"\\ude00"`
begins the next. JavaScript's clients join them without noticing; a Python string with a lone surrogate cannot be
encoded.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from llm_gateway.canonical import BlockStop, Delta, Event
from llm_gateway.dialects.common.tolerant_json import whole_characters

_UNKNOWN = "\ufffd"


class SurrogateJoiner:
    """Carries a lone high surrogate over to the next piece of its block; one that stays alone becomes U+FFFD."""

    __slots__ = ("_halves",)

    def __init__(self) -> None:
        self._halves: dict[tuple[int, int], str] = {}

    def join(self, events: Iterable[Event]) -> list[Event]:
        """Returns the events with whole characters only."""
        joined: list[Event] = []
        for event in events:
            if isinstance(event, Delta):
                text = self._joined((event.choice, event.index), event.text)
                if text:
                    joined.append(msgspec.structs.replace(event, text=text))
                continue
            if isinstance(event, BlockStop) and self._halves.pop((event.choice, event.index), ""):
                joined.append(Delta(index=event.index, text=_UNKNOWN, choice=event.choice))
            joined.append(event)
        return joined

    def _joined(self, block: tuple[int, int], piece: str) -> str:
        text = self._halves.pop(block, "") + piece
        if "\ud800" <= text[-1:] <= "\udbff":
            self._halves[block], text = text[-1], text[:-1]
        return whole_characters(text)
