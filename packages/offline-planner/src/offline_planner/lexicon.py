"""What one word means to the planner: the verb and its mood, the noun, the language. Built once, on first use."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import msgspec

from .folding import fold, stem
from .vocabulary import FUNCTION_WORDS, NOUNS, PHRASES, VERBS

Language = Literal["es", "en"]

_CLITICS = ("melo", "mela", "melos", "melas", "selo", "lo", "la", "los", "las", "le", "les", "me", "nos")


class Verb(msgspec.Struct, frozen=True, gc=False):
    """A form of a verb. `moods` are what it can be: order, infinitive (`inf`), subjunctive (`wish`), second person
    (`you`), `ing`, participle (`done`); an English base form is all of the first four. `clitic` is the Spanish
    pronoun that hangs on it."""

    concept: str
    moods: frozenset[str]
    clitic: str = ""


@lru_cache(maxsize=4096)
def verbs(folded: str, written: str = "") -> tuple[Verb, ...]:
    """Returns the verbs that a folded word can be. `written` is its ending with accents: "sumé" is past."""
    if written[-1:] in ("é", "ó", "í") and len(folded) > 3:
        return ()
    found = tuple(Verb(concept, frozenset(moods)) for concept, moods in _verb_forms().get(folded, {}).items())
    for clitic in () if found else _CLITICS:
        if folded.endswith(clitic) and len(folded) > len(clitic) + 1:
            base = _verb_forms().get(folded[: -len(clitic)], {})
            hung = [(concept, {"order", "inf"} & moods) for concept, moods in base.items()]
            found += tuple(Verb(concept, frozenset(moods), clitic) for concept, moods in hung if moods)
            if found:
                break
    return found


def verb_concepts(folded: str) -> frozenset[str]:
    """Returns the concepts of the verbs that a word can be, in any mood."""
    return frozenset(_verb_forms().get(folded, ()))


@lru_cache(maxsize=4096)
def nouns(folded: str) -> frozenset[str]:
    """Returns the concepts that a word names."""
    return frozenset(_noun_forms().get(folded, ()))


def is_plural(folded: str) -> bool:
    """Whether a word is a noun's plural: that of a known noun or, of any other word, one that looks like it."""
    if folded[-1:] != "s" or folded[-2:] in ("ss", "us", "is"):
        return False
    shorter = (folded[:-1], folded[:-2], folded[:-3] + "y")
    return bool(nouns(folded) & frozenset().union(*map(nouns, shorter))) or not nouns(folded)


@lru_cache(maxsize=4096)
def meanings(folded: str) -> frozenset[str]:
    """Returns everything that a word can stand for: its nouns' concepts and, for any other word, its stem."""
    return nouns(folded) or frozenset({"~" + stem(folded)})


@lru_cache(maxsize=4096)
def languages(folded: str) -> frozenset[str]:
    """Returns the languages that have this word; none when it is in neither list."""
    return frozenset(_language_words().get(folded, ()))


def is_function_word(folded: str) -> bool:
    """Whether a word is of grammar alone in one of the languages."""
    return any(folded in words for words in _function_words().values())


@lru_cache(maxsize=1)
def _function_words() -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()}


@lru_cache(maxsize=1)
def phrases() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """Returns the phrases by their first word, the longest first, with the word that stands for each."""
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for row in PHRASES.split("|"):
        said, _, meant = row.partition("=")
        words = tuple(said.split())
        table.setdefault(words[0], []).append((words, meant))
    for rows in table.values():
        rows.sort(key=lambda row: -len(row[0]))
    return table


@lru_cache(maxsize=1)
def _verb_forms() -> dict[str, dict[str, set[str]]]:
    table: dict[str, dict[str, set[str]]] = {}
    for concept, (spanish, english) in VERBS.items():
        for entry in spanish.split():
            for form, mood in _spanish(entry):
                table.setdefault(form, {}).setdefault(concept, set()).add(mood)
        for entry in english.split():
            for form, mood in _english(entry):
                table.setdefault(form, {}).setdefault(concept, set()).add(mood)
    return table


@lru_cache(maxsize=1)
def _noun_forms() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for concept, sides in NOUNS.items():
        for word in " ".join(sides).split():
            folded = fold(word)
            for form in (folded, folded + "s", folded + "es", folded[:-1] + "ies" if folded[-1] == "y" else folded):
                table.setdefault(form, set()).add(concept)
    return table


@lru_cache(maxsize=1)
def _language_words() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for language, words in FUNCTION_WORDS.items():
        for word in words.split():
            table.setdefault(word, set()).add(language)
    for place, language in enumerate(("es", "en")):
        for rows, forms in ((VERBS, _forms_of_verb), (NOUNS, _forms_of_noun)):
            for sides in rows.values():
                for entry in sides[place].split():
                    for form in forms(entry, language):
                        table.setdefault(form, set()).add(language)
    return table


def _forms_of_verb(entry: str, language: str) -> list[str]:
    return [form for form, _ in (_spanish(entry) if language == "es" else _english(entry))]


def _forms_of_noun(entry: str, language: str) -> list[str]:
    folded = fold(entry)
    return [folded, folded + ("es" if language == "es" and folded[-1] not in "aeiou" else "s")]


def _spanish(entry: str) -> Iterator[tuple[str, str]]:
    """Yields forms of the verb `infinitive[/stem][:imperative …]` with their moods, accents folded."""
    regular, *irregular = fold(entry).split(":")
    infinitive, _, changed = regular.partition("/")
    yield infinitive, "inf"
    for form in irregular:
        yield form, "order"
    root, ending = infinitive[:-2], infinitive[-2:]
    if ending not in ("ar", "er", "ir"):
        yield infinitive, "order"
        return
    yield root + ("ando" if ending == "ar" else "iendo"), "ing"
    for form in ("o", "a", "os", "as"):
        yield root + ("ad" if ending == "ar" else "id") + form, "done"
    yield root + ending[0] + "d", "order"
    for item in {root, changed or root}:
        yield item + ("a" if ending == "ar" else "e"), "order"
        yield item + ("as" if ending == "ar" else "es"), "you"
        yield item + ("a" if ending == "ar" else "e"), "you"
        soft = _soften(item) + "e" if ending == "ar" else item + "a"
        yield soft, "order"
        yield from ((soft + end, "wish") for end in ("", "s", "mos", "n", "is"))
    if ending == "ar" and not irregular:
        yield root + "ais", "you"


def _english(verb: str) -> Iterator[tuple[str, str]]:
    yield from ((verb, mood) for mood in ("order", "inf", "wish", "you"))
    if "_" in verb:
        return
    root = verb[:-1] if verb.endswith("e") else verb
    yield root + "ing", "ing"
    yield (verb[:-1] + "ied" if verb[-1] == "y" and verb[-2] not in "aeo" else root + "ed"), "done"
    if len(verb) <= 4 and verb[-1] in "tpng" and verb[-2] in "aeiou":
        yield verb + verb[-1] + "ing", "ing"


def _soften(root: str) -> str:
    """Returns the spelling before e that keeps the sound: multiplique, pague, localice."""
    if root.endswith("c"):
        return root[:-1] + "qu"
    if root.endswith("g"):
        return root + "u"
    return root[:-1] + "c" if root.endswith("z") else root
