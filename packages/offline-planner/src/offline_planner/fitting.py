"""Fitting a request to one tool by the tool's own words: every word has to be the tool's, a value of its, or grammar.

Values go to parameters by their label ("with email …", "path=…"), by their form (an address, a number, an enumerated
value) or by standing behind the tool's own noun. What is left over makes the tool unfit.
"""

from __future__ import annotations

from typing import Any

from .bare_values import BareValues
from .cards import Card
from .folding import fold, word_set
from .lexer import Token
from .lexicon import is_plural, meanings, nouns, verbs
from .numbers import NUMBER_WORDS, Reader
from .plan import Previous
from .scan import ASKING, GRAMMAR, NAMED, SOFT, TO_LIKE, Fit, Misfit, Scan, alike, is_long, is_string
from .schema import COMMANDS, Parameter
from .slots import Slots
from .sums import Sums
from .texts import Delimited, Texts

_COUNTING = frozenset(("cuantos", "cuantas", "many", "number", "numero"))
_ASKED_WITH = word_set(
    "cuantos cuantas quien quienes cual cuales who which how many much tenemos hace your tu tus current actual now"
    " ahora today hoy right did does"
)
_LINKS = word_set("= : es is de of a as como del en in to equal")
_JOINS = word_set("con with y and e me por con")
_ANNOUNCING = word_set("el la lo los the this esto este esta estos siguiente siguientes following in en")
_EVERY = frozenset(("all", "todos", "todas"))
_PREPOSITIONS = word_set("de del of about sobre con with por by para for en in into on from")
_LEADING = _PREPOSITIONS | word_set(
    "el la los las un una unos unas the a an al to at y e and que mi mis my su sus as como"
)
_ARTICLES = frozenset(("el", "la", "the", "a", "un", "una"))
_THE = frozenset(("los", "las", "the"))
_QUANTITIES = word_set("number limit ~count ~top ~quantity ~quantitie ~total")
_NUMBERING = frozenset(("number", "numero"))
_HOW_MANY = frozenset(("cuantos", "cuantas", "many"))
_COURTESIES_WITHIN = frozenset(("please", "porfa", "porfavor", "pls"))
_YES = frozenset(["si", "yes", "true", "verdadero", "on"])
_NO = frozenset(["no", "false", "falso", "off"])


class Fitter:
    """Fits one request's tokens to tools."""

    def __init__(self, question: str, tokens: list[Token], reader: Reader, sums: Sums, texts: Texts) -> None:
        self._question = question
        self._tokens = tokens
        self._reader = reader
        self._sums = sums
        self._texts = texts

    def fit(self, card: Card, start: int, end: int, *, named: bool = False) -> Fit:
        """Returns the fit of a tool. `named`: the tool is called by its name, and only values follow.

        Raises:
            Misfit: a word is left over, or the request does not speak of this tool.
            Unclear: a number has more than one reading.
        """
        scan = Scan(self._question, self._tokens, card, start, end, named)
        return _Fitting(scan, self._reader, self._sums, self._texts).fit()


