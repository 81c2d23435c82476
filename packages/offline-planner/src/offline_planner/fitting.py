"""Fitting a request to one tool by the tool's own words: every word has to be the tool's, a value of its, or grammar.

Values go to parameters by their label ("with email …", "path=…"), by their form (an address, a number, an enumerated
value) or by standing behind the tool's own noun. What is left over makes the tool unfit.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .cards import Card
from .folding import fold, word_set
from .lexer import Token
from .lexicon import is_function_word, meanings, nouns, verb_concepts, verbs
from .numbers import NUMBER_WORDS, Reader
from .plan import Previous
from .schema import Parameter
from .sums import Sums
from .texts import CLAUSE as _CLAUSE
from .texts import DESCRIBING as _DESCRIBING
from .texts import Delimited, Texts

_GRAMMAR = word_set(
    "el la los las un una unos unas the a an de del of al to en in into on at for para con with y e and by por"
    " que se is are es son hay su sus its lo tiene have does do me all's my mi mis llamado llamada named called"
    " titled titulado titulada titulados as como cual what what's cuyo from about sobre there esta"
    " here aqui este this llama it exists there's existe existen registrado registrados tenemos trabajan work"
    " works trabaja whose"
)  # fmt: skip
_ASKING = word_set(
    "que cual cuales quien quienes cuanto cuantos cuantas como what what's whats which who who's how is are hay"
)
_COUNTING = frozenset(("cuantos", "cuantas", "many", "number", "numero"))
_ASKED_WITH = word_set(
    "cuantos cuantas quien quienes cual cuales who which how many much tenemos hace your tu tus current actual now"
    " ahora today hoy right did does"
)
_TO_LIKE = frozenset(("~to", "~recipient", "~destination", "~target"))
_NAMED = word_set("llamado llamada llamados llamadas named called titled titulado titulada")
_LINKS = word_set("= : es is de of a as como del en in to equal")
_SOFT = {
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
    "for": ("question", "~query", "pattern", "place", "city", "title", "~keyword", "~term"),
    "sobre": ("subject", "question", "~query", "~topic", "~topico"),
    "about": ("subject", "question", "~query", "~topic"),
}
_LONG = word_set(
    "text content body message question note comment subject title task ~query ~prompt ~description ~descripcion"
)
_FREE = word_set("name city place country title task question ~query ~term ~keyword ~topic company")
_JOINS = word_set("con with y and e me por con")
_ANNOUNCING = word_set("el la lo los the this esto este esta estos siguiente siguientes following in en")
_IN_NAMES = word_set("de del la y of and & the los e")
_CONNECTIVES = word_set("y e and & luego then despues , ;")
_PLACES = frozenset(("city", "place", "country", "~location"))
_STOPS = word_set("si if unless except excepto salvo menos when cuando all todos todas todo every cada no not")
_YES = frozenset(["si", "yes", "true", "verdadero", "on"])
_NO = frozenset(["no", "false", "falso", "off"])
_PATHS = word_set("path file ~filename directory ~filepath ~pathname source ~destination ~filenam")


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
        return _Scan(self, card, start, end, named).fit()


class _Scan:
    """The words of a request laid over one tool, from left to right."""

    def __init__(self, fitter: Fitter, card: Card, start: int, end: int, named: bool) -> None:
        self._f = fitter
        self._tokens = fitter._tokens
        self._card = card
        self._place, self._end, self._start = start, end, start
        self._named = named
        self._found: dict[str, Any] = {}
        self._spoken: set[str] = set()
        self._pending: Parameter | None = None
        self._soft: tuple[str, ...] = ()
        self._wrong = ""
        self._delimited: Delimited | None = None
        self._score = 0
        self._has_verb = named
        self._last: Parameter | None = None
        self._possessed = False

    def fit(self) -> Fit:
        if not self._named:
            self._take_verb()
        while self._place < self._end:
            self._step()
        if not self._named and not self._speaks_of_it():
            raise Misfit(self._start)
        lacking = tuple(item.name for item in self._card.parameters if item.required and item.name not in self._found)
        if self._pending is not None and self._pending.name not in self._found and not lacking:
            raise Misfit(self._end - 1)
        if self._possessed and not self._found and not lacking:
            raise Misfit(self._end - 1)
        ordered: dict[str, Any] = {}
        for item in self._card.parameters:
            if item.name in self._found:
                (ordered.setdefault(item.inside, {}) if item.inside else ordered)[item.name] = self._found[item.name]
        return Fit(self._card, ordered, lacking, self._wrong, self._score, self._delimited)

    def _take_verb(self) -> None:
        token = self._tokens[self._start]
        does = 2 if token.folded == self._card.own_verb and token.kind == "word" else 0
        self._spoken |= {one for one in meanings(token.folded) if does}
        for verb in verbs(token.folded, token.ending()) if token.kind == "word" else ():
            clitic = verb.clitic not in ("", "me", "nos")
            text = self._free_text() if clitic and verb.clitic in ("lo", "la") else None
            if verb.moods & {"order", "inf", "wish", "you"} and self._card.does(verb.concept) and (text or not clitic):
                does = max(does, self._card.does(verb.concept))
                if text is not None:
                    self._found[text.name] = Previous()
                self._spoken |= {"employee"} if verb.concept == "hire" else set()
        self._has_verb = bool(does)
        if does:
            self._score += 4 * does
            self._place += 1
        elif not self._card.reads or not self._is_stated(token):
            raise Misfit(self._start)

    def _is_stated(self, token: Token) -> bool:
        """Whether a request without a verb can be one: a question, or a phrase that begins with the tool's own word."""
        if token.folded in ("is", "are"):
            return self._start + 1 < self._end and self._tokens[self._start + 1].folded == "there"
        if token.folded in _ASKING or (self._start > 0 and self._tokens[self._start - 1].kind == "word"):
            return True
        return bool(meanings(token.folded) & (self._card.about | self._card.spoken))

    def _speaks_of_it(self) -> bool:
        about, known, spoken = self._card.about, self._card.known, self._spoken
        spoken = spoken | (self._named_by_path() & about)
        self._score += 2 * len(about & spoken)
        counting = any(token.folded in _COUNTING for token in self._tokens[self._start : self._end])
        if about <= spoken and counting and known is not None and known.counted & spoken:
            self._score += 1
        if about <= spoken and (about or self._score >= 8):
            return True
        if known is None:
            return False
        if counting and known.counted & spoken:
            self._score += 2
            return True
        return bool(known.enough & spoken)

    def _named_by_path(self) -> frozenset[str]:
        """What a path says of itself: with an extension it is a file; without, whatever the tool's own verb is for."""
        paths = [token.text for token in self._tokens[self._start : self._end] if token.kind == "path"]
        if not paths or not self._has_verb:
            return frozenset()
        if all("." in path.replace("\\", "/").rsplit("/", 1)[-1][1:] for path in paths):
            return frozenset(("file",))
        return frozenset(("file", "directory")) if self._score >= 8 else frozenset()

    # --- one step ---

    def _step(self) -> None:
        token = self._tokens[self._place]
        if token.kind == "mark":
            self._mark(token)
        elif token.kind in ("quote", "email", "url", "path", "day"):
            self._take(self._parameter_for(token), token.text)
        elif token.kind == "number" or self._is_number_word():
            self._number()
        else:
            self._word(token)

    def _mark(self, token: Token) -> None:
        last = self._place + 1 == self._end
        if token.text in ",;()\n":
            self._pending = None if token.text != "(" else self._pending
            self._place += 1
        elif token.text == ":" and (self._pending is not None or self._free_text() is not None):
            self._behind_colon()
        elif (
            (token.text == ":" and self._spoken and not last)
            or (token.text == "=" and self._pending is not None)
            or (token.text in ".!?" and last)
        ):
            self._place += 1
        else:
            raise Misfit(self._place)

    def _behind_colon(self) -> None:
        """A label's value, or the whole rest of the request as the tool's text."""
        following = self._tokens[self._place + 1] if self._place + 1 < self._end else None
        parameter = self._pending or self._free_text()
        if parameter is None or following is None:
            raise Misfit(self._place)
        if self._pending is not None and not _is_long(parameter):
            self._place += 1
            return
        value = self._f._texts.value(self._place, self._end)
        if value is None:
            raise Misfit(self._place)
        self._give_text(parameter, value)

    def _give_text(self, parameter: Parameter, value: Any) -> None:
        if isinstance(value, Delimited):
            self._delimited, value = value, value.text
        self._found[parameter.name], self._pending, self._place = value, None, self._end

    def _free_text(self) -> Parameter | None:
        open_ = [item for item in self._card.parameters if self._is_open(item) and item.kind in ("string", "any")]
        needed = [item for item in open_ if item.required]
        long = [item for item in needed if _is_long(item)]
        return (long or needed or open_ or [None])[0] if len(long or needed) == 1 or len(open_) == 1 else None

    def _is_open(self, item: Parameter) -> bool:
        return item.name not in self._found and not item.options and item.kind != "boolean"

    def _parameter_for(self, token: Token) -> Parameter:
        """The parameter for a quoted text or an address: the one that is labelled, or whose name is of that form."""
        if self._pending is not None and self._pending.name not in self._found:
            return self._pending
        open_ = [item for item in self._card.parameters if self._is_open(item) and item.kind in ("string", "any")]
        wanted = {"email": {"email", "~to", "~recipient", "address"}, "url": {"~url", "~uri", "~link", "address"},
                  "path": _PATHS, "day": {"date", "time"}}.get(token.kind, frozenset())  # fmt: skip
        by_form = [item for item in open_ if item.concepts & wanted]
        if self._soft and token.kind == "quote":
            by_form = [item for item in open_ if item.concepts & set(self._soft)]
        if len(by_form) > 1 and self._soft:
            by_form = [item for item in by_form if item.concepts & set(self._soft) - _PATHS] or by_form
        if len(by_form) > 1:
            by_form = [item for item in by_form if not item.concepts & _TO_LIKE] or by_form
        if len(by_form) > 1 and len({item.required for item in by_form}) > 1:
            by_form = [item for item in by_form if item.required]
        if len(by_form) == 1:
            if (
                by_form[0].concepts & _TO_LIKE
                and set(self._soft) & {"~from", "source"}
                and not set(self._soft) & _TO_LIKE
            ):
                raise Misfit(self._place)
            return by_form[0]
        needed = [item for item in open_ if item.required]
        if not needed and not any(item.required for item in self._card.parameters):
            needed = open_
        if token.kind == "quote" or not by_form:
            candidates = [item for item in needed if not _has_form(item)] or needed
            if len(candidates) == 1 or (candidates and self._named):
                return candidates[0]
            behind_noun = meanings(self._tokens[self._place - 1].folded) & self._card.about
            titled = [item for item in candidates if item.concepts & {"name", "title"}]
            if behind_noun and len(titled) == 1:
                return titled[0]
        raise Misfit(self._place)

    def _take(self, parameter: Parameter, value: Any) -> None:
        self._found[parameter.name] = [value] if parameter.kind == "array" else value
        self._pending, self._soft, self._last = None, (), parameter
        self._place += 1

    def _is_number_word(self) -> bool:
        word = self._tokens[self._place].folded
        if word not in NUMBER_WORDS and word not in ("menos", "minus"):
            return False
        return self._numeric() is not None

    def _numeric(self) -> Parameter | None:
        if self._pending is not None:
            return self._pending if self._pending.kind in ("number", "integer", "any", "array") else None
        open_ = [
            item
            for item in self._card.parameters
            if item.name not in self._found and item.kind in ("number", "integer")
        ]
        needed = [item for item in open_ if item.required]
        if needed:
            return needed[0]
        limits = [item for item in open_ if item.concepts & {"limit", "~count", "~top"}]
        return limits[0] if len(limits) == 1 and not self._soft and self._place == self._start + 1 else None

    def _number(self) -> None:
        place, sign = self._place, 1
        if self._tokens[place].text in ("menos", "minus"):
            place, sign = place + 1, -1
        parameter = self._numeric()
        number = self._f._reader.read(place)
        if number is None or number.after > self._end:
            raise Misfit(self._place)
        if parameter is None:
            if not (self._has_verb or self._pending):
                raise Misfit(self._place)
            self._bare()
            return
        value = sign * number.value
        if parameter.kind == "integer" and value != value.to_integral_value():
            self._wrong = parameter.name
        self._found[parameter.name] = [value] if parameter.kind == "array" else value
        self._pending, self._soft, self._place = None, (), number.after

    # --- words ---

    def _word(self, token: Token) -> None:
        parameter = self._option(token)
        if parameter is not None:
            return
        label = self._label()
        if label is not None:
            return
        if self._place > self._start and self._commands(self._place):
            raise Misfit(self._place)
        colon = self._colon_ahead() if self._pending is None else 0
        if colon:
            self._place = colon
            return
        if self._begins_long(token):
            self._bare()
            return
        meant = meanings(token.folded)
        own = meant & (self._card.about | self._card.spoken)
        if "currency" in own and token.folded not in ("currency", "moneda", "divisa", "currencies", "monedas"):
            self._spoken |= own
            self._bare()
            return
        if self._pending is None or not _is_string(self._pending):
            if own and self._is_in_name(token):
                self._spoken |= own
                self._bare()
                return
            if own:
                self._spoken |= own
                self._place += 1
                self._soft = ()
                return
        if token.folded in ("new", "nuevo", "nueva") and self._precedes_noun():
            self._place += 1
        elif token.folded in _NAMED:
            self._pending = self._named_parameter()
            self._place += 1
        elif token.folded in ("que", "that") and self._says():
            self._give_text(self._free_text_or_misfit(), self._rest_of_text())
        elif self._last is not None and meant & self._last.concepts:
            self._place += 1  # "in the Sales department"
        elif (
            token.folded in _GRAMMAR or (self._card.reads and token.folded in _ASKED_WITH)
        ) and not self._begins_value(token):
            self._soft = _SOFT.get(token.folded, self._soft if token.folded in ("el", "la", "the") else ())
            self._possessed = self._possessed or token.folded in ("tiene", "tienen", "have", "does", "has")
            if token.folded in ("y", "and", "e", "con", "with") and (
                self._pending is None or self._place > self._start
            ):
                self._pending = None if token.folded not in _LINKS else self._pending
            self._place += 1
        else:
            self._bare()

    def _begins_long(self, token: Token) -> bool:
        """Whether a free text begins, of which nothing is cut: behind its label, or behind "for" and "about"."""
        if token.folded in _NAMED or token.folded in ("que", "that"):
            return False
        if self._pending is not None:
            return _is_string(self._pending) and _is_long(self._pending)
        pointed = self._pointed()
        if pointed is None or not _is_long(pointed):
            return False
        if self._soft and self._tokens[self._place - 1].folded in _SOFT:
            return bool(pointed.concepts & set(self._soft))
        known = self._card.known
        spoken = self._card.about <= self._spoken and (
            known is None or not known.enough or bool(known.enough & self._spoken)
        )
        own = meanings(token.folded) & (self._card.about | self._card.spoken)
        opens = token.folded not in _SOFT and token.folded not in _JOINS and not own
        return self._has_verb and spoken and opens and self._place > self._start

    def _colon_ahead(self) -> int:
        """The place of a colon behind words that only announce a text: "el siguiente texto:", "this:"; or 0."""
        for place in range(self._place, min(self._place + 5, self._end)):
            token = self._tokens[place]
            if token.text == ":":
                return place if place > self._place and self._free_text() is not None else 0
            if token.folded not in _ANNOUNCING and not nouns(token.folded) & {"text", "information", "message", "note"}:
                return 0
        return 0

    def _precedes_noun(self) -> bool:
        following = self._tokens[self._place + 1] if self._place + 1 < self._end else None
        return following is not None and bool(meanings(following.folded) & self._card.about)

    def _is_in_name(self, token: Token) -> bool:
        """ "Empresa X": the tool's own noun in capitals, with a name behind it, is part of the name."""
        follows = self._tokens[self._place + 1] if self._place + 1 < self._end else None
        capital = token.text[:1].isupper() and not token.text.isupper() and self._place > self._start
        if not capital or follows is None or follows.kind not in ("word", "number") or self._pointed() is None:
            return False
        return follows.text[:1].isupper() or follows.text.isdigit() or len(follows.text) == 1

    def _begins_value(self, token: Token) -> bool:
        """An article in capitals behind a label is part of a name: "ciudad La Paz"."""
        before = self._tokens[self._place - 1] if self._place > self._start else None
        initial = (
            len(token.text) == 1 and before is not None and before.text[:1].isupper() and not before.text.isupper()
        )
        return token.text[:1].isupper() and (initial or (self._pending is not None and before is not None))

    def _says(self) -> bool:
        """ "memoriza que …", "remember that …": a verb that keeps a text is before."""
        return self._place == self._start + 1 and "save" in self._card.verbs and self._free_text() is not None

    def _free_text_or_misfit(self) -> Parameter:
        parameter = self._free_text()
        if parameter is None:
            raise Misfit(self._place)
        return parameter

    def _rest_of_text(self) -> Any:
        begin = self._place + 1
        if begin >= self._end:
            raise Misfit(self._place)
        if self._end - begin == 1 and self._tokens[begin].kind == "quote":
            return self._tokens[begin].text
        if self._end < len(self._tokens) and any(token.kind != "mark" for token in self._tokens[self._end :]):
            raise Misfit(self._place)
        start = self._tokens[begin].start
        return Delimited(self._f._question[start:].strip(), start, self._place, False)

    def _option(self, token: Token) -> Parameter | None:
        """An enumerated value, or a flag that is named."""
        for item in self._card.parameters:
            if item.name in self._found:
                continue
            for option in item.options:
                said = fold(str(option))
                if token.folded == said or (nouns(token.folded) & nouns(said)):
                    self._take(item, option)
                    return item
            if item.kind == "boolean" and item is self._pending and token.folded in _YES | _NO:
                self._take(item, token.folded in _YES)
                return item
            if item.kind == "boolean" and meanings(token.folded) & item.concepts and self._pending is None:
                following = self._tokens[self._place + 1].folded if self._place + 1 < self._end else ""
                if following not in {"=", ":", "is", "es"} | _YES | _NO:
                    self._take(item, True)
                    return item
        if self._pending is not None and self._pending.options:
            if token.folded in _GRAMMAR or meanings(token.folded) & self._pending.concepts:
                return None
            self._wrong = self._pending.name
            self._take(self._pending, token.text)
            return self._card.parameters[0]
        return None

    def _label(self) -> Parameter | None:
        """A parameter's name, with the words that link it to its value."""
        token, place = self._tokens[self._place], self._place
        for item in self._card.parameters:
            concepts = _alike(item.concepts)
            words = [one for one in fold(item.name).replace("-", "_").split("_") if one]
            length = len(words) if [t.folded for t in self._tokens[place : place + len(words)]] == words else 0
            if fold(item.name) == token.folded:
                length = 1
            if not length and not (
                meanings(token.folded) & concepts and (len(words) == 1 or nouns(token.folded) & concepts)
            ):
                continue
            if item.name in self._found or not self._labels(item, place + (length or 1)):
                continue
            self._place += length or 1
            self._spoken |= meanings(token.folded) & self._card.about
            links = {"=", "is", "es", "de", "of"} if _is_long(item) else _LINKS - {":"}
            while self._place < self._end and self._tokens[self._place].folded in links:
                self._place += 1
            self._pending, self._soft = item, ()
            return item
        return None

    def _labels(self, item: Parameter, after: int) -> bool:
        """Whether a value follows a label; the tool's own noun alone ("el documento 7") is none unless one does."""
        if after >= self._end:
            return False
        following = self._tokens[after]
        if following.folded in ("=", ":") or following.kind in ("quote", "email", "url", "path", "day"):
            return not (following.text == ":" and _is_long(item) and False)
        if item.kind in ("number", "integer"):
            return following.kind == "number" or following.folded in NUMBER_WORDS or following.folded in _LINKS
        if item.options or item.kind == "boolean":
            return True
        said = meanings(self._tokens[after - 1].folded)
        if said & self._card.about and following.folded in _NAMED | _GRAMMAR:
            return False
        if following.folded in _LINKS and after + 1 < self._end:
            return not (meanings(self._tokens[after + 1].folded) & self._card.about)
        if following.kind not in ("word", "number") or following.folded in ("con", "with"):
            return False
        return following.folded not in _GRAMMAR or _is_long(item) or following.text[:1].isupper()

    def _named_parameter(self) -> Parameter | None:
        wanted = ({"name", "title"}, {"~" + "nombre"})
        open_ = [item for item in self._card.parameters if self._is_open(item) and item.kind in ("string", "any")]
        by_name = [item for item in open_ if item.concepts & wanted[0]]
        needed = [item for item in by_name if item.required] or by_name or [item for item in open_ if item.required]
        return needed[0] if needed else None

    # --- bare words ---

    def _bare(self) -> None:
        """Takes a stretch of words for the parameter that is labelled, or that the words before it point at."""
        parameter = self._pending or self._pointed()
        if parameter is not None and self._is_result(parameter):
            return
        if not (self._pending or self._spoken or self._has_verb):
            raise Misfit(self._place)
        if parameter is None or parameter.kind not in ("string", "any", "array"):
            raise Misfit(self._place)
        after = self._stretch(parameter)
        begin, tokens = self._place, self._tokens[self._place : after]
        text = self._f._question[self._with_article(parameter) : tokens[-1].end]
        free = not self._card.reads and self._pending is None and _is_long(parameter)
        if free and not self._states(tokens):
            raise Misfit(begin)
        if any(token.folded in _STOPS for token in tokens[:1]) or not self._is_clean(tokens, parameter, after):
            raise Misfit(begin)
        self._found[parameter.name] = [text] if parameter.kind == "array" else text
        self._pending, self._soft, self._place, self._last = None, (), after, parameter

    def _states(self, tokens: list[Token]) -> bool:
        """Whether bare words say something to keep, rather than name a thing: "my code is 5", but not "my birthday"."""
        said = {token.folded for token in tokens}
        digits = any(sign.isdigit() for token in tokens for sign in token.text)
        before = self._tokens[self._place - 1].folded
        if "save" in self._card.verbs and before in ("to", "a"):
            return False
        describes = before in _DESCRIBING or tokens[0].folded in _DESCRIBING
        return digits or bool(said & _CLAUSE) or not describes

    def _is_result(self, parameter: Parameter) -> bool:
        """ "memoriza el resultado": what was said before as a text."""
        if not _is_string(parameter):
            return False
        for tree, after in self._f._sums.reference(self._place, self._end):
            if after == self._end and tree == Previous():
                self._found[parameter.name], self._pending, self._place = tree, None, after
                return True
        return False

    def _with_article(self, parameter: Parameter) -> int:
        """Where a value begins: nothing is cut from a free text, and a name of one letter keeps its noun."""
        place, before = self._place, self._tokens[self._place - 1] if self._place > self._start else None
        if before is None:
            return self._tokens[place].start
        if _is_long(parameter) and before.folded in (
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
        if parameter.concepts & _PLACES and article and self._tokens[place].folded not in _GRAMMAR:
            return before.start
        single = len(self._tokens[place].text) == 1 and self._tokens[place].kind == "word"
        return before.start if single and meanings(before.folded) & self._card.about else self._tokens[place].start

    def _asks(self) -> bool:
        return self._tokens[self._start].folded in _ASKING or self._start > 0 or self._soft != ()

    def _pointed(self) -> Parameter | None:
        open_ = [item for item in self._card.parameters if self._is_open(item) and item.kind in ("string", "any")]
        if self._soft:
            meant = [item for item in open_ if item.concepts & set(self._soft) and not _has_form(item)]
            if meant:
                return meant[0]
        needed = [item for item in open_ if item.required and not _has_form(item)]
        if len(needed) > 1:
            needed = [item for item in needed if not item.concepts & _TO_LIKE] or needed
        token = self._tokens[self._place]
        if len(needed) == 1 or (needed and token.text[:1].isupper() and needed[0].concepts & {"name"}):
            return needed[0]
        forms = [item for item in open_ if item.required]
        return forms[0] if len(forms) == 1 and not needed and forms[0].concepts & _PATHS else None

    def _stretch(self, parameter: Parameter) -> int:
        """The place behind the words of a value: a capitalised name, or words up to a label or the end."""
        place = self._place
        if self._tokens[place].text[:1].isupper() and not _is_long(parameter):
            return self._name_end(place)
        while place < self._end:
            token = self._tokens[place]
            if place > self._place and token.kind in ("quote", "email", "path", "url"):
                break
            if token.kind == "mark" and token.text in ",;()=:.!?\n":
                break
            if place > self._place and self._begins_label(place):
                break
            place += 1
        return max(place, self._place + 1)

    def _name_end(self, place: int) -> int:
        after = place + 1
        while after < self._end:
            token = self._tokens[after]
            follows = self._tokens[after + 1] if after + 1 < self._end else None
            joins = token.folded in ("de", "del", "la", "y", "of", "and", "&", "the", "los", "e", "-")
            if token.kind in ("word", "number", "path") and (token.text[:1].isupper() or token.text[:1].isdigit()):
                if self._is_label_word(after) and token.text[:1].islower():
                    break
                after += 1
            elif joins and follows is not None and follows.kind == "word" and follows.text[:1].isupper():
                if token.folded in ("y", "and", "e") and (
                    meanings(follows.folded) & self._card.about or self._pending is None
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
        word = self._tokens[place].folded
        if word in ("with", "con", "y", "and", "en", "in", "de", "to", "a", "from", "para", "del", "al", "as", "como"):
            ahead = place + 1
            while ahead < self._end and self._tokens[ahead].folded in ("el", "la", "the", "un", "una", "a", "an", "su"):
                ahead += 1
            soft = set(_SOFT.get(word, ())) & {"~to", "~from", "~recipient", "~destination", "~target"}
            open_ = [
                item for item in self._card.parameters if item.name not in self._found and item is not self._pending
            ]
            if any(item.required and item.concepts & soft for item in open_):
                return True
            return self._is_label_word(place) or (ahead < self._end and self._is_label_word(ahead))
        return self._is_label_word(place) and not self._is_pending_word(place)

    def _is_pending_word(self, place: int) -> bool:
        return self._pending is not None and bool(meanings(self._tokens[place].folded) & self._pending.concepts)

    def _is_label_word(self, place: int) -> bool:
        token = self._tokens[place]
        if token.kind in ("email", "path", "url", "quote"):
            return True
        meant = _alike(meanings(token.folded))
        return any(
            meant & item.concepts
            for item in self._card.parameters
            if item.name not in self._found and item is not self._pending
        )

    def _is_clean(self, tokens: list[Token], parameter: Parameter, after: int) -> bool:
        """Whether a bare value can be taken: of a tool that changes something only a name, a word or a free text."""
        words = [token.folded for token in tokens]
        if words[-1] in ("resultado", "result") or any(
            self._commands(place) for place in range(self._place + 1, after)
        ):
            return False
        if all(
            token.text[:1].isupper() or word in _IN_NAMES or len(word) == 1
            for token, word in zip(tokens, words, strict=True)
        ):
            return True
        if _STOPS & set(words) and not (self._card.reads and _is_long(parameter)):
            return False
        if _is_long(parameter):
            return self._has_verb or self._asks()
        if self._describes():
            return False
        plain = not any(is_function_word(word) or verb_concepts(word) for word in words)
        most = 4 if self._pending is not None else 3 if parameter.concepts & _PLACES else 1
        return plain and len(words) <= most and (self._has_verb or self._asks() or self._pending is not None)

    def _describes(self) -> bool:
        """Whether the words before say that a thing is described and not named: "la empresa de mi padre"."""
        before = [token.folded for token in self._tokens[max(self._start, self._place - 2) : self._place]]
        return bool({"mi", "mis", "my", "tu", "tus", "your", "su", "sus", "que", "that"} & set(before[-1:]))

    def _commands(self, place: int) -> bool:
        """Whether another order begins at a place: a verb behind a connective."""
        token, before = self._tokens[place], self._tokens[place - 1]
        if before.folded not in _CONNECTIVES or token.kind != "word":
            return False
        return any("order" in verb.moods for verb in verbs(token.folded, token.ending()))


_TEXTS = frozenset(("text", "content", "body", "message"))


def _alike(concepts: frozenset[str]) -> frozenset[str]:
    """Returns concepts with those that people use for the same parameter."""
    return concepts | _TEXTS if concepts & _TEXTS else concepts


def _is_string(item: Parameter) -> bool:
    return item.kind in ("string", "any") and not item.options


def _is_long(item: Parameter) -> bool:
    return bool(item.concepts & _LONG)


def _has_form(item: Parameter) -> bool:
    return bool(item.concepts & ({"email", "~url", "~uri", "date"} | _PATHS)) or bool(item.options)
