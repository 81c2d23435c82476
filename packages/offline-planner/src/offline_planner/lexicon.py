"""What one word means to the planner: its concepts, its language and its part in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, cast

import msgspec

from .concepts import CONCEPTS, CURRENCY_CODES, Concept
from .inflection import CLITICS, PERSONAL, english_verb, noun, spanish_verb

Language = Literal["es", "en"]
Part = Literal["", "action", "function", "filler", "operator", "reference", "strong", "weak", "question"]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A word of the lexicon.

    `part` is what the word does; `clitic` is a pronoun hung on a Spanish verb ("lo", "le") that stands for
    something said before; `many` marks a reference to several results; `operation` goes with part `operator`.
    """

    part: Part = ""
    concepts: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()
    clitic: str = ""
    many: bool = False
    operation: str = ""


NOTHING = Entry()

_FUNCTION_ES = (
    "el la los las un una unos unas de del al a en con sin para que se su sus mi mis tu tus es son esta estan este"
    " estos estas ese esa sea ser fue hay tiene tienen tener lo le les me te nos como si no ya muy hasta desde sobre"
    " hacia segun cuando donde puedes podrias puede quiero quisiera necesito debes dado dada siguiente siguientes"
    " todo toda todos todas mismo misma o u cual cada aquel han ha he yo ella otro otra resulta da"
)
_FUNCTION_EN = (
    "the a an of in into to for with from by on at is are be was were this these those my your our their his her"
    " its do does did have has had can could would will i you we me us as if not no so which where when there"
    " here need want like let lets should following all or up about some any being each same"
)
_FILLER_ES = (
    "hola gracias oye bien vale ok buenas saludos porfa porfavor ahora tambien ademas solo simplemente favor primero"
    " segundo tercero"
)
_FILLER_EN = "hello hi hey thanks please ok okay now also just simply well kindly first second third firstly"
_STRONG_ES = "luego despues entonces finalmente posteriormente seguidamente"
_STRONG_EN = "then afterwards finally next afterward subsequently after"
_QUESTION_ES = "cuanto cuanta que cual cuales quien quienes"
_QUESTION_EN = "what whats who how"
_REFERENCE_ES = "resultado eso esto anterior previo ello"
_REFERENCE_EN = "result it that previous answer"
_MANY_ES = "resultados ambos ambas anteriores"
_MANY_EN = "results them both"
_OPERATORS_ES = {"mas": "add", "menos": "subtract", "por": "multiply", "entre": "divide", "veces": "multiply"}
_OPERATORS_EN = {"plus": "add", "minus": "subtract", "times": "multiply", "over": "divide"}


@lru_cache(maxsize=8192)
def look_up(folded: str) -> Entry:
    """The entry of a folded word, with a hanging pronoun taken off where that leads to a verb; else `NOTHING`."""
    table = _table()
    entry = table.get(folded)
    if entry is not None:
        return entry
    for pattern in CLITICS:
        tail = pattern.search(folded)
        entry = table.get(folded[: tail.start()]) if tail is not None else None
        if tail is not None and entry is not None and entry.part == "action" and "es" in entry.languages:
            return _with_pronoun(entry, tail.group())
    return NOTHING


def _with_pronoun(entry: Entry, pronoun: str) -> Entry:
    if pronoun in PERSONAL:
        # "cuéntame un chiste" asks for telling, not for counting.
        return Entry("action", tuple(name for name in entry.concepts if name != "count"), ("es",))
    many = pronoun.endswith("s") and pronoun != "les"
    return Entry("action", entry.concepts, ("es",), clitic="le" if pronoun in ("le", "les") else "lo", many=many)


@lru_cache(maxsize=1)
def _table() -> dict[str, Entry]:
    """Every word form; built on first use. Words of grammar win over verbs ("para", "una", "de")."""
    concepts: dict[str, dict[str, None]] = {}
    languages: dict[str, dict[Language, None]] = {}
    actions: set[str] = set()
    for row in CONCEPTS:
        for language, verbs, nouns in _forms(row):
            actions.update(verbs, nouns if row.operation else ())
            for form in (*verbs, *nouns):
                concepts.setdefault(form, {})[row.name] = None
                languages.setdefault(form, {})[language] = None
    table = {
        form: Entry("action" if form in actions else "", tuple(names), tuple(languages[form]))
        for form, names in concepts.items()
    }
    for code in CURRENCY_CODES.split():
        table[code] = Entry("", ("currency",))
    table.update(_grammar())
    return table


def _forms(row: Concept) -> Iterator[tuple[Language, list[str], list[str]]]:
    """The verb forms and the nouns of a concept, by language."""
    for language, verb_forms, verbs, words in (
        ("es", spanish_verb, row.verbs_es, row.words_es),
        ("en", english_verb, row.verbs_en, row.words_en),
    ):
        yield (
            cast(Language, language),
            [form for verb in verbs.split() for form in verb_forms(verb)],
            [form for word in words.split() for form in noun(word)],
        )


def _grammar() -> dict[str, Entry]:
    """The words of grammar, in both languages where both have them."""
    rows: Iterable[tuple[Part, Language, str, bool]] = (
        ("function", "en", _FUNCTION_EN, False), ("function", "es", _FUNCTION_ES, False),
        ("filler", "en", _FILLER_EN, False), ("filler", "es", _FILLER_ES, False),
        ("strong", "en", _STRONG_EN, False), ("strong", "es", _STRONG_ES, False),
        ("question", "en", _QUESTION_EN, False), ("question", "es", _QUESTION_ES, False),
        ("reference", "en", _REFERENCE_EN, False), ("reference", "es", _REFERENCE_ES, False),
        ("reference", "en", _MANY_EN, True), ("reference", "es", _MANY_ES, True),
        ("weak", "en", "and", False), ("weak", "es", "y e", False),
    )  # fmt: skip
    grammar: dict[str, Entry] = {}
    for part, language, words, many in rows:
        for word in words.split():
            known = grammar.get(word)
            both = (*known.languages, language) if known and language not in known.languages else (language,)
            grammar[word] = Entry(part, languages=both, many=many)
    for word, operation in _OPERATORS_ES.items():
        grammar[word] = Entry("operator", languages=("es",), operation=operation)
    for word, operation in _OPERATORS_EN.items():
        grammar[word] = Entry("operator", languages=("en",), operation=operation)
    grammar["x"] = Entry("operator", operation="multiply")
    # A question word may also count: "¿cuántas palabras…?".
    for word in ("cuantos", "cuantas"):
        grammar[word] = Entry("question", ("count",), ("es",))
    return grammar
