"""Which of the offered tools a step asks for, judged by the words of both."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .cards import Card
from .concepts import GROUPS, WEIGHTS
from .folding import fold, stem
from .lexer import Token
from .lexicon import NOTHING, look_up

ACCEPTED = 0.35
# From here on a tool is meant even if its name says more than the step and nothing is there to work on.
SURE = 0.5
# A tool named after something that the step does not mention is less likely meant; after something that excludes
# what the step mentions, not at all.
_UNMENTIONED = 0.25
_EXCLUDED = 2.0
_DETERMINERS = frozenset(["la", "mi", "tu", "su", "una", "the", "my", "your", "a", "en", "por", "nuestra", "cada"])


class Meaning:
    """What a step is about: its concepts, and the stems of its words that are no concept."""

    __slots__ = ("_groups", "concepts", "stems")

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.concepts: set[str] = set()
        self.stems: set[str] = set()
        self._groups: list[tuple[int, set[str]]] | None = None
        previous = ""
        for token in tokens:
            entry = token.entry
            if entry.concepts:
                # "la cuenta" is an account, not counting.
                if not (entry.concepts == ("count",) and previous in _DETERMINERS and entry.part == "action"):
                    self.concepts.update(entry.concepts)
            elif entry.operation:
                pass  # counts only between operands: see `arithmetic`
            elif entry is NOTHING and token.kind == "word" and 2 < len(token.folded) <= 32:
                self.stems.add(stem(token.folded))
            previous = token.folded

    def groups(self) -> list[tuple[int, set[str]]]:
        """What is asked of each group of concepts that exclude one another, by the group's place."""
        if self._groups is None:
            self._groups = [(place, self.concepts & group) for place, group in enumerate(GROUPS)]
            self._groups = [(place, asked) for place, asked in self._groups if asked]
        return self._groups


def score(meaning: Meaning, card: Card, rarity: dict[str, int]) -> float:
    """How well the tool fits; `rarity` says in how many tools a stem occurs. `ACCEPTED` and above is a match."""
    total = 0.0
    concepts = meaning.concepts
    for name in concepts:
        if name in card.named:
            total += WEIGHTS[name]
        elif name in card.described or name in card.options:
            total += WEIGHTS[name] * 0.5
    if rarity:
        for word in meaning.stems & card.stems.keys():
            total += card.stems[word] / rarity[word]
    if total <= 0:
        return 0.0
    total -= _UNMENTIONED * len(card.required_concepts - concepts)
    for place, asked in meaning.groups():
        done = card.groups[place]
        if done and not done & asked:
            total -= _EXCLUDED
    return total


def missing(concepts: Collection[str], card: Card) -> frozenset[str]:
    """The concepts that the tool's name has and the step has not."""
    return card.required_concepts.difference(concepts)


def rarity_of(cards: Sequence[Card]) -> dict[str, int]:
    """In how many of the tools each word that is no concept occurs."""
    counts: dict[str, int] = {}
    for card in cards:
        for word in card.stems:
            counts[word] = counts.get(word, 0) + 1
    return counts


def ranked(meaning: Meaning, cards: Sequence[Card]) -> list[tuple[float, Card]]:
    """The tools that fit at all, best first; of equals, the one offered first."""
    rarity = rarity_of(cards) if meaning.stems else {}
    scored = [(score(meaning, card, rarity), card) for card in cards]
    return sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])


def concepts_of(word: str) -> frozenset[str]:
    """What a single word, such as an enumerated value, means."""
    entry = look_up(fold(word))
    return frozenset((*entry.concepts, entry.operation) if entry.operation else entry.concepts)
