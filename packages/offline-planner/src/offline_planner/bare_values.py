"""Values that are neither quoted nor an address: which of the words belong to them, and whether they can be taken."""

from __future__ import annotations

from .folding import word_set
from .lexer import Token
from .lexicon import is_function_word, meanings, verb_concepts, verbs
from .plan import Previous
from .scan import ASKING, GRAMMAR, NAMED, SOFT, Misfit, Scan, alike, is_long, is_string
from .schema import Parameter
from .slots import Slots
from .sums import Sums
from .texts import CLAUSE as _CLAUSE
from .texts import DESCRIBING as _DESCRIBING

_IN_NAMES = word_set("de del la y of and & the los e")
_PARTICLES = word_set("van von der di da do dos el al bin san santa")
_CONNECTIVES = word_set("y e and & luego then despues , ;")
_NAMING = frozenset(("name", "title", "department", "position"))
_WHEN = word_set(
    "tomorrow today tonight later soon yesterday again instead only just both other another last next old maybe"
    " almost until before after because while though but manana hoy pronto ayer otra solo ambos ultimo proximo quiza"
    " casi hasta antes tras porque mientras aunque pero without sin"
)
_ABBREVIATED = word_set("inc ltd co corp sl sa jr sr dr")
_OPENING = frozenset(("que", "that"))
_RESULTS = word_set("resultado resultados result results")
_PLACES = frozenset(("city", "place", "country", "~location"))
_STOPS = word_set("si if unless except excepto salvo menos when cuando all todos todas todo every cada no not o u or")


