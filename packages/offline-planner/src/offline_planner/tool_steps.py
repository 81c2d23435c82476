"""One step as the call of a tool: every offered tool is tried, and the one that the words fit best is taken."""

from __future__ import annotations

from collections.abc import Sequence

from .cards import Card
from .failures import Failures
from .fitting import Fitter
from .lexer import Token
from .lexicon import meanings, verbs
from .marks import Unclear
from .plan import NotDone, Problem
from .scan import Fit, Misfit
from .text_requests import TextRequests
from .texts import Delimited, Texts


class ToolSteps:
    """The offered tools over one request's tokens. `asks`: the request is put as a question."""

    def __init__(
        self, tokens: list[Token], cards: Sequence[Card], fitter: Fitter, texts: Texts, failures: Failures, asks: bool
    ) -> None:
        self._tokens = tokens
        self._cards = cards
        self._fitter = fitter
        self._requests = TextRequests(tokens, texts)
        self._failures = failures
        self._question_form = asks
        self._lacking = (0, Problem("missing"))

    def fits(self, start: int, end: int, force: str, polite: bool) -> list[Fit]:
        """Returns the tools that a step fits; `force` is how it is begun, `polite` that it says please."""
        if start >= end:
            return []
        named = self._by_name(start, end)
        found: list[Fit] = []
        self._lacking = (0, Problem("missing"))
        for card in self._cards:
            fit = self._text_fit(card, start, end)
            if fit is None and named is not None and named[0] is card:
                fit = self._tried(card, named[1], end, named=True)
            if fit is None and not (card.operations or card.form or card.unit):
                fit = self._tried(card, start, end)
            if fit is not None and self._allowed(fit, start, force, polite):
                found.append(fit)
        return found

    def _allowed(self, fit: Fit, start: int, force: str, polite: bool) -> bool:
        """A tool that changes something runs on an order alone; a polite question is one with "please"."""
        if fit.card.reads:
            return True
        found = verbs(self._tokens[start].folded, self._tokens[start].ending())
        imperative = any("order" in verb.moods for verb in found) or self._tokens[start].folded == fit.card.own_verb
        wished = any("wish" in verb.moods for verb in found)
        own = force == "statement" and self._tokens[start].folded == fit.card.own_verb
        if (
            (force == "order" or own)
            and (imperative or wished)
            and not (self._question_form and start == 0 and not imperative)
        ):
            return not any(token.text in "¿?" for token in self._tokens if token.kind == "mark")
        if force == "polite" and polite:
            return True
        self._failures.note(len(self._tokens) + 1, Problem("told", "", (fit.card,)))
        return False

    def _text_fit(self, card: Card, start: int, end: int) -> Fit | None:
        parameter = card.text() if card.form or card.unit else None
        if parameter is None:
            return None
        asks = self._question_form
        value = (
            self._requests.formed(card.form, start, end, asks)
            if card.form
            else self._requests.counted(card.unit, start, end, asks)
        )
        if value is None:
            return None
        if isinstance(value, Delimited):
            return Fit(card, {parameter.name: value.text}, score=20, delimited=value)
        return Fit(card, {parameter.name: value}, score=20)

    def _tried(self, card: Card, start: int, end: int, *, named: bool = False) -> Fit | None:
        try:
            fit = self._fitter.fit(card, start, end, named=named)
        except Misfit as misfit:
            if named or (self._failures.speaks_of(card, start, end) and misfit.place > start):
                self._failures.note(
                    misfit.place, Problem("unclear", self._failures.written(misfit.place, end), (card,))
                )
            return None
        except Unclear as unclear:
            self._failures.note(start + 1, Problem("number", unclear.text, names=unclear.values))
            return None
        if fit.wrong:
            self._failures.note(end + 1, Problem("wrong", "", (card,), (fit.wrong,)))
            return None
        if fit.missing:
            missing = Problem("missing", self._failures.written(start, end), (card,), fit.missing)
            self._failures.note(end + 1, missing)
            self._lacking = max(self._lacking, (fit.score, missing), key=lambda pair: pair[0])
            return None
        return fit

    def _by_name(self, start: int, end: int) -> tuple[Card, int] | None:
        """The tool of "usa la herramienta add con a=3 y b=4", and the place behind its name."""
        token = self._tokens[start]
        if end - start > 3 and self._tokens[start + 1].text == "(" and self._tokens[end - 1].text == ")":
            return next(((card, start + 1) for card in self._cards if card.name == token.text), None)
        if not any(
            verb.concept in ("use", "run") and verb.moods & {"order", "inf", "wish", "you"}
            for verb in verbs(token.folded)
        ):
            return None
        for place in range(start + 1, min(start + 5, end)):
            said = self._tokens[place].text
            for card in self._cards:
                if said == card.name or (said == card.name.rpartition("__")[2] and said):
                    after = place + 1
                    if after < end and "tool" in meanings(self._tokens[after].folded):
                        after += 1
                    between = self._tokens[start + 1 : place]
                    fine = all(
                        t.folded in ("la", "el", "the", "a", "al") or "tool" in meanings(t.folded) for t in between
                    )
                    return (card, after) if fine else None
        return None

    def chosen(self, fits: list[Fit], words: str) -> Fit:
        """Returns the one that fits best.

        Raises:
            NotDone: several fit equally well, or one that lacks a value fits better.
        """
        best = max(fit.score for fit in fits)
        if self._lacking[0] > best:
            raise NotDone(self._lacking[1])  # the tool that is meant lacks a value; another is no answer
        equal = [fit for fit in fits if fit.score == best]
        if len(equal) > 1:
            raise NotDone(Problem("choose", words, tuple(fit.card for fit in equal), ("tool",)))
        return equal[0]
