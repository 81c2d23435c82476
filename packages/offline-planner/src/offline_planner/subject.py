"""Whether a request speaks of a tool: of its noun, of one or several, and what its words of grammar make of that."""

from __future__ import annotations

from .folding import word_set
from .lexer import Token
from .lexicon import is_plural, meanings, nouns
from .scan import ARTICLES, ASKING, SOFT, TO_LIKE, Misfit, Scan
from .schema import Parameter
from .slots import Slots

_ANNOUNCING = word_set("el la lo los the this esto este esta estos siguiente siguientes following in en")
_EVERY = frozenset(("all", "todos", "todas", "every"))
_COUNTING = frozenset(("cuantos", "cuantas", "many", "number", "numero"))
_PREPOSITIONS = word_set("de del of about sobre con with por by para for en in into on from")
_LEADING = _PREPOSITIONS | word_set(
    "el la los las un una unos unas the a an al to at y e and que mi mis my su sus as como"
)
_THE = frozenset(("los", "las", "the"))
_QUANTITIES = word_set("number limit ~count ~top ~quantity ~quantitie ~total")
_HOW_MANY = frozenset(("cuantos", "cuantas", "many"))


class Subject:
    """The tool's own words among those of a request."""

    def __init__(self, scan: Scan, slots: Slots) -> None:
        self._scan = scan
        self._slots = slots

    def is_stated(self, token: Token) -> bool:
        """Whether a request without a verb can be one: a question, or a phrase that begins with the tool's own word."""
        if token.folded in ("is", "are"):
            return self._scan.start + 1 < self._scan.end and self._scan.tokens[self._scan.start + 1].folded == "there"
        if token.folded in ASKING or (self._scan.start > 0 and self._scan.tokens[self._scan.start - 1].kind == "word"):
            return True
        return bool(meanings(token.folded) & (self._scan.card.about | self._scan.card.spoken))

    def speaks_of_it(self) -> bool:
        about, known, spoken = self._scan.card.about, self._scan.card.known, self._scan.spoken
        if self._counts_in_vain():
            return False
        spoken = spoken | (self._named_by_path() & about)
        self._scan.score += 2 * len(about & spoken)
        counting = any(token.folded in _COUNTING for token in self._scan.tokens[self._scan.start : self._scan.end])
        if about <= spoken and counting and known is not None and known.counted & spoken:
            self._scan.score += 1
        if about <= spoken and (about or self._scan.score >= 8):
            return True
        if known is None:
            return False
        if counting and known.counted & spoken:
            self._scan.score += 2
            return True
        return bool(known.enough & spoken)

    def _counts_in_vain(self) -> bool:
        """Whether a number of things is asked for, which a tool that finds one thing by a value does not tell."""
        card, words = self._scan.card, self._scan.tokens[self._scan.start : self._scan.end]
        told = card.verbs & {"count", "list"} or (card.known is not None and card.known.counted & self._scan.spoken)
        return not told and bool(self._scan.found) and any(token.folded in _HOW_MANY for token in words)

    def _named_by_path(self) -> frozenset[str]:
        """What a path says of itself: with an extension it is a file; without, whatever the tool's own verb is for."""
        scan = self._scan
        tokens = scan.tokens[scan.start : scan.end]
        paths = [
            token.text for token in tokens if token.kind == "path" or (token.kind == "quote" and "." in token.text)
        ]
        if not paths:
            return frozenset()
        if not scan.has_verb:
            return self._asked_of_path(tokens)
        if all("." in path.replace("\\", "/").rsplit("/", 1)[-1][1:] for path in paths):
            return frozenset(("file",))
        return frozenset(("file", "directory")) if self._scan.score >= 8 else frozenset()

    def _asked_of_path(self, tokens: list[Token]) -> frozenset[str]:
        """ "What's in notes.txt?" is asked of a file, "what files are in /tmp?" of a directory."""
        if len(tokens) < 3 or tokens[-1].kind != "path" or tokens[-2].folded not in ("in", "en", "dice", "says"):
            return frozenset()
        listing = "list" in self._scan.card.verbs and "file" in self._scan.spoken
        reading = "read" in self._scan.card.verbs and "." in tokens[-1].text and not self._scan.spoken
        return frozenset(("directory",)) if listing else frozenset(("file",)) if reading else frozenset()

    def suits(self, parameter: Parameter, after: int) -> bool:
        """Whether a number without a label can be a parameter's: "5 orders" is a quantity and no order's id, and
        "EUR to 100 USD" says what the result is to be."""
        counts_own = self.precedes_noun(after) and not parameter.concepts & _QUANTITIES
        directed = set(self._scan.soft) & TO_LIKE and any(
            item.concepts & TO_LIKE for item in self._scan.card.parameters
        )
        scaled = self._scan.tokens[self._scan.place - 1].folded in ("by", "times")
        return not (counts_own or directed or scaled)

    def dangles(self, token: Token) -> bool:
        """Whether a word of grammar is the last, so that what it leads to is missing: "delete the file of"."""
        if any(item.kind != "mark" for item in self._scan.tokens[self._scan.place + 1 : self._scan.end]):
            return False
        return token.folded in _LEADING and not (self._scan.card.reads and token.folded in SOFT)

    def misplaced(self, token: Token) -> bool:
        """Whether a preposition makes something else of what is to be changed: "delete from the file a.txt", "the order
        about 5"."""
        scan = self._scan
        if scan.card.reads or token.folded not in _PREPOSITIONS:
            return False
        ahead = [item for item in scan.tokens[scan.place + 1 : scan.end] if item.folded not in ARTICLES]
        value = bool(ahead) and ahead[0].kind not in ("word", "mark")
        if scan.place == scan.start + 1:
            own = bool(ahead) and bool(meanings(ahead[0].folded) & scan.card.about)
            return (value or own) and sum(item.required for item in scan.card.parameters) == 1
        behind_noun = bool(meanings(scan.tokens[scan.place - 1].folded) & scan.card.about)
        leads_to = any(item.concepts & set(SOFT.get(token.folded, ())) for item in scan.card.parameters)
        several = ahead[:1] and ahead[0].kind == "number" and len(scan.card.numeric()) > 1  # "the gcd of 12 and 18"
        return behind_noun and value and not leads_to and not several

    def is_new(self, token: Token) -> bool:
        """Whether "new" stands before the tool's noun."""
        return token.folded in ("new", "nuevo", "nueva") and self.precedes_noun(self._scan.place + 1)

    def is_of_all(self, token: Token) -> bool:
        """Whether "all" stands before the tool's noun: a list without a filter is one of all; of a tool that changes
        something it is asked."""
        place = self._scan.place + 1
        place += place < self._scan.end and self._scan.tokens[place].folded in _THE
        return token.folded in _EVERY and self._scan.card.reads and self.precedes_noun(place)

    def refuse_plural(self, token: Token) -> None:
        """Refuses "ban users Ana and Bob", "what files are in /tmp" to a tool that works on one user or file."""
        card = self._scan.card
        if card.single and meanings(token.folded) & card.about and is_plural(token.folded):
            raise Misfit(self._scan.place)

    def precedes_noun(self, place: int) -> bool:
        """Whether the tool's own noun stands at `place`."""
        following = self._scan.tokens[place] if place < self._scan.end else None
        return following is not None and bool(meanings(following.folded) & self._scan.card.about)

    def is_in_name(self, token: Token) -> bool:
        """ "Empresa X": the tool's own noun in capitals, with a name behind it, is part of the name."""
        follows = self._scan.tokens[self._scan.place + 1] if self._scan.place + 1 < self._scan.end else None
        capital = token.text[:1].isupper() and not token.text.isupper() and self._scan.place > self._scan.start
        if not capital or follows is None or follows.kind not in ("word", "number") or self._slots.pointed() is None:
            return False
        return follows.text[:1].isupper() or follows.text.isdigit() or len(follows.text) == 1

    def begins_value(self, token: Token) -> bool:
        """An article in capitals behind a label is part of a name: "ciudad La Paz"."""
        before = self._scan.tokens[self._scan.place - 1] if self._scan.place > self._scan.start else None
        initial = (
            len(token.text) == 1 and before is not None and before.text[:1].isupper() and not before.text.isupper()
        )
        return token.text[:1].isupper() and (initial or (self._scan.pending is not None and before is not None))

    def colon_ahead(self) -> int:
        """The place of a colon behind words that only announce a text: "el siguiente texto:", "this:"; or 0."""
        for place in range(self._scan.place, min(self._scan.place + 5, self._scan.end)):
            token = self._scan.tokens[place]
            if token.text == ":":
                return place if place > self._scan.place and self._slots.free_text() is not None else 0
            if token.folded not in _ANNOUNCING and not nouns(token.folded) & {"text", "information", "message", "note"}:
                return 0
        return 0

    def precedes_label(self, item: Parameter) -> bool:
        """Whether a parameter's own word and then a quote follow: "with the content "hola"."."""
        ahead = self._scan.tokens[self._scan.place + 1 : self._scan.end][:2]
        return len(ahead) == 2 and ahead[1].kind == "quote" and bool(meanings(ahead[0].folded) & item.concepts)
