"""Why a request is not done: of all readings that were tried, the problem of the one that came furthest."""

from __future__ import annotations

from collections.abc import Sequence

from . import leads
from .cards import Card
from .lexer import Token
from .lexicon import meanings, verb_concepts, verbs
from .plan import Problem


class Failures:
    """The problems met in one request. `asks`: it is put as a question."""

    def __init__(self, question: str, tokens: list[Token], cards: Sequence[Card], asks: bool) -> None:
        self._question = question
        self._tokens = tokens
        self._cards = cards
        self._question_form = asks
        self._best: tuple[int, Problem] | None = None

    def explain(self, problem: Problem | None, cut: bool) -> Problem:
        """Returns the problem to tell: a negation before all, else the one given or the best noted. `cut`: a part of
        the request was not read."""
        negated = self._negated()
        if negated is not None:
            return Problem("negated", negated)
        problem = problem or (self._best[1] if self._best is not None else None)
        told = self._told(problem)
        if told is not None:
            return told
        if cut and (problem is None or problem.trouble in ("unclear", "no_tool")):
            return Problem("too_long")
        return problem or self._lacking() or Problem("no_tool", self._question[:400].strip())

    def note(self, place: int, problem: Problem) -> None:
        """Keeps the problem of the reading that came furthest."""
        if self._best is None or place > self._best[0]:
            self._best = (place, problem)

    def _negated(self) -> str | None:
        """The negation that stands before a word of a tool, outside quotes."""
        for place, token in enumerate(self._tokens):
            if token.text == ":":
                return None
            if token.kind != "word" or token.folded not in leads.NEGATIONS:
                continue
            behind = self._tokens[place + 1 :]
            if any(self._concerns_tool(item) for item in behind[:12]) or any(
                map(self._concerns_tool, self._tokens[:place])
            ):
                return token.text
        return None

    def _concerns_tool(self, token: Token) -> bool:
        if token.kind != "word":
            return False
        said = verb_concepts(token.folded) or frozenset(v.concept for v in verbs(token.folded))
        return any(
            said & (card.verbs | card.operations) or any(card.does(one) for one in said)
            or (card.form and card.form in said)
            or token.folded == card.own_verb or token.text == card.name
            or ("convert" in said and card.form)
            for card in self._cards
        )  # fmt: skip

    def _told(self, problem: Problem | None) -> Problem | None:
        """A question about what a tool that changes something would do."""
        if problem is not None and problem.trouble == "told":
            return problem
        if not (
            self._question_form or (self._tokens[:1] and self._tokens[0].folded in ("puedo", "debo", "quiero", "i"))
        ):
            return None
        for card in self._cards:
            if (
                not card.reads
                and any(self._is_doing(card, token) for token in self._tokens)
                and (
                    not card.about
                    or any(
                        meanings(t.folded) & card.about or (t.kind == "path" and "file" in card.about)
                        for t in self._tokens
                    )
                )
            ):
                return Problem("told", "", (card,))
        return None

    def _is_doing(self, card: Card, token: Token) -> bool:
        said = verb_concepts(token.folded) | frozenset(v.concept for v in verbs(token.folded))
        return token.kind == "word" and any(card.does(one) for one in said)

    def _lacking(self) -> Problem | None:
        """An operation without its numbers: "suma 3" lacks b."""
        start, end, _ = leads.trim(self._tokens, 0, len(self._tokens))
        start = leads.lead(self._tokens, start, end).after
        if start >= end:
            return None
        numbers = sum(token.kind == "number" for token in self._tokens)
        found = {verb.concept for verb in verbs(self._tokens[start].folded, self._tokens[start].ending())}
        for card in self._cards:
            mine = card.operations & found or (found & {"put_in"} and "add" in card.operations)
            if mine and numbers < 2 and end - start <= 2 + numbers + 1:
                names = tuple(item.name for item in card.parameters if item.required)[numbers:]
                return Problem("missing", self.written(start, end), (card,), names) if names else None
            text = card.text() if card.form or card.unit else None
            quoted = any(token.kind == "quote" for token in self._tokens)
            if text is not None and not quoted and self.speaks_of(card, start, end):
                trouble = "missing" if end - start <= 3 else "which_text"
                return Problem(trouble, self.written(start, end), (card,), (text.name,))
        return None

    def speaks_of(self, card: Card, start: int, end: int) -> bool:
        """Whether some of the words are a tool's own."""
        return any(self._is_word_of(card, token) for token in self._tokens[start:end])

    def _is_word_of(self, card: Card, token: Token) -> bool:
        if token.kind != "word":
            return False
        return bool(meanings(token.folded) & card.about or any(card.does(one) for one in verb_concepts(token.folded)))

    def written(self, start: int, end: int) -> str:
        """Returns the words from one token to another as they stand in the question."""
        return self._question[self._tokens[start].start : self._tokens[end - 1].end] if start < end else ""
