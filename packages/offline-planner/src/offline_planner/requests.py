"""The grammar of a whole request: steps in their order, each an operation or a call of a tool, or why it has none.

A request is cut at its connectives ("y", "luego", ", then") so that every part is a step by itself. Nothing is planned
unless the parts cover all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from . import leads
from .cards import Card
from .failures import Failures
from .fitting import Fitter
from .folding import word_set
from .lexer import Token, tokenize
from .lexicon import verbs
from .marks import Marks, Unclear
from .numbers import Reader
from .plan import NotDone, Previous, Problem, refers
from .scan import Fit
from .sums import Sums
from .texts import Texts
from .tool_steps import ToolSteps

MOST_TOKENS = 256
"""A request has at most so many words and marks outside the text that it gives."""

_MOST_PARTS = 32
_AND = frozenset(("y", "e", "and", "&"))
_STRONG = word_set("luego despues then entonces finally finalmente afterwards next posteriormente seguidamente acto")
_MARKS = frozenset((",", ";", ".", "\n", "!", "?", "¿", "¡", ")"))
_MORE = word_set(
    "ahora now tambien also ademas primero first segundo second tercero third eso that ultimo por a continuacion de"
)


class Step(msgspec.Struct, gc=False):
    """One step: an arithmetic `tree`, or a `fit` to a tool. `words` is what was written."""

    words: str
    tree: Any = None
    fit: Fit | None = None


class Understood(msgspec.Struct, gc=False):
    """A request as steps, or the problem. `notes` are numbers whose reading should be said."""

    steps: list[Step]
    problem: Problem | None = None
    tokens: list[Token] = []
    notes: list[tuple[str, Any]] = []


class Grammar:
    """One question over the offered tools. `has_history`: an earlier turn gave a result."""

    def __init__(self, question: str, cards: Sequence[Card], language: str | None, has_history: bool) -> None:
        lexed = tokenize(question)
        whole = leads.merge(lexed.tokens)
        self.tokens = whole[:MOST_TOKENS]
        self._cut = lexed.unread or len(whole) > MOST_TOKENS
        self._marks = Marks(self.tokens, language)
        reader = Reader(self.tokens, self._marks)
        self._sums = Sums(self.tokens, reader)
        asks = leads.is_question(self.tokens)
        self._failures = Failures(question, self.tokens, cards, asks)
        texts = Texts(question, self.tokens, self._sums)
        fitter = Fitter(question, self.tokens, reader, self._sums, texts)
        self._tools = ToolSteps(self.tokens, cards, fitter, texts, self._failures, asks)
        self._has_history = has_history
        self._known: dict[tuple[int, int, bool], list[Step] | None] = {}

    def understand(self) -> Understood:
        """Returns the steps of the whole request, or the problem that keeps it from being done."""
        start, end, polite = leads.trim(self.tokens, 0, len(self.tokens))
        self._polite = polite
        try:
            steps = self._parts(start, max(end, start), False) if start < end else None
            if steps is None:
                steps = self._reordered(start, end)
        except NotDone as trouble:
            return self._not_done(trouble.problem)
        if steps is None:
            return self._not_done(None)
        if self._cut and not self._reaches_the_end(steps):
            return Understood([], Problem("too_long"), self.tokens)
        return Understood(steps, None, self.tokens, self._notes())

    def _not_done(self, problem: Problem | None) -> Understood:
        return Understood([], self._failures.explain(problem, self._cut), self.tokens)

    def _reaches_the_end(self, steps: list[Step]) -> bool:
        fit = steps[-1].fit
        return fit is not None and fit.delimited is not None and fit.delimited.colon

    def _notes(self) -> list[tuple[str, Any]]:
        return [
            (token.text, self._marks.value(token.text)) for token in self.tokens
            if token.kind == "number" and self._marks.is_settled(token.text)
        ]  # fmt: skip

    # --- parts ---

    def _parts(self, start: int, end: int, continued: bool) -> list[Step] | None:
        """Returns the steps from `start` on, the longest first part that is one step first."""
        key = (start, end, continued)
        if key not in self._known:
            self._known[key] = self._parted(start, end, continued)
        return self._known[key]

    def _parted(self, start: int, end: int, continued: bool) -> list[Step] | None:
        cuts = self._cuts(start, end)
        for stop, following in reversed(cuts):
            step = self._step(start, stop, continued)
            if step is None:
                continue
            if following >= end or (step.tree is not None and self._reports(following, end)):
                return self._checked(step, cuts, start, end)
            rest = self._parts(following, end, True)
            if rest is not None and not self._runs_on(step, start, stop, following, rest[0]):
                return [step, *rest]
        return None

    def _reports(self, start: int, end: int) -> bool:
        """Whether a last part only asks for the result, which is said anyway: "y dime el resultado"."""
        start, end, _ = leads.trim(self.tokens, start, end)
        if start < end and any(verb.concept in ("tell", "get", "show") for verb in verbs(self.tokens[start].folded)):
            start += 1 + (start + 1 < end and self.tokens[start + 1].folded == "me")
        return any(after == end and tree == Previous() for tree, after in self._sums.reference(start, end))

    def _runs_on(self, step: Step, start: int, stop: int, following: int, after: Step) -> bool:
        """Whether what follows "and" without a verb could belong to the list before it: "suma 3 y 4 y 5 por 2"."""
        if (
            step.tree is None
            or after.tree is None
            or any(t.folded in _STRONG or t.text in ";.\n" for t in self.tokens[stop:following])
        ):
            return False
        verbless = not any(verbs(token.folded) for token in self.tokens[following : following + 3])
        ordered = any(verbs(token.folded, token.ending()) for token in self.tokens[start : start + 3])
        paired = step.tree.concept == after.tree.concept == "multiply" and any(
            token.folded in ("por", "by", "times", "x", "*") for token in self.tokens[start:stop]
        )
        return verbless and ordered and not paired

    def _cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Returns where the part that begins at `start` can end, with the place where the next one begins."""
        cuts: list[tuple[int, int]] = []
        place = start + 1
        while place < end and len(cuts) < _MOST_PARTS:
            if self._is_connective(place):
                after = place
                while after < end and (
                    self._is_connective(after) or (after > place and self.tokens[after].folded in _MORE)
                ):
                    after += 1
                if after < end:
                    cuts.append((place, after))
                place = after
            place += 1
        return [*cuts, (end, end)]

    def _is_connective(self, place: int) -> bool:
        token = self.tokens[place]
        if token.kind == "mark":
            return token.text in _MARKS
        if token.folded == "despues" and place + 2 < len(self.tokens) and self.tokens[place + 1].folded == "de":
            return self.tokens[place + 2].folded in ("eso", "esto")
        return token.kind == "word" and (token.folded in _AND or token.folded in _STRONG)

    def _checked(self, step: Step, cuts: list[tuple[int, int]], start: int, end: int) -> list[Step]:
        """A text that runs to the end: unless a part of it is a request of its own, of which it is asked."""
        text = step.fit.delimited if step.fit is not None else None
        if text is None:
            return [step]
        if text.colon and any(token.kind == "word" for token in self.tokens[end:]):
            raise NotDone(Problem("choose", self._failures.written(end, len(self.tokens)), names=("text",)))
        for stop, following in cuts[:-1]:
            if stop <= text.mark + 1:
                continue
            strong = any(t.folded in _STRONG or t.text in ";\n" for t in self.tokens[stop:following])
            strong = strong or "order" in leads.lead(self.tokens, following, end).force
            quoted = self.tokens[stop - 1].kind == "quote" and stop == text.mark + 2
            if not (strong or quoted):
                continue
            first, rest = self._step(start, stop, False), self._parts(following, end, True)
            if rest is not None:
                if first is not None and (quoted or _refers(rest)):
                    return [first, *rest]
                raise NotDone(Problem("choose", self._failures.written(stop, end), names=("text",)))
        return [step]

    def _reordered(self, start: int, end: int) -> list[Step] | None:
        """ "Después de sumar 4 y 6, multiplica…", "multiply by 2 after adding 4 and 6", "antes de …"."""
        tokens = self.tokens
        if start >= end:
            return None
        first = tokens[start].folded
        if first in ("tras", "after", "despues", "before", "antes", "once"):
            begin = start + 1 + (tokens[start + 1].folded == "de" if start + 1 < end else 0)
            for stop, following in self._cuts(begin, end)[:-1]:
                steps = self._both(begin, stop, following, end, first in ("before", "antes"))
                if steps is not None:
                    return steps
        for place in range(start + 1, end - 1):
            word = tokens[place].folded
            if word in ("tras", "after", "despues") and (word != "despues" or tokens[place + 1].folded == "de"):
                begin = place + 1 + (tokens[place + 1].folded == "de")
                earlier = self._step(begin, end, False, spoken=True)
                stop = place - (tokens[place - 1].folded == ",")
                later = self._step(start, stop, True) if earlier is not None else None
                if earlier is not None and later is not None:
                    return [earlier, later]
        return None

    def _both(self, begin: int, stop: int, following: int, end: int, before: bool) -> list[Step] | None:
        if before:
            earlier = self._parts(following, end, False)
            later = self._step(begin, stop, True, spoken=True) if earlier is not None else None
            return [*earlier, later] if earlier is not None and later is not None else None
        head = self._step(begin, stop, False, spoken=True)
        tail = self._parts(following, end, True) if head is not None else None
        return [head, *tail] if head is not None and tail is not None else None

    # --- one step ---

    def _step(self, start: int, end: int, continued: bool, *, spoken: bool = False) -> Step | None:
        """Returns a part as one step, None if it is not one. `spoken`: its verb is an infinitive or a gerund."""
        start, end, polite = leads.trim(self.tokens, start, end)
        if start >= end:
            return None
        start = self._behind_and(start, end)
        head = leads.lead(self.tokens, start, end)
        self._polite = self._polite or polite or head.polite
        words = self._failures.written(start, end)
        before = continued or (self._has_history and self._leans_back(start))
        if spoken:
            tree = self._spoken(start, end, continued)
            return Step(words, tree) if tree is not None else None
        tree = self._sum(head.after, end, before) or (self._sum(start, end, before) if head.after > start else None)
        if tree is not None:
            return Step(words, tree)
        fits = self._tools.fits(head.after, end, head.force, self._polite)
        if not fits and head.after > start:
            fits = self._tools.fits(start, end, "statement", self._polite)
        if not fits:
            return None
        return Step(words, fit=self._tools.chosen(fits, words))

    def _behind_and(self, start: int, end: int) -> int:
        """An "and" that begins a request goes on from what was said before: "y ahora súmale 1"."""
        if self.tokens[start].folded not in _AND or end - start < 2:
            return start
        following = self.tokens[start + 1]
        if following.folded in ("ahora", "now"):
            return start + 2 if end - start > 2 else start
        return start + 1 if verbs(following.folded, following.ending()) else start

    def _leans_back(self, start: int) -> bool:
        """Whether a first step may take up the last result of the conversation."""
        head = leads.lead(self.tokens, start, len(self.tokens))
        token = self.tokens[head.after] if head.after < len(self.tokens) else None
        if any(token.folded in ("ahora", "now") for token in self.tokens[: start + 1]):
            return True
        found = verbs(token.folded, token.ending()) if token is not None else ()
        return not any(verb.concept == "add" and not verb.clitic for verb in found)

    def _sum(self, start: int, end: int, continued: bool) -> Any:
        try:
            trees = self._sums.readings(start, end, continued)
        except Unclear as unclear:
            self._failures.note(start, Problem("number", unclear.text, names=unclear.values))
            return None
        if len(trees) > 1:
            raise NotDone(Problem("choose", self._failures.written(start, end), names=("reading",)))
        if not trees and start < self._sums.furthest() < end:
            self._failures.note(
                self._sums.furthest(), Problem("unclear", self._failures.written(self._sums.furthest(), end))
            )
        return trees[0] if trees else None

    def _spoken(self, start: int, end: int, continued: bool) -> Any:
        """An operation by its gerund or infinitive, as in "después de sumar 4 y 6"."""
        try:
            trees = self._sums.spoken(start, end, continued)
        except Unclear as unclear:
            raise NotDone(Problem("number", unclear.text, names=unclear.values)) from None
        return trees[0] if len(trees) == 1 else None


def _refers(steps: Sequence[Step]) -> bool:
    return any(refers(step.tree) or (step.fit and any(map(refers, step.fit.arguments.values()))) for step in steps)
