"""An answer's text as it arrives: what of it can go to the client now, and at its end which tools it calls.

What one reader says for a text does not depend on the pieces in which the text came.
"""

from __future__ import annotations

import re
from typing import Protocol

from llm_gateway.providers.emulated_tools.calls import KEYS, OWN_KEY, Called, read_calls
from llm_gateway.providers.emulated_tools.json_text import StringText, ValueEnd
from llm_gateway.providers.emulated_tools.plan import Plan

_OPENERS = ("<tool_call>", "```", "{", "[")
_OPENER = re.compile(r"<tool_call>|```|[{\[]")
_TAGGED = re.compile(r"<tool_call>\s*")
_FENCED = re.compile(r"```\w*\s*")
_ENVELOPE = ("{", '"answer"', ":")


class Reader(Protocol):
    """Reads one text."""

    def feed(self, piece: str) -> str:
        """Returns the text that is known to belong to an answer by now, and was not returned before."""
        ...

    def finish(self) -> tuple[str, tuple[Called, ...]]:
        """Returns the rest of the answer's text, or of the text before the calls; and the calls."""
        ...


def reader_of(plan: Plan) -> Reader:
    """Returns a reader for one text that was asked for by `plan`."""
    if plan.envelope is not None:
        return EnvelopeReader(plan)
    return TextReader(plan) if plan.tools else PlainReader()


class PlainReader:
    """No tool can be called: all of it is the answer."""

    def feed(self, piece: str) -> str:
        return piece

    def finish(self) -> tuple[str, tuple[Called, ...]]:
        return "", ()


class EnvelopeReader:
    """`{"answer": …}`, unwrapped. Anything else is read by a TextReader, also what a server says that was asked for
    a schema and took no notice."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._seen = ""
        self._undecided = True
        self._string: StringText | None = None
        self._value: ValueEnd | None = None
        self._other: TextReader | None = None

    def feed(self, piece: str) -> str:
        if self._undecided:
            self._seen += piece
            place = _in_envelope(self._seen)
            if place is None:
                return ""
            self._undecided = False
            if place < 0:
                self._other = TextReader(self._plan)
                place = 0
            elif self._plan.envelope == "text" and self._seen[place] == '"':
                self._string = StringText()
                place += 1
            else:
                self._value = ValueEnd()
            piece, self._seen = self._seen[place:], ""
        return self._read(piece)

    def _read(self, piece: str) -> str:
        if self._string is not None:
            return self._string.feed(piece)
        if self._other is not None:
            return self._other.feed(piece)
        if self._value is None:
            return ""
        end = self._value.feed(piece)
        if end is None:
            return piece
        self._value = None  # the rest is the end of the envelope
        return piece[:end]

    def finish(self) -> tuple[str, tuple[Called, ...]]:
        return self._other.finish() if self._other is not None else ("", ())


def _in_envelope(text: str) -> int | None:
    """Returns where the answer in `text` begins; -1 when it is not in the envelope, None when that cannot be told
    yet."""
    place = 0
    for part in _ENVELOPE:
        place = _after_space(text, place)
        if not text.startswith(part, place):
            return None if part.startswith(text[place:]) else -1
        place += len(part)
    place = _after_space(text, place)
    return place if place < len(text) else None


def _after_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


class TextReader:
    """Free text, with calls in it or without: the prompt's own notation, fenced blocks and `<tool_call>` tags.

    A stretch that may be a call is held back until that is known. White space before a call, and text after one, are
    dropped: what a model says there it makes up, since it has not seen the result. When not all that looks like a call
    is one, none is: all of it is text then.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._held = ""
        self._stretch: _Stretch | None = None
        self._space = ""
        self._fresh = True  # nothing but white space so far, or since the last call
        self._calls: list[Called] = []
        self._since = ""  # all that came since the first call, in case it is none after all
        self._broken = False

    def feed(self, piece: str) -> str:
        self._held += piece
        said: list[str] = []
        while self._held and (step := self._step()) is not None:
            said.append(step)
        return "".join(said)

    def finish(self) -> tuple[str, tuple[Called, ...]]:
        left = self._held
        if self._calls:
            if not self._broken and not (self._stretch and self._stretch.looks_like_call):
                return "", tuple(self._calls[:1] if self._plan.one_call else self._calls)
            return self._space + self._since + left, ()
        return self._space + left, ()

    def _step(self) -> str | None:
        """Takes one step through what is held. Returns None if more has to come first."""
        if self._stretch is None:
            found = _OPENER.search(self._held)
            if found is None:
                length = len(self._held) - _partial_opener(self._held)
                return self._plain(length) if length else None
            if found.start():
                return self._plain(found.start())
            self._stretch = _Stretch(self._held, KEYS if self._fresh else (OWN_KEY,))
        verdict = self._stretch.look(self._held)
        if verdict is None:
            return None
        stretch, self._stretch = self._stretch, None
        if not stretch.looks_like_call:
            return self._plain(verdict)
        return self._called(stretch, verdict)

    def _called(self, stretch: _Stretch, end: int) -> str:
        calls = read_calls(self._held[stretch.value_at : end], self._plan.tools)
        if calls is None:
            self._broken = bool(self._calls)
            return self._plain(end)
        self._calls += calls
        self._since += self._held[:end]
        self._held = self._held[end:]
        self._fresh = True
        return ""

    def _plain(self, length: int) -> str:
        """Releases so much text, except for the white space at its end."""
        text, self._held = self._held[:length], self._held[length:]
        self._fresh = self._fresh and text.isspace()
        if self._calls:
            self._since += text
            return ""
        text = self._space + text
        said = text.rstrip()
        self._space = text[len(said) :]
        return said


class _Stretch:
    """A stretch of text from an opener on: whether it looks like a call, and where that ends."""

    def __init__(self, held: str, bare_keys: tuple[str, ...]) -> None:
        bare = held[0] in "{["
        self._before = None if bare else (_TAGGED if held[0] == "<" else _FENCED)
        self._keys = bare_keys if bare else KEYS
        self._end = ValueEnd()
        self._looked = 0
        self.looks_like_call = False
        self.value_at = 0

    def look(self, held: str) -> int | None:
        """Returns where the value ends, or how much there is of what is no call; None when that cannot be told yet."""
        if not self.looks_like_call:
            self.value_at = self._value_at(held)
            if self.value_at == len(held):
                return None
            begins = _begins_call(held[self.value_at :], self._keys)
            if begins is None:
                return None
            if not begins:
                return max(1, self.value_at)
            self.looks_like_call = True
            self._looked = self.value_at
        end = self._end.feed(held[self._looked :])
        if end is None:
            self._looked = len(held)
            return None
        return self._looked + end

    def _value_at(self, held: str) -> int:
        found = self._before.match(held) if self._before else None
        return found.end() if found else 0


def _begins_call(text: str, keys: tuple[str, ...]) -> bool | None:
    """Returns whether `text` begins as a call, or a list of them, does; None when that cannot be told yet."""
    if text[0] == "[":
        text = text[1:].lstrip()
    if not text.startswith("{"):
        return False if text else None
    key = text[1:].lstrip()
    if any(key.startswith(known) for known in keys):
        return True
    return None if any(known.startswith(key) for known in keys) else False


def _partial_opener(text: str) -> int:
    """Returns how many characters at the end of `text` may be the beginning of an opener."""
    most = max(map(len, _OPENERS)) - 1
    for size in range(min(most, len(text)), 0, -1):
        if any(opener.startswith(text[-size:]) for opener in _OPENERS):
            return size
    return 0
