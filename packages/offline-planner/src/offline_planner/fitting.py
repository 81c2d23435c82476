"""Fitting a request to one tool by the tool's own words: every word has to be the tool's, a value of its, or grammar.

Values go to parameters by their label ("with email …", "path=…"), by their form (an address, a number, an enumerated
value) or by standing behind the tool's own noun. What is left over makes the tool unfit.
"""

from __future__ import annotations

from typing import Any

from .bare_values import BareValues
from .cards import Card
from .folding import word_set
from .labels import Labels
from .lexer import Token
from .lexicon import meanings, verbs
from .numbers import NUMBER_WORDS, Reader
from .plan import Previous
from .scan import ARTICLES, GRAMMAR, LINKS, NAMED, SOFT, Fit, Misfit, Scan, is_long, is_string
from .schema import COMMANDS, Parameter
from .slots import Slots
from .subject import Subject
from .sums import Sums
from .texts import Delimited, Texts

_ASKED_WITH = word_set(
    "cuantos cuantas quien quienes cual cuales who which how many much tenemos hace your tu tus current actual now"
    " ahora today hoy right did does"
)
_JOINS = word_set("con with y and e me por con")
_NUMBERING = frozenset(("number", "numero"))
_COURTESIES_WITHIN = frozenset(("please", "porfa", "porfavor", "pls"))


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
        self._subject = Subject(scan, self._slots)
        self._labels = Labels(scan, self._subject)
        self._values = BareValues(scan, self._slots, sums)

    def fit(self) -> Fit:
        if not self._scan.named:
            self._take_verb()
        while self._scan.place < self._scan.end:
            self._step()
        if not self._scan.named and not self._subject.speaks_of_it():
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
        elif not self._scan.card.reads or not self._subject.is_stated(token):
            raise Misfit(self._scan.start)

    def _step(self) -> None:
        token = self._scan.tokens[self._scan.place]
        if token.kind == "mark":
            self._mark(token)
        elif token.kind in ("quote", "email", "url", "path", "day"):
            self._labels.take(self._slots.parameter_for(token), token.text)
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
        if parameter is not None and self._scan.pending is None and not self._subject.suits(parameter, number.after):
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

    def _word(self, token: Token) -> None:
        parameter = self._labels.option(token)
        if parameter is not None:
            return
        label = self._labels.label()
        if label is not None:
            return
        if self._scan.place > self._scan.start and self._values.commands(self._scan.place):
            raise Misfit(self._scan.place)
        colon = self._subject.colon_ahead() if self._scan.pending is None else 0
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
            if own and self._subject.is_in_name(token):
                self._scan.spoken |= own
                self._values.take()
                return
            if own:
                self._subject.refuse_plural(token)
                self._scan.spoken |= own
                self._scan.place += 1
                self._scan.soft = ()
                return
        if token.folded in _NUMBERING and self._scan.spoken and self._is_number(self._scan.place + 1):
            self._scan.place += 1  # "order number 5"
        elif self._subject.is_new(token) or self._subject.is_of_all(token):
            self._scan.place += 1
        elif token.folded in NAMED:
            self._scan.pending = self._slots.named_parameter()
            self._scan.place += 1
        elif token.folded in ("que", "that") and self._says():
            self._give_text(self._slots.free_text_or_misfit(), self._rest_of_text())
        elif self._scan.last is not None and meant & self._scan.last.concepts and token.folded not in SOFT:
            self._scan.place += 1  # "in the Sales department"
        elif (
            token.folded in GRAMMAR or (self._scan.card.reads and token.folded in _ASKED_WITH)
        ) and not self._subject.begins_value(token):
            if self._subject.dangles(token) or self._subject.misplaced(token):
                raise Misfit(self._scan.place)
            self._scan.soft = SOFT.get(token.folded, self._scan.soft if token.folded in ("el", "la", "the") else ())
            self._scan.possessed = self._scan.possessed or token.folded in ("tiene", "tienen", "have", "does", "has")
            if token.folded in ("y", "and", "e", "con", "with") and (
                self._scan.pending is None or self._scan.place > self._scan.start
            ):
                self._scan.pending = None if token.folded not in LINKS else self._scan.pending
            self._scan.place += 1
        else:
            self._values.take()

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
        opens = opens and not (token.folded in ARTICLES and self._subject.precedes_label(pointed))
        return self._scan.has_verb and spoken and opens and self._scan.place > self._scan.start

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
