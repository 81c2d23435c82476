"""A tool as the planner sees it: what its name, description and JSON Schema say that it does and takes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from . import tokens as counting
from .conversation import Tool
from .folding import fold, word_set
from .leads import NEGATIONS
from .lexicon import is_plural, meanings, nouns, phrases, verb_concepts
from .schema import COMMANDS, Parameter, flattened, read_parameters
from .suite import KNOWN, Known

# A longer definition is analysed each time rather than kept, so that the memory held is bounded.
_KEPT = 16_384
_DESCRIPTION = 240

_NAME_WORD = re.compile(r"[A-ZÁÉÍÓÚÑ]?[a-záéíóúüñ]+|[A-ZÁÉÍÓÚÑ]+(?![a-záéíóúüñ])|\d+")
_SENTENCE_END = re.compile(r"[.:;\n(]")

READING = word_set(
    "get query list show search recall read count calculate convert uppercase lowercase titlecase reverse"
    " translate summarize round"
)  # fmt: skip
"""Verbs in a tool's name that say that it changes nothing."""

_CHANGING_VALUES = frozenset(("convert", "reverse", "round"))
_VALUES = word_set(
    "currency text word number time timezone date upper lower title_case backwards color ~unit ~temperatur"
)
_JOINING = word_set("and y or o then rid")
_EVERY = frozenset(("all",))
_MANY = word_set("search list query recall count")

_SAME = {
    "get": ("show", "tell", "query", "search", "read"),
    "query": ("get", "show", "tell", "search"),
    "list": ("show", "get", "tell", "query", "search"),
    "show": ("get", "tell", "read", "list"),
    "search": ("query", "get", "show"),
    "recall": ("search", "query", "get", "tell"),
    "read": ("show", "get", "tell"),
    "add": ("create", "put_in"),
    "create": ("add", "put_in"),
    "put_in": ("add", "create"),
    "update": ("set",),
    "set": ("update",),
    "publish": ("send",),
    "write": ("put", "create"),
}
"""Verbs that ask for the same thing of a tool, by the verb in its name."""

_ARITHMETIC = {
    "add": ("add", "sum"), "multiply": ("multiply", "product"), "subtract": ("subtract", "difference"),
    "divide": ("divide", "quotient"), "power": ("power", "~power", "~pow"),
}  # fmt: skip
_EMPTY = word_set(
    "information text context number ~current ~to ~the ~two ~by ~of ~my ~a ~data list_noun content result"
    " ~new ~in"
)  # fmt: skip
"""What a name says besides what it is about."""

FORMS = {"upper": "uppercase", "lower": "lowercase", "title_case": "titlecase", "backwards": "reverse"}
UNITS = ("word", "character", "line", "sentence")