class BareValues:
    """Takes bare words as the value of a parameter."""

    def __init__(self, scan: Scan, slots: Slots, sums: Sums) -> None:
        self._scan = scan
        self._slots = slots
        self._sums = sums

    def take(self) -> None:
        """Takes a stretch of words for the parameter that is labelled, or that the words before it point at."""
        parameter = self._scan.pending or self._slots.pointed()
        if parameter is not None and self._is_result(parameter):
            return
        if not (self._scan.pending or self._scan.spoken or self._scan.has_verb):
            raise Misfit(self._scan.place)
        if parameter is None or parameter.kind not in ("string", "any", "array"):
            raise Misfit(self._scan.place)
        after = self._stretch(parameter)
        begin, tokens = self._scan.place, self._scan.tokens[self._scan.place : after]
        text = self._scan.question[self._with_article(parameter) : self._with_point(tokens[-1])]
        free = not self._scan.card.reads and self._scan.pending is None and is_long(parameter)
        if free and not self._states(tokens):
            raise Misfit(begin)
        if free and self._announces(tokens):
            raise Misfit(begin)
        if tokens[0].folded in _STOPS or not self._is_clean(tokens, parameter, after):
            raise Misfit(begin)
        self._scan.found[parameter.name] = [text] if parameter.kind == "array" else text
        self._scan.pending, self._scan.soft, self._scan.place, self._scan.last = None, (), after, parameter

    def _with_point(self, last: Token) -> int:
        """Where a value ends: an abbreviation ("S.A.", "Inc.") keeps its last point."""
        point = self._scan.question[last.end : last.end + 1] == "."
        return last.end + (point and ("." in last.text or last.folded in _ABBREVIATED))

    def _announces(self, tokens: list[Token]) -> bool:
        """Whether bare words only lead up to a text ("never that …"), or begin with another order."""
        orders = [verb for verb in verbs(tokens[0].folded, tokens[0].ending()) if "order" in verb.moods]
        return any(token.folded in _OPENING for token in tokens[:3]) or any("inf" not in verb.moods for verb in orders)

    def _states(self, tokens: list[Token]) -> bool:
        """Whether bare words say something to keep, rather than name a thing: "my code is 5", but not "my birthday"."""
        said = {token.folded for token in tokens}
        digits = any(sign.isdigit() for token in tokens for sign in token.text)
        before = self._scan.tokens[self._scan.place - 1].folded
        if "save" in self._scan.card.verbs and before in ("to", "a"):
            return False
        if "save" in self._scan.card.verbs and len(tokens) == 1 and self._scan.place == self._scan.start + 1:
            return digits  # "guarda silencio"
        describes = before in _DESCRIBING or tokens[0].folded in _DESCRIBING
        return digits or bool(said & _CLAUSE) or not describes

    def _is_result(self, parameter: Parameter) -> bool:
        """ "memoriza el resultado": what was said before as a text."""
        if not is_string(parameter):
            return False
        for tree, after in self._sums.reference(self._scan.place, self._scan.end):
            if tree == Previous() and (after == self._scan.end or self._begins_address(after)):
                self._scan.found[parameter.name], self._scan.pending, self._scan.place = tree, None, after
                return True
        return False

    def _begins_address(self, place: int) -> bool:
        """ "… el resultado en notas.txt": what follows a value says where it goes."""
        tokens = self._scan.tokens[place : self._scan.end]
        return len(tokens) == 2 and tokens[0].folded in ("en", "in", "to", "into", "a") and tokens[1].kind == "path"

    def _with_article(self, parameter: Parameter) -> int:
        """Where a value begins: nothing is cut from a free text, and a name of one letter keeps its noun."""
        place, before = (
            self._scan.place,
            self._scan.tokens[self._scan.place - 1] if self._scan.place > self._scan.start else None,
        )
        if before is None:
            return self._scan.tokens[place].start
        if is_long(parameter) and before.folded in (
            "el",
            "la",
            "los",
            "las",
            "the",
            "un",
            "una",
            "a",
            "an",
            "mi",
            "my",
        ):
            return before.start
        article = before.folded in ("la", "los", "las", "el", "the")
        if parameter.concepts & _PLACES and article and self._scan.tokens[place].folded not in GRAMMAR:
            return before.start
        token = self._scan.tokens[place]
        single = len(token.text) == 1 and token.kind == "word" and token.text not in ("y", "e", "o", "u", "a")
        return (
            before.start
            if single and meanings(before.folded) & self._scan.card.about
            else self._scan.tokens[place].start
        )

    def _stretch(self, parameter: Parameter) -> int:
        """The place behind the words of a value: a capitalised name, or words up to a label or the end."""
        place = self._scan.place
        if self._scan.tokens[place].text[:1].isupper() and not is_long(parameter):
            return self._name_end(place)
        while place < self._scan.end:
            token = self._scan.tokens[place]
            if place > self._scan.place and token.kind in ("quote", "email", "path", "url"):
                break
            if token.kind == "mark" and token.text in ",;()=:.!?\n":
                break
            if place > self._scan.place and (token.folded in NAMED or self._begins_label(place)):
                break
            place += 1
        return max(place, self._scan.place + 1)

    def _name_end(self, place: int) -> int:
        after = place + 1
        while after < self._scan.end:
            token = self._scan.tokens[after]
            follows = self._scan.tokens[after + 1] if after + 1 < self._scan.end else None
            joins = token.folded in ("de", "del", "la", "y", "of", "and", "&", "the", "los", "e", "-")
            if token.kind in ("word", "number", "path") and (token.text[:1].isupper() or token.text[:1].isdigit()):
                if self._is_label_word(after) and token.text[:1].islower():
                    break
                after += 1
            elif joins and follows is not None and follows.kind == "word" and follows.text[:1].isupper():
                if token.folded in ("y", "and", "e") and (
                    meanings(follows.folded) & self._scan.card.about or self._scan.pending is None
                ):
                    break  # two names, or one: what it is should be said in quotes
                after += 2
            elif (
                token.kind == "word"
                and len(token.text) == 1
                and token.glued is False
                and token.text.isalpha()
                and token.folded not in ("a", "y", "e", "o")
            ):
                after += 1
            else:
                break
        return after

    def _begins_label(self, place: int) -> bool:
        """Whether a parameter's label begins here, with its connective or without: "with email"."""
        word = self._scan.tokens[place].folded
        if word in ("with", "con", "y", "and", "en", "in", "de", "to", "a", "from", "para", "del", "al", "as", "como"):
            ahead = place + 1
            while ahead < self._scan.end and self._scan.tokens[ahead].folded in (
                "el",
                "la",
                "the",
                "un",
                "una",
                "a",
                "an",
                "su",
            ):
                ahead += 1
            soft = set(SOFT.get(word, ())) & {"~to", "~from", "~recipient", "~destination", "~target"}
            open_ = [
                item
                for item in self._scan.card.parameters
                if item.name not in self._scan.found and item is not self._scan.pending
            ]
            if any(item.required and item.concepts & soft for item in open_):
                return True
            return self._is_label_word(place) or (ahead < self._scan.end and self._is_label_word(ahead))
        return self._is_label_word(place) and not self._is_pending_word(place)

    def _is_pending_word(self, place: int) -> bool:
        return self._scan.pending is not None and bool(
            meanings(self._scan.tokens[place].folded) & self._scan.pending.concepts
        )

    def _is_label_word(self, place: int) -> bool:
        token = self._scan.tokens[place]
        if token.kind in ("email", "path", "url", "quote"):
            return True
        meant = alike(meanings(token.folded))
        return any(
            meant & item.concepts
            for item in self._scan.card.parameters
            if item.name not in self._scan.found and item is not self._scan.pending
        )

    def _is_clean(self, tokens: list[Token], parameter: Parameter, after: int) -> bool:
        """Whether a bare value can be taken: of a tool that changes something only a name, a word or a free text."""
        words = [token.folded for token in tokens]
        if (
            words[-1] in _RESULTS
            or (not self._scan.card.reads and _RESULTS & set(words))
            or any(self.commands(place) for place in range(self._scan.place + 1, after))
        ):
            return False
        if all(
            token.text[:1].isupper() or word in _IN_NAMES or len(word) == 1
            for token, word in zip(tokens, words, strict=True)
        ):
            return True
        if _STOPS & set(words) and not (self._scan.card.reads and is_long(parameter)):
            return False
        if is_long(parameter):
            return self._scan.has_verb or self._asks()
        if self._describes() or self._qualifies(tokens):
            return False
        plain = not any(is_function_word(word) or verb_concepts(word) for word in words)
        several = 4 if parameter.concepts & _NAMING else 3
        most = several if parameter.concepts & (_PLACES | _NAMING) and not _WHEN & set(words) else 1
        return plain and len(words) <= most and (self._scan.has_verb or self._asks() or self._scan.pending is not None)

    def _describes(self) -> bool:
        """Whether the words before say that a thing is described and not named: "la empresa de mi padre"."""
        before = [
            token.folded for token in self._scan.tokens[max(self._scan.start, self._scan.place - 2) : self._scan.place]
        ]
        return bool({"mi", "mis", "my", "tu", "tus", "your", "su", "sus", "que", "that"} & set(before[-1:]))

    def _qualifies(self, tokens: list[Token]) -> bool:
        """Whether a word that is no name stands before one: "the other Ana", but "de la Cruz", "ana garcía"."""
        first, rest = tokens[0], tokens[1:]
        return (
            first.text[:1].islower()
            and first.folded not in _IN_NAMES | _PARTICLES
            and any(token.text[:1].isupper() for token in rest)
        )

    def commands(self, place: int) -> bool:
        """Whether another order begins at a place: a verb behind a connective."""
        token, before = self._scan.tokens[place], self._scan.tokens[place - 1]
        if before.folded not in _CONNECTIVES or token.kind != "word":
            return False
        return any("order" in verb.moods for verb in verbs(token.folded, token.ending()))

    def _asks(self) -> bool:
        return self._scan.tokens[self._scan.start].folded in ASKING or self._scan.start > 0 or self._scan.soft != ()
