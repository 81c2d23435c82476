"""Comparable terms of a text: without case, accents, endings and fillers, in Spanish and English.

The folding is deliberately coarse. Tool descriptions have a sentence or two, so it matters more that `archivos`,
`archivo`, `file` and `Files` give the same term than that every word keeps its own stem.
"""

from __future__ import annotations

import re
import unicodedata

from mcp_toolbox.search.meanings import MEANINGS

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        """
        a al an and are as at be by can con como cual de del desde do does e el en es esta este esto for from ha hay
        how i in is it its la las le lo los me mi mis my no o of on or para por que se si sin so su sus te that the
        their them then this to tu u un una uno unas unos use uses using with y yo you your want quiero puedes please
        favor need necesito dame give
        """,
    )
)
_ENDINGS = (
    "aciones", "iciones", "ciones", "amientos", "imientos", "amiento", "imiento", "ations", "ation", "acion", "icion",
    "cion", "iendo", "ando", "tions", "tion", "ing", "ados", "adas", "idos", "idas", "ado", "ada", "ido", "ida", "ies",
    "ed", "es", "ar", "er", "ir", "as", "os", "s", "a", "o", "e", "y",
)  # fmt: skip
_OBJECT = re.compile(r"(?<=[aeio])(?:se|me|nos)?(?:l[aeo]s?|me|nos)$")
_SHORTEST_STEM = 3
_MOST_TERMS = 2_000
_LONGEST_TEXT = 20_000


def terms(text: str) -> list[str]:
    """Returns the terms of `text` in order. A word of a group in `MEANINGS` is replaced by the first word of the
    group."""
    parts = _PARTS.findall(_plain(text[:_LONGEST_TEXT]))[:_MOST_TERMS]
    return [_meaning(word) for word in map(str.lower, parts) if word not in _FILLERS]


def _plain(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def _known() -> dict[str, str]:
    """Returns the first word of its group for each word of `MEANINGS` and for each stem; groups that share a stem give
    the first one."""
    groups = [words.split() for words in MEANINGS]
    stems = {_stem(word): words[0] for words in reversed(groups) for word in reversed(words)}
    return stems | {word: words[0] for words in groups for word in words}


_MEANING = _known()


def _meaning(word: str) -> str:
    stem = _stem(word)
    for form in (word, word.removesuffix("s"), word.removesuffix("es"), stem):
        if form in _MEANING:
            return _MEANING[form]
    # A Spanish imperative with its object: `búscalo`, `mándale`.
    bare = _stem(_OBJECT.sub("", word))
    return _MEANING.get(bare, stem)
