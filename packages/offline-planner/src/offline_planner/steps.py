"""Splitting a question into steps, and setting apart the text that a step works on.

A strong connector ("luego", "then") always ends a step. "y", "and", a comma or the end of a sentence ends one
only where another request begins, so that "suma 10 y 5" stays whole. What follows a colon after a request for a
tool that takes text, or "que"/"that" after a verb like "memoriza", is that text, up to the next strong
connector with a request after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from .folding import stem
from .items import has_pair
from .lexer import Token
from .lexicon import NOTHING

_WEAK_MARKS = frozenset(",.?!;\n…:")
_SENTENCE_MARKS = frozenset(".?!;\n…")
_AHEAD = 5
_SAYING = frozenset(("save", "show", "write", "send", "translate", "create", "update"))


class Step(msgspec.Struct, gc=False):
    """One request: its tokens; `linked` says that it follows another; `context` are the tokens of what was said
    before it without asking for anything; `after` that the step before it in the sentence comes after it."""

    tokens: list[Token]
    linked: bool = False
    context: Sequence[Token] = ()
    after: bool = False


def split(
    tokens: list[Token],
    question: str,
    names_tool: Callable[[str], bool],
    takes_text: Callable[[list[Token]], bool],
) -> list[Step]:
    """The steps of the question, in the order in which they are to be done.

    `names_tool` tells whether a stem is of a word in a tool's name, which begins a request as a verb does;
    `takes_text` whether a request's words ask for a tool that works on free text.
    """
    return _Splitter(tokens, question, names_tool, takes_text).run()


class _Splitter:
    def __init__(
        self,
        tokens: list[Token],
        question: str,
        names_tool: Callable[[str], bool],
        takes_text: Callable[[list[Token]], bool],
    ) -> None:
        self._tokens = tokens
        self._question = question
        self._names_tool = names_tool
        self._takes_text = takes_text
        self._steps: list[Step] = []
        self._current: list[Token] = []
        self._context: list[Token] = []
        self._asks = False
        self._pair = False
        self._after = False

    def run(self) -> list[Step]:
        place = 0
        while place < len(self._tokens):
            token = self._tokens[place]
            if token.entry.part == "strong":
                self._strong(token, place)
            elif token.text in _WEAK_MARKS or token.entry.part == "weak":
                if self._begins_text(token, place):
                    place = self._take_text(token.end, place + 1)
                    continue
                if self._ends_step(token, place):
                    self._flush()
                elif self._current:
                    self._current.append(token)
            elif self._says_that(token):
                place = self._take_text(token.end, place + 1)
                continue
            else:
                self._current.append(token)
                self._asks = self._asks or self._is_request(token)
                self._pair = self._pair or has_pair(self._current[-3:])
            place += 1
        self._flush()
        return self._in_order()

    def _strong(self, token: Token, place: int) -> None:
        inverted = token.folded in ("despues de", "after")
        if inverted and not self._request_follows(place + 1):
            self._current.append(token)
            return
        had = self._asks
        self._flush()
        self._after = inverted and had

    def _flush(self) -> None:
        """End the current step; words that ask for nothing become the context of the next one."""
        meaningful = [token for token in self._current if token.entry.part not in ("filler", "weak")]
        if self._asks or self._pair or (self._steps and any(token.kind != "mark" for token in meaningful)):
            linked = bool(self._steps)
            self._steps.append(Step(self._current, linked, self._context, self._after))
            self._context = []
        else:
            self._context = self._context + self._current
        self._current, self._asks, self._pair, self._after = [], False, False, False

    def _in_order(self) -> list[Step]:
        if not self._steps and self._context:
            return [Step(self._context)]
        ordered: list[Step] = []
        for step in self._steps:
            if step.after and ordered:
                later = ordered.pop()
                step.linked, later.linked = later.linked, True
                ordered += [step, later]
            else:
                ordered.append(step)
        return ordered

    def _is_request(self, token: Token) -> bool:
        part = token.entry.part
        if part == "action" or part == "question":
            return True
        return token.entry is NOTHING and token.kind == "word" and self._names_tool(stem(token.folded))

    def _ends_step(self, token: Token, place: int) -> bool:
        if token.text in _SENTENCE_MARKS:
            return self._request_follows(place + 1)
        return (self._asks or self._pair) and self._request_follows(place + 1)

    def _request_follows(self, place: int) -> bool:
        """Whether a request begins here, after at most a few words of grammar; or another sum after a whole one."""
        if self._pair and has_pair(self._tokens[place : place + 3]):
            return True
        for token in self._tokens[place : place + _AHEAD]:
            if self._is_request(token):
                return True
            if token.kind != "word" or token.entry.part not in ("function", "filler", "weak", "strong", "reference"):
                return token.kind == "mark" and token.text in "¿¡"
        return False

    def _says_that(self, token: Token) -> bool:
        if token.folded not in ("que", "that") or not self._current:
            return False
        last = self._current[-1].entry
        return last.part == "action" and not _SAYING.isdisjoint(last.concepts)

    def _begins_text(self, token: Token, place: int) -> bool:
        if token.text != ":" or not self._asks or place + 1 >= len(self._tokens):
            return False
        if self._tokens[place + 1].kind == "quote":
            return False
        return self._takes_text(self._current)

    def _take_text(self, start: int, place: int) -> int:
        """Add the text from `start` as if it were quoted; the place of the token after it."""
        end, after = len(self._question), len(self._tokens)
        for ahead in range(place + 1, len(self._tokens)):
            token = self._tokens[ahead]
            if token.entry.part == "strong" and self._request_follows(ahead + 1):
                end, after = token.start, ahead
                break
        text = self._question[start:end].strip()
        if after < len(self._tokens):
            text = text.rstrip(" ,;.").removesuffix(" y").removesuffix(" and").rstrip(" ,")
        elif text.endswith("?") and any(item.entry.part == "question" for item in self._current):
            text = text[:-1].rstrip()
        if text:
            self._current.append(Token("quote", text, start, start + len(text)))
        return after