class Card(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What one tool is about. `verbs` and `about` are the concepts of its name; `spoken` the words that it may be
    spoken of with besides; `operations` the arithmetic that it does; `form` or `unit` what it does to a text or counts
    in it; `reads` says that it changes nothing, `single` that it works on one thing, so that the plural of its noun
    means something else. `own_verb` is the first word of a name that no vocabulary has.
    `size` is the definition's length in tokens. Cards are compared by
    identity: `read` gives the same one for the same tool."""

    name: str
    title: str
    server: str
    verbs: frozenset[str]
    about: frozenset[str]
    spoken: frozenset[str]
    parameters: tuple[Parameter, ...]
    operations: frozenset[str]
    form: str
    unit: str
    reads: bool
    known: Known | None
    size: int
    own_verb: str = ""
    single: bool = False

    def numeric(self) -> tuple[Parameter, ...]:
        """Returns the parameters that take one number."""
        return tuple(item for item in self.parameters if item.kind in ("number", "integer"))

    def text(self) -> Parameter | None:
        """Returns the one text that it takes, None when there are others or it needs more."""
        texts = [item for item in self.parameters if item.kind in ("string", "any") and not item.options]
        needs = [item for item in self.parameters if item.required]
        return texts[0] if len(texts) == 1 and all(item is texts[0] for item in needs) else None

    def title_in(self, language: str) -> str:
        """Returns what it does, in a language where that is known."""
        known = self.known.titles.get(language) if self.known else None
        return known or self.title

    def does(self, verb: str) -> int:
        """Returns 2 if a verb is the tool's own, 1 if it asks for the same thing, 0 otherwise."""
        if not self.verbs and verb in ("calculate", "get", "show", "tell", "run", "do"):
            return 1
        if verb in self.verbs or (self.known is not None and verb in self.known.verbs):
            return 2
        return int(any(verb in _SAME.get(own, ()) for own in self.verbs))


def read(tool: Tool) -> Card:
    """Returns the tool's card; kept for the next request, since a client offers the same tools each time."""
    schema = msgspec.json.encode(tool.parameters, enc_hook=str)
    if len(schema) + len(tool.description) + len(tool.name) > _KEPT:
        return _analyse(tool.name, tool.description, schema, tool.read_only)
    return _kept(tool.name, tool.description, schema, tool.read_only)


@lru_cache(maxsize=512)
def _kept(name: str, description: str, schema: bytes, read_only: bool | None) -> Card:
    return _analyse(name, description, schema, read_only)


def _analyse(name: str, description: str, schema: bytes, read_only: bool | None) -> Card:
    parsed: Any = msgspec.json.decode(schema)
    title = _SENTENCE_END.split(description.strip(), maxsplit=1)[0].strip()[:_DESCRIPTION]
    parameters = flattened(read_parameters(parsed))
    server, _, own = name[:_DESCRIPTION].rpartition("__")
    words = _words(server, own)
    verbs = frozenset(concept for word in words for concept in verb_concepts(word) if _is_verb(word, words))
    about = _without_verbs(words)
    known = None if server else KNOWN.get(own)
    takes_list = any(item.kind == "array" and item.items in ("number", "integer", "any") for item in parameters)
    operations = _operations(words, parameters, takes_list)
    form = next((verb for noun, verb in FORMS.items() if noun in about or verb in verbs), "")
    unit = next((unit for unit in UNITS if unit in about), "") if "count" in verbs | _noun_verbs(words) else ""
    reads = read_only is not False and (
        known.reads if known is not None
        else bool(operations or form or unit) or _reads(words, verbs, parameters, read_only)
    )  # fmt: skip
    about = about - _EVERY if reads else about
    size = counting.count(name) + counting.count(description) + len(schema) // 4
    own_verb = words[0] if words and not verbs and not nouns(words[0]) and words[0] not in NEGATIONS else ""
    single = known is None and not verbs & _MANY and not any(map(is_plural, words))
    return Card(
        name, title, server, verbs, about, _spoken(known, verbs, about), parameters, operations, form, unit, reads,
        known, size, own_verb, single,
    )  # fmt: skip


def _words(server: str, own: str) -> list[str]:
    """Returns the words of a name, phrases as one ("turn_off"), without the server's name where it is repeated."""
    words = [fold(word) for word in _NAME_WORD.findall(own)]
    if len(words) > 1 and words[0] == fold(server.rpartition("__")[2]):
        del words[0]
    for said, meant in phrases().get(words[0], ()) if words else ():
        if tuple(words[: len(said)]) == said:
            return [meant, *words[len(said) :]]
    return words


def _reads(words: list[str], verbs: frozenset[str], parameters: tuple[Parameter, ...], read_only: bool | None) -> bool:
    """Whether nothing is changed, as the name says: every verb of it reads, and what is converted is a value. What is
    joined or phrased ("read_and_burn", "get_rid_of") may say anything, and so may a command. The server's own word is
    taken where the name does not say otherwise."""
    if not verbs <= READING or _JOINING & set(words):
        return False
    if read_only:
        return True
    if not verbs or any(item.concepts & COMMANDS for item in parameters):
        return False
    left = {one for word in words if not verb_concepts(word) for one in meanings(word)} - _EMPTY - _VALUES
    return not (verbs & _CHANGING_VALUES and left)


def _spoken(known: Known | None, verbs: frozenset[str], about: frozenset[str]) -> frozenset[str]:
    """Returns the concepts that may be said of a tool besides those of its name."""
    if known is not None:
        return known.words
    if "read" in verbs and "file" in about:
        return frozenset(("content", "text"))
    return frozenset(("file",)) if "list" in verbs and "directory" in about else frozenset()


def _is_verb(word: str, words: list[str]) -> bool:
    """Whether a word of a name is its verb: the first word, or one that is no noun."""
    return word == words[0] or not nouns(word)


def _noun_verbs(words: list[str]) -> frozenset[str]:
    return frozenset(("count",)) if {"count", "counter", "conteo"} & set(words) else frozenset()


def _without_verbs(words: list[str]) -> frozenset[str]:
    """Returns what the name is about, its verb left out."""
    kept: set[str] = set()
    for word in words:
        if verb_concepts(word) and _is_verb(word, words) and not (nouns(word) & FORMS.keys()):
            continue
        kept |= meanings(word)
    return frozenset(kept) - _EMPTY


def _operations(words: list[str], parameters: tuple[Parameter, ...], takes_list: bool) -> frozenset[str]:
    numeric = sum(item.kind in ("number", "integer") for item in parameters)
    wants_text = any(item.kind in ("string", "any") and item.required and not item.options for item in parameters)
    if wants_text or (numeric < 2 and not takes_list):
        return frozenset()
    chosen = _chooses(parameters)
    meant = frozenset(concept for word in words for concept in (meanings(word) | verb_concepts(word)))
    arithmetic = frozenset(one for names in _ARITHMETIC.values() for one in names)
    left = {one for word in words if not verb_concepts(word) for one in meanings(word)} - _EMPTY - arithmetic
    if left and not chosen:
        return frozenset()
    found = {concept for concept, names in _ARITHMETIC.items() if meant & set(names)}
    return frozenset(found | chosen)


def _chooses(parameters: tuple[Parameter, ...]) -> frozenset[str]:
    """Returns the operations that an enumerated parameter chooses among."""
    options = [fold(str(option)) for item in parameters for option in item.options]
    return frozenset(
        concept for concept, names in _ARITHMETIC.items()
        if any(verb_concepts(option) & set(names) or nouns(option) & set(names) for option in options)
    )  # fmt: skip