class _Fitting:
    """The words of a request laid over one tool, from left to right."""

    def __init__(self, scan: Scan, reader: Reader, sums: Sums, texts: Texts) -> None:
        self._scan = scan
        self._reader = reader
        self._texts = texts
        self._slots = Slots(scan)
        self._values = BareValues(scan, self._slots, sums)

    def fit(self) -> Fit:
        if not self._scan.named:
            self._take_verb()
        while self._scan.place < self._scan.end:
            self._step()
        if not self._scan.named and not self._speaks_of_it():
            raise Misfit(self._scan.start)
        lacking = tuple(
            item.name for item in self._scan.card.parameters if item.required and item.name not in self._scan.found
        )
        if self._scan.pending is not None and self._scan.pending.name not in self._scan.found and not lacking:
            raise Misfit(self._scan.end - 1)
        if self._scan.possessed and not self._scan.found and not lacking:
            raise Misfit(self._scan.end - 1)
        ordered: dict[str, Any] = {}
        for item in self._scan.card.parameters:
            if item.name in self._scan.found:
                (ordered.setdefault(item.inside, {}) if item.inside else ordered)[item.name] = self._scan.found[
                    item.name
                ]
        return Fit(self._scan.card, ordered, lacking, self._scan.wrong, self._scan.score, self._scan.delimited)

    def _take_verb(self) -> None:
        token = self._scan.tokens[self._scan.start]
        does = 2 if token.folded == self._scan.card.own_verb and token.kind == "word" else 0
        self._scan.spoken |= {one for one in meanings(token.folded) if does}
        for verb in verbs(token.folded, token.ending()) if token.kind == "word" else ():
            clitic = verb.clitic not in ("", "me", "nos")
            text = self._slots.free_text() if clitic and verb.clitic in ("lo", "la") else None
            if (
                verb.moods & {"order", "inf", "wish", "you"}
                and self._scan.card.does(verb.concept)
                and (text or not clitic)
            ):
                does = max(does, self._scan.card.does(verb.concept))
                if text is not None:
                    self._scan.found[text.name] = Previous()
                self._scan.spoken |= {"employee"} if verb.concept == "hire" else set()
        self._scan.has_verb = bool(does)
        if does:
            self._scan.score += 4 * does
            self._scan.place += 1
            ahead = self._scan.tokens[self._scan.place : self._scan.end - 1]
            self._scan.place += bool(ahead) and ahead[0].folded in _COURTESIES_WITHIN
        elif not self._scan.card.reads or not self._is_stated(token):
            raise Misfit(self._scan.start)

    def _is_stated(self, token: Token) -> bool:
        """Whether a request without a verb can be one: a question, or a phrase that begins with the tool's own word."""
        if token.folded in ("is", "are"):
            return self._scan.start + 1 < self._scan.end and self._scan.tokens[self._scan.start + 1].folded == "there"
        if token.folded in ASKING or (self._scan.start > 0 and self._scan.tokens[self._scan.start - 1].kind == "word"):
            return True
        return bool(meanings(token.folded) & (self._scan.card.about | self._scan.card.spoken))

    def _speaks_of_it(self) -> bool:
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

    def _step(self) -> None:
        token = self._scan.tokens[self._scan.place]
        if token.kind == "mark":
            self._mark(token)
        elif token.kind in ("quote", "email", "url", "path", "day"):
            self._take(self._slots.parameter_for(token), token.text)
        elif token.kind == "number" or self._is_number_word():
            self._number()
        else:
            self._word(token)

    def _is_number(self, place: int) -> bool:
        return place < self._scan.end and self._scan.tokens[place].kind == "number"

    def _mark(self, token: Token) -> None:
        last = self._scan.place + 1 == self._scan.end
        if token.text == "#" and self._scan.spoken and self._is_number(self._scan.place + 1):
            self._scan.place += 1
        elif token.text in ",;()\n":
            self._scan.pending = None if token.text != "(" else self._scan.pending
            self._scan.place += 1
        elif token.text == ":" and (self._scan.pending is not None or self._slots.free_text() is not None):
            self._behind_colon()
        elif (
            (token.text == ":" and self._scan.spoken and not last)
            or (token.text == "=" and self._scan.pending is not None)
            or (token.text in ".!?" and last)
        ):
            self._scan.place += 1
        else:
            raise Misfit(self._scan.place)

    def _behind_colon(self) -> None:
        """A label's value, or the whole rest of the request as the tool's text."""
        following = self._scan.tokens[self._scan.place + 1] if self._scan.place + 1 < self._scan.end else None
        parameter = self._scan.pending or self._slots.free_text()
        if parameter is None or following is None:
            raise Misfit(self._scan.place)
        if self._scan.pending is not None and not (is_long(parameter) or parameter.concepts & COMMANDS):
            self._scan.place += 1
            return
        value = self._texts.value(self._scan.place, self._scan.end)
        if value is None:
            raise Misfit(self._scan.place)
        self._give_text(parameter, value)

    def _give_text(self, parameter: Parameter, value: Any) -> None:
        if isinstance(value, Delimited):
            self._scan.delimited, value = value, value.text
        self._scan.found[parameter.name], self._scan.pending, self._scan.place = value, None, self._scan.end

    def _take(self, parameter: Parameter, value: Any) -> None:
        self._scan.found[parameter.name] = [value] if parameter.kind == "array" else value
        self._scan.pending, self._scan.soft, self._scan.last = None, (), parameter
        self._scan.place += 1

    def _is_number_word(self) -> bool:
        word = self._scan.tokens[self._scan.place].folded
        if word not in NUMBER_WORDS and word not in ("menos", "minus"):
            return False
        return self._slots.numeric() is not None

    def _number(self) -> None:
        place, sign = self._scan.place, 1
        if self._scan.tokens[place].text in ("menos", "minus"):
            place, sign = place + 1, -1
        parameter = self._slots.numeric()
        number = self._reader.read(place)
        if number is None or number.after > self._scan.end:
            raise Misfit(self._scan.place)
        if parameter is not None and self._scan.pending is None and not self._suits(parameter, number.after):
            raise Misfit(self._scan.place)
        if parameter is None:
            if not (self._scan.has_verb or self._scan.pending):
                raise Misfit(self._scan.place)
            self._values.take()
            return
        value = sign * number.value
        if parameter.kind == "integer" and value != value.to_integral_value():
            self._scan.wrong = parameter.name
        self._scan.found[parameter.name] = [value] if parameter.kind == "array" else value
        self._scan.pending, self._scan.soft, self._scan.place = None, (), number.after

    def _suits(self, parameter: Parameter, after: int) -> bool:
        """Whether a number without a label can be a parameter's: "5 orders" is a quantity and no order's id, and
        "EUR to 100 USD" says what the result is to be."""
        counts_own = self._precedes_noun(after) and not parameter.concepts & _QUANTITIES
        directed = set(self._scan.soft) & TO_LIKE and any(
            item.concepts & TO_LIKE for item in self._scan.card.parameters
        )
        scaled = self._scan.tokens[self._scan.place - 1].folded in ("by", "times")
        return not (counts_own or directed or scaled)

    def _word(self, token: Token) -> None:
        parameter = self._option(token)
        if parameter is not None:
            return
        label = self._label()
        if label is not None:
            return
        if self._scan.place > self._scan.start and self._values.commands(self._scan.place):
            raise Misfit(self._scan.place)
        colon = self._colon_ahead() if self._scan.pending is None else 0
        if colon:
            self._scan.place = colon
            return
        if self._begins_long(token):
            self._values.take()
            return
        meant = meanings(token.folded)
        own = meant & (self._scan.card.about | self._scan.card.spoken)
        if "currency" in own and token.folded not in ("currency", "moneda", "divisa", "currencies", "monedas"):
            self._scan.spoken |= own
            self._values.take()
            return
        if self._scan.pending is None or not is_string(self._scan.pending):
            if own and self._is_in_name(token):
                self._scan.spoken |= own
                self._values.take()
                return
            if own:
                self._refuse_plural(token)
                self._scan.spoken |= own
                self._scan.place += 1
                self._scan.soft = ()
                return
        if token.folded in _NUMBERING and self._scan.spoken and self._is_number(self._scan.place + 1):
            self._scan.place += 1  # "order number 5"
        elif token.folded in ("new", "nuevo", "nueva") and self._precedes_noun(self._scan.place + 1):
            self._scan.place += 1
        elif token.folded in _EVERY and self._scan.card.reads and self._precedes_noun(self._behind_article()):
            self._scan.place += 1  # a list without a filter is one of all; of a tool that changes something it is asked
        elif token.folded in NAMED:
            self._scan.pending = self._slots.named_parameter()
            self._scan.place += 1
        elif token.folded in ("que", "that") and self._says():
            self._give_text(self._slots.free_text_or_misfit(), self._rest_of_text())
        elif self._scan.last is not None and meant & self._scan.last.concepts and token.folded not in SOFT:
            self._scan.place += 1  # "in the Sales department"
        elif (
            token.folded in GRAMMAR or (self._scan.card.reads and token.folded in _ASKED_WITH)
        ) and not self._begins_value(token):
            if self._dangles(token) or self._misplaced(token):
                raise Misfit(self._scan.place)
            self._scan.soft = SOFT.get(token.folded, self._scan.soft if token.folded in ("el", "la", "the") else ())
            self._scan.possessed = self._scan.possessed or token.folded in ("tiene", "tienen", "have", "does", "has")
            if token.folded in ("y", "and", "e", "con", "with") and (
                self._scan.pending is None or self._scan.place > self._scan.start
            ):
                self._scan.pending = None if token.folded not in _LINKS else self._scan.pending
            self._scan.place += 1
        else:
            self._values.take()

    def _dangles(self, token: Token) -> bool:
        """Whether a word of grammar is the last, so that what it leads to is missing: "delete the file of"."""
        if any(item.kind != "mark" for item in self._scan.tokens[self._scan.place + 1 : self._scan.end]):
            return False
        return token.folded in _LEADING and not (self._scan.card.reads and token.folded in SOFT)

    def _misplaced(self, token: Token) -> bool:
        """Whether a preposition makes something else of what is to be changed: "delete from the file a.txt", "the order
        about 5"."""
        scan = self._scan
        if scan.card.reads or token.folded not in _PREPOSITIONS:
            return False
        ahead = [item for item in scan.tokens[scan.place + 1 : scan.end] if item.folded not in _ARTICLES]
        value = bool(ahead) and ahead[0].kind not in ("word", "mark")
        if scan.place == scan.start + 1:
            own = bool(ahead) and bool(meanings(ahead[0].folded) & scan.card.about)
            return (value or own) and sum(item.required for item in scan.card.parameters) == 1
        behind_noun = bool(meanings(scan.tokens[scan.place - 1].folded) & scan.card.about)
        leads_to = any(item.concepts & set(SOFT.get(token.folded, ())) for item in scan.card.parameters)
        several = ahead[:1] and ahead[0].kind == "number" and len(scan.card.numeric()) > 1  # "the gcd of 12 and 18"
        return behind_noun and value and not leads_to and not several

    def _begins_long(self, token: Token) -> bool:
        """Whether a free text begins, of which nothing is cut: behind its label, or behind "for" and "about"."""
        if token.folded in NAMED or token.folded in ("que", "that"):
            return False
        if self._scan.pending is not None:
            return is_string(self._scan.pending) and is_long(self._scan.pending)
        pointed = self._slots.pointed()
        if pointed is None or not is_long(pointed):
            return False
        if self._scan.soft and self._scan.tokens[self._scan.place - 1].folded in SOFT:
            return bool(pointed.concepts & set(self._scan.soft))
        known = self._scan.card.known
        spoken = self._scan.card.about <= self._scan.spoken and (
            known is None or not known.enough or bool(known.enough & self._scan.spoken)
        )
        own = meanings(token.folded) & (self._scan.card.about | self._scan.card.spoken)
        opens = token.folded not in SOFT and token.folded not in _JOINS and not own
        opens = opens and not (token.folded in _ARTICLES and self._precedes_label(pointed))
        return self._scan.has_verb and spoken and opens and self._scan.place > self._scan.start

    def _precedes_label(self, item: Parameter) -> bool:
        """Whether a parameter's own word and then a quote follow: "with the content "hola"."."""
        ahead = self._scan.tokens[self._scan.place + 1 : self._scan.end][:2]
        return len(ahead) == 2 and ahead[1].kind == "quote" and bool(meanings(ahead[0].folded) & item.concepts)

    def _colon_ahead(self) -> int:
        """The place of a colon behind words that only announce a text: "el siguiente texto:", "this:"; or 0."""
        for place in range(self._scan.place, min(self._scan.place + 5, self._scan.end)):
            token = self._scan.tokens[place]
            if token.text == ":":
                return place if place > self._scan.place and self._slots.free_text() is not None else 0
            if token.folded not in _ANNOUNCING and not nouns(token.folded) & {"text", "information", "message", "note"}:
                return 0
        return 0

    def _behind_article(self) -> int:
        place = self._scan.place + 1
        return place + 1 if place < self._scan.end and self._scan.tokens[place].folded in _THE else place

    def _refuse_plural(self, token: Token) -> None:
        """Refuses "ban users Ana and Bob", "what files are in /tmp" to a tool that works on one user or file."""
        card = self._scan.card
        if card.single and meanings(token.folded) & card.about and is_plural(token.folded):
            raise Misfit(self._scan.place)

    def _precedes_noun(self, place: int) -> bool:
        """Whether the tool's own noun stands at `place`."""
        following = self._scan.tokens[place] if place < self._scan.end else None
        return following is not None and bool(meanings(following.folded) & self._scan.card.about)

    def _is_in_name(self, token: Token) -> bool:
        """ "Empresa X": the tool's own noun in capitals, with a name behind it, is part of the name."""
        follows = self._scan.tokens[self._scan.place + 1] if self._scan.place + 1 < self._scan.end else None
        capital = token.text[:1].isupper() and not token.text.isupper() and self._scan.place > self._scan.start
        if not capital or follows is None or follows.kind not in ("word", "number") or self._slots.pointed() is None:
            return False
        return follows.text[:1].isupper() or follows.text.isdigit() or len(follows.text) == 1

    def _begins_value(self, token: Token) -> bool:
        """An article in capitals behind a label is part of a name: "ciudad La Paz"."""
        before = self._scan.tokens[self._scan.place - 1] if self._scan.place > self._scan.start else None
        initial = (
            len(token.text) == 1 and before is not None and before.text[:1].isupper() and not before.text.isupper()
        )
        return token.text[:1].isupper() and (initial or (self._scan.pending is not None and before is not None))

    def _says(self) -> bool:
        """ "memoriza que …", "remember that …": a verb that keeps a text is before."""
        return (
            self._scan.place == self._scan.start + 1
            and "save" in self._scan.card.verbs
            and self._slots.free_text() is not None
        )

    def _rest_of_text(self) -> Any:
        begin = self._scan.place + 1
        begin += begin < self._scan.end and self._scan.tokens[begin].text == ":"
        if begin >= self._scan.end:
            raise Misfit(self._scan.place)
        if self._scan.end - begin == 1 and self._scan.tokens[begin].kind == "quote":
            return self._scan.tokens[begin].text
        if self._scan.end < len(self._scan.tokens) and any(
            token.kind != "mark" for token in self._scan.tokens[self._scan.end :]
        ):
            raise Misfit(self._scan.place)
        start = self._scan.tokens[begin].start
        return Delimited(self._scan.question[start:].strip(), start, self._scan.place, False)

    def _option(self, token: Token) -> Parameter | None:
        """An enumerated value, or a flag that is named."""
        for item in self._scan.card.parameters:
            if item.name in self._scan.found:
                continue
            for option in item.options:
                said = fold(str(option))
                if token.folded == said or (nouns(token.folded) & nouns(said)):
                    self._take(item, option)
                    return item
            if item.kind == "boolean" and item is self._scan.pending and token.folded in _YES | _NO:
                self._take(item, token.folded in _YES)
                return item
            if item.kind == "boolean" and meanings(token.folded) & item.concepts and self._scan.pending is None:
                following = (
                    self._scan.tokens[self._scan.place + 1].folded if self._scan.place + 1 < self._scan.end else ""
                )
                if following not in {"=", ":", "is", "es"} | _YES | _NO:
                    self._take(item, True)
                    return item
        if self._scan.pending is not None and self._scan.pending.options:
            if token.folded in GRAMMAR or meanings(token.folded) & self._scan.pending.concepts:
                return None
            self._scan.wrong = self._scan.pending.name
            self._take(self._scan.pending, token.text)
            return self._scan.card.parameters[0]
        return None

    def _label(self) -> Parameter | None:
        """A parameter's name, with the words that link it to its value."""
        token, place = self._scan.tokens[self._scan.place], self._scan.place
        for item in self._scan.card.parameters:
            concepts = alike(item.concepts)
            words = [one for one in fold(item.name).replace("-", "_").split("_") if one]
            length = len(words) if [t.folded for t in self._scan.tokens[place : place + len(words)]] == words else 0
            if fold(item.name) == token.folded:
                length = 1
            if not length and not (
                meanings(token.folded) & concepts and (len(words) == 1 or nouns(token.folded) & concepts)
            ):
                continue
            if item.name in self._scan.found or not self._labels(item, place + (length or 1)):
                continue
            self._refuse_plural(token)
            self._scan.place += length or 1
            self._scan.spoken |= meanings(token.folded) & self._scan.card.about
            links = {"=", "is", "es", "de", "of"} if is_long(item) else _LINKS - {":"}
            while self._scan.place < self._scan.end and self._scan.tokens[self._scan.place].folded in links:
                self._scan.place += 1
            self._scan.pending, self._scan.soft = item, ()
            return item
        return None

    def _labels(self, item: Parameter, after: int) -> bool:
        """Whether a value follows a label; the tool's own noun alone ("el documento 7") is none unless one does."""
        if after >= self._scan.end:
            return False
        following = self._scan.tokens[after]
        if following.folded in ("=", ":") or following.kind in ("quote", "email", "url", "path", "day"):
            return not (following.text == ":" and is_long(item) and False)
        if item.kind in ("number", "integer"):
            return following.kind == "number" or following.folded in NUMBER_WORDS or following.folded in _LINKS
        if item.options or item.kind == "boolean":
            return True
        said = meanings(self._scan.tokens[after - 1].folded)
        if said & self._scan.card.about and following.folded in NAMED | GRAMMAR:
            return False
        if following.folded in _LINKS and after + 1 < self._scan.end:
            return not (meanings(self._scan.tokens[after + 1].folded) & self._scan.card.about)
        if following.kind not in ("word", "number") or following.folded in ("con", "with"):
            return False
        return following.folded not in GRAMMAR or is_long(item) or following.text[:1].isupper()
