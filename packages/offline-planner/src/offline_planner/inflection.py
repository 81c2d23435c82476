"""The forms that a Spanish or English verb or noun takes in a request, with accents folded away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .folding import fold

# Pronouns that Spanish hangs on a verb: "multiplícalo", "súmale", "dámelo". All but me, nos and se stand for
# something said before. One is tried before two, since "conviértelo" is "convierte" and not "convier".
CLITICS = (
    re.compile(r"(?<=..)(?:lo|la|los|las|le|les|me|nos|se)$"),
    re.compile(r"(?<=..)(?:me|te|se|nos)(?:lo|la|los|las)$"),
)
PERSONAL = frozenset({"me", "nos", "se"})


def spanish_verb(entry: str) -> Iterator[str]:
    """Forms of the verb `infinitive` or `infinitive/stem`: imperatives (tú, vos, usted), infinitive, present,
    participle and gerund."""
    infinitive, _, changed = fold(entry).partition("/")
    root, ending = infinitive[:-2], infinitive[-2:]
    if ending not in ("ar", "er", "ir"):  # an irregular imperative written out, such as "haz"
        yield infinitive
        return
    stems = {root, changed or root}
    yield infinitive
    if ending == "ar":
        for item in stems:
            yield from (item + end for end in ("a", "as", "an", "o"))
            yield from (_soften(item) + end for end in ("e", "es", "en"))
        yield from (root + end for end in ("amos", "ad", "ado", "ada", "ados", "adas", "ando"))
        yield _soften(root) + "emos"
    else:
        for item in stems:
            yield from (item + end for end in ("e", "es", "en", "a", "as", "an", "o"))
        yield from (root + end for end in ("emos", "imos", "ed", "id", "ido", "ida", "idos", "idas", "iendo"))
        yield root + ending[0]


def english_verb(verb: str) -> Iterator[str]:
    """The verb with -s, -ed and -ing, its last consonant doubled where a short verb may do so."""
    yield verb
    if verb.endswith("y") and verb[-2] not in "aeo":
        yield from (verb[:-1] + "ies", verb[:-1] + "ied", verb + "ing")
        return
    if verb.endswith("e"):
        yield from (verb + "s", verb + "d", verb[:-1] + "ing")
        return
    yield verb + ("es" if verb.endswith(("s", "x", "ch", "sh")) else "s")
    yield from (verb + "ed", verb + "ing")
    if len(verb) <= 4 and verb[-1] not in "wxy":
        yield from (verb + verb[-1] + "ed", verb + verb[-1] + "ing")


def noun(word: str) -> Iterator[str]:
    """The noun and its plural in either language."""
    folded = fold(word)
    yield folded
    if folded.endswith("s"):
        return
    if folded.endswith("y"):
        yield folded[:-1] + "ies"
    elif folded[-1] in "aeiou":
        yield folded + "s"
    else:
        yield from (folded + "es", folded + "s")


def _soften(root: str) -> str:
    """The spelling before e that keeps the sound: multiplicar, multiplique; pagar, pague; localizar, localice."""
    if root.endswith("c"):
        return root[:-1] + "qu"
    if root.endswith("g"):
        return root + "u"
    if root.endswith("z"):
        return root[:-1] + "c"
    return root
