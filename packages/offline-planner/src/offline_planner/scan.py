"""A request laid over one tool: its words, the parameters that have a value, and where the reading stands."""

from __future__ import annotations

from typing import Any

import msgspec

from .cards import Card
from .folding import word_set
from .lexer import Token
from .schema import Parameter
from .texts import Delimited

GRAMMAR = word_set(
    "el la los las un una unos unas the a an de del of al to en in into on at for para con with y e and by por"
    " que se is are es son hay su sus its lo tiene have does do me all's my mi mis llamado llamada named called"
    " titled titulado titulada titulados as como cual what what's cuyo from about sobre there esta"
    " here aqui este this llama it exists there's existe existen registrado registrados tenemos trabajan work"
    " works trabaja whose tengo tienes how's"
)  # fmt: skip
ASKING = word_set(
    "que cual cuales quien quienes cuanto cuantos cuantas como what what's whats which who who's how how's is are hay"
)
NAMED = word_set("llamado llamada llamados llamadas named called titled titulado titulada")
SOFT = {
    # words that say which parameter comes: the concepts of its name
    "en": ("city", "place", "department", "directory", "path", "~location", "timezone", "~channel"),
    "in": ("city", "place", "department", "directory", "path", "~location", "timezone", "~channel"),
    "at": ("place", "city", "time", "date"),
    "to": ("~to", "~recipient", "email", "~destination", "~target", "path", "file"),
    "a": ("~to", "~recipient", "email", "~destination", "~target"),
    "para": ("~to", "~recipient", "email", "title"),
    "from": ("~from", "source", "~origin"),
    "de": ("~from", "source", "~origin", "place", "city", "department"),
    "of": ("place", "city", "department"),
    "for": ("question", "~query", "text", "pattern", "place", "city", "title", "~keyword", "~term"),
    "sobre": ("subject", "question", "~query", "~topic", "~topico"),
    "about": ("subject", "question", "~query", "~topic"),
}
ARTICLES = frozenset(("el", "la", "the", "a", "un", "una"))
LINKS = word_set("= : es is de of a as como del en in to equal")
TO_LIKE = frozenset(("~to", "~recipient", "~destination", "~target"))
_LONG = word_set(
    "text content body message question note comment subject title task ~query ~prompt ~description ~descripcion"
)
PATHS = word_set("path file ~filename directory ~filepath ~pathname source ~destination ~filenam")
_TEXTS = frozenset(("text", "content", "body", "message"))


class Misfit(Exception):
    """The request is not for this tool. `place` is the token that it has no use for."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class Fit(msgspec.Struct, gc=False):
    """A request fitted to a tool: its arguments, what is `missing`, the parameter that is `wrong`, and how well
    it fits. `delimited` is the text that runs to the end of the request, if one does."""

    card: Card
    arguments: dict[str, Any]
    missing: tuple[str, ...] = ()
    wrong: str = ""
    score: int = 0
    delimited: Delimited | None = None


class Scan:
    """The words of `question` from `start` to `end`, read up to `place`. `found` are the values by parameter, `spoken`
    the concepts that were said; `pending` is the parameter whose label was read, `soft` what a preposition points at,
    `last` the parameter that had the last value. `named`: the tool is called by its name."""

    def __init__(self, question: str, tokens: list[Token], card: Card, start: int, end: int, named: bool) -> None:
        self.question, self.tokens, self.card = question, tokens, card
        self.place, self.start, self.end, self.named = start, start, end, named
        self.found: dict[str, Any] = {}
        self.spoken: set[str] = set()
        self.pending: Parameter | None = None
        self.soft: tuple[str, ...] = ()
        self.wrong = ""
        self.delimited: Delimited | None = None
        self.score = 0
        self.has_verb = named
        self.last: Parameter | None = None
        self.possessed = False


def alike(concepts: frozenset[str]) -> frozenset[str]:
    """Returns concepts with those that people use for the same parameter."""
    return concepts | _TEXTS if concepts & _TEXTS else concepts


def is_string(item: Parameter) -> bool:
    return item.kind in ("string", "any") and not item.options


def is_long(item: Parameter) -> bool:
    return bool(item.concepts & _LONG)


def has_form(item: Parameter) -> bool:
    return bool(item.concepts & ({"email", "~url", "~uri", "date"} | PATHS)) or bool(item.options)
