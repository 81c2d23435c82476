"""The grammar of requests about a text: "convierte X a mayúsculas", "how many words are in X", and what X can be.

A text is quoted, or stands behind a colon, or is named as one ("la frase …"), or is bare. Bare words are taken for a
text only where they can hardly mean anything else: what begins as a description does ("the last line", "my name") is
asked, since it is the thing that is meant and not the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .folding import phrase_table, word_set
from .lexer import Token
from .lexicon import nouns, verbs
from .marks import Unclear
from .plan import Previous
from .sums import Sums

_CHANGING = word_set("convert put get tell show write")
_BEFORE_FORM = word_set("a al en to into in as all todo toda todas todos only texto text letras con un una the su")
_BEHIND_FORM = word_set("text texto letters letras version of de del")
_TEXT_NOUNS = word_set("upper lower title_case word character sentence line text")
_MODIFIERS = word_set(
    "but pero except excepto salvo twice times veces only backwards spanish english french german italian portuguese"
    " espanol ingles frances aleman italiano portugues catalan chino chinese"
)
_ARTICLES = word_set("el la los las un una the a an este esta esto estos this these siguiente siguientes following")
DESCRIBING = word_set(
    "el la los las un una unos unas the a an mi mis tu tus su sus my your his her its our their este esta esto"
    " estos estas ese esa eso aquel aquella this that these those todo todos toda todas all every each cada otro"
    " otra another some any algun alguna lo cualquier cualquiera something algo what which que cual"
)  # fmt: skip
CLAUSE = word_set("is are was were am es esta estan son fue hay era has have will isn't aren't no not come tiene")
_REFERENCE = word_set("resultado result results resultados it them that eso esto ello ese")
_POINTING = word_set("this these esto este estas estos lo siguiente the following it")
_LINKS = frozenset(["y", "e", "and", "&", "luego", "despues", "then", "entonces", ",", ";", ".", "\n"])
_COUNTED_BEFORE = phrase_table(
    "tiene|does it have|hay|contiene|does it contain|are in it|are there|are in that|that it has|in it"
)
_COUNTED_LINKS = phrase_table(
    "hay en|que hay en|que tiene|are there in|are in|that are in|there are in|que contiene|tiene|contiene|tienen|de|del"
    "|en|in|of|are contained in|from|is in"
)
_COUNTED_BY = ("cuantos", "cuantas")


class Delimited(msgspec.Struct, frozen=True, gc=False):
    """A text behind a colon, or bare to the end of the request: `start` is its place, `mark` the token behind it."""

    text: str
    start: int
    mark: int
    colon: bool


class Texts:
    """Texts in one request. `end` is the place in the question behind the request's last word."""

    def __init__(self, question: str, tokens: list[Token], sums: Sums) -> None:
        self._question = question
        self._tokens = tokens
        self._sums = sums

    # --- what a text can be ---

    def value(self, start: int, end: int, *, asks: bool = False) -> Any:
        """Returns the text that the tokens give: a str, `Delimited`, `Previous` or `Operation`; None if none.

        `asks`: the request is a question, so that a question mark at its end is not of the text.
        """
        tokens = self._tokens
        if start < end and tokens[start].text == ":" and start + 1 < end:
            return self._behind_colon(start, end, asks)
        if end - start == 1 and tokens[start].kind == "quote":
            return tokens[start].text
        named = self._label(start, end)
        if named == end and named > start:
            return self._spoken_of(start, end)
        if named > start and named < end:
            found = self._named(named, end, asks)
            if found is not None:
                return found
        if start >= end:
            return None
        return self._result(start, end) or self._bare(start, end, asks)

    def _behind_colon(self, start: int, end: int, asks: bool) -> Any:
        """The rest of the request, verbatim; without the marks of a quote that is all there is."""
        tokens = self._tokens
        last = tokens[start + 1]
        if last.kind == "quote" and (end == start + 2 or all(item.text in ".!?" for item in tokens[start + 2 : end])):
            return last.text
        begin = tokens[start].end
        text = self._question[begin : self._stop(end)].strip()
        if asks and text.endswith("?"):
            text = text[:-1].rstrip()
        return Delimited(text, begin, start, True) if text else None

    def _stop(self, end: int) -> int:
        """Where the text behind a colon ends: with the question, unless another request follows."""
        rest = self._tokens[end:]
        if all(token.kind == "mark" for token in rest):
            return len(self._question)
        return self._tokens[end - 1].end

    def _label(self, start: int, end: int) -> int:
        """Returns the place behind "el texto", "the word", "este texto:", or `start`."""
        place = start
        while place < end and self._tokens[place].folded in _ARTICLES and self._tokens[place].kind == "word":
            place += 1
        if (
            place < end
            and nouns(self._tokens[place].folded) & {"text", "word", "sentence"}
            and self._tokens[place].kind == "word"
        ):
            place += 1
            if place < end and self._tokens[place].folded in ("siguiente", "following"):
                place += 1
            return place
        if place > start and place < end and self._tokens[place].text == ":":
            return place
        return start

    def _named(self, place: int, end: int, asks: bool) -> Any:
        """What stands behind "la frase": a quote, a colon, or words that the noun says are a text."""
        token = self._tokens[place]
        if token.text == ":" or (token.kind == "quote" and place + 1 == end):
            return self.value(place, end, asks=asks)
        if token.folded in (
            "de",
            "del",
            "of",
            "en",
            "in",
            "que",
            "that",
            "anterior",
            "previous",
            "mas",
            "above",
            "from",
        ):
            return None
        return self._slice(place, end, asks)

    def _spoken_of(self, start: int, end: int) -> Any:
        """ "el texto", "the text" alone are what was worked on before."""
        pointed = self._tokens[start].folded in ("el", "the", "este", "ese", "this", "that", "la", "esta")
        return Previous(text=True) if end - start == 2 and pointed else None

    def _result(self, start: int, end: int) -> Any:
        """A result before ("it", "el resultado"), or an operation that stands for its result."""
        for tree, after in self._sums.reference(start, end):
            if after == end and isinstance(tree, Previous):
                word = self._tokens[start].folded
                return Previous(many=tree.many, text=word in ("it", "that", "this", "eso", "esto", "ello"))
        try:
            trees = self._sums.operands(start, end)
        except Unclear:
            return None
        return trees[0] if len(trees) == 1 else None

    def _bare(self, start: int, end: int, asks: bool) -> Any:
        first = self._tokens[start]
        if first.kind not in ("word", "number", "email", "day") or self._is_modified(start, end):
            return None
        if first.kind == "word" and first.folded in DESCRIBING:
            words = {token.folded for token in self._tokens[start:end]}
            uncontracted = start > 0 and self._tokens[start - 1].folded == "de" and first.folded == "el"
            literal = first.folded in ("el", "la", "los", "las", "the", "un", "una", "a") and words & CLAUSE
            if not (uncontracted or literal) or words & _REFERENCE:
                return None
        return self._slice(start, end, asks)

    def _is_modified(self, start: int, end: int) -> bool:
        """Whether bare words say something about a text besides giving it: "hello in French", "hello to lowercase"."""
        for place in range(start, end):
            token = self._tokens[place]
            if token.kind in ("path", "url"):
                return True  # what is in it, or its name?
            if token.kind == "word" and (token.folded in _MODIFIERS or nouns(token.folded) & _TEXT_NOUNS):
                return True
        return False

    def _slice(self, start: int, end: int, asks: bool) -> Any:
        """The words as they stand; None where another request, a result or an operation is among them."""
        tokens = self._tokens
        for place in range(start, end):
            token = tokens[place]
            if token.kind == "word" and token.folded in _REFERENCE - {"it", "that", "eso", "esto", "ese", "ello"}:
                return None
            if token.kind == "quote" or token.text in (":", "\n", "¿"):
                return None
            if place > start and token.kind == "word" and self._commands(place, tokens[place - 1]):
                return None
        text = self._question[tokens[start].start : self._stop_of_bare(end)].strip()
        if asks and text.endswith("?"):
            text = text[:-1].rstrip()
        return Delimited(text, tokens[start].start, start, False) if text else None

    def _commands(self, place: int, before: Token) -> bool:
        """Whether a word begins another request within the text: "… y suma", "…, then count"."""
        if before.folded not in _LINKS:
            return False
        ahead = self._tokens[place : place + 3]
        return (
            any(verb.moods & {"order", "inf"} for token in ahead for verb in verbs(token.folded, token.ending()))
            or self._tokens[place].kind == "number"
        )

    def _stop_of_bare(self, end: int) -> int:
        stop = self._tokens[end - 1].end
        rest = self._tokens[end:]
        if all(token.kind == "mark" and token.text in ".!?…" for token in rest):
            return self._tokens[-1].end
        return stop

    # --- requests ---

    def formed(self, form: str, start: int, end: int, asks: bool) -> Any:
        """Returns the text that is to be changed as `form` says ("uppercase", "reverse"), None if that is not asked."""
        tokens = self._tokens
        noun = next(name for name, verb in _FORM_NOUNS.items() if verb == form)
        found = verbs(tokens[start].folded, tokens[start].ending()) if tokens[start].kind == "word" else ()
        own = next(
            (verb for verb in found if verb.concept == form and verb.moods & {"order", "inf", "wish", "you"}), None
        )
        if own is not None:
            return self._rest(own.clitic, self._skip(start + 1, end, ("of", "de", "del")), end, asks)
        places = [
            place for place in range(start, end) if tokens[place].kind == "word" and noun in nouns(tokens[place].folded)
        ]
        changing = next(
            (v for v in found if v.concept in _CHANGING and v.moods & {"order", "inf", "wish", "you"}), None
        )
        if changing is None:
            return self._stated(places, start, end, asks)
        for place in places[:1] + places[-1:]:
            value = self._changed(changing.clitic, start + 1, place, end, asks)
            if value is not None:
                return value
        return None

    def _changed(self, clitic: str, start: int, place: int, end: int, asks: bool) -> Any:
        start = self._skip(start, end, ("me", "us", "nos"))
        left, right = place, self._skip(place + 1, end, _BEHIND_FORM)
        while left > start and self._tokens[left - 1].kind == "word" and self._tokens[left - 1].folded in _BEFORE_FORM:
            left -= 1
        if left == start:
            return self._rest(clitic, right, end, asks)
        behind = self._tokens[place + 1 : end]
        if any(token.folded not in _BEHIND_FORM - {"of", "de", "del"} for token in behind):
            pointing = all(token.folded in _POINTING for token in self._tokens[start:left])
            if len(behind) > 1 and behind[0].text == ":" and (pointing or self._label(start, left) == left):
                return self.value(place + 1, end, asks=asks)
            return None
        if start < left and self._tokens[start].text == ":" and self._tokens[start + 1].kind != "quote":
            return None
        return self.value(start, left, asks=asks)

    def _rest(self, clitic: str, start: int, end: int, asks: bool) -> Any:
        if start >= end:
            return Previous(text=True) if clitic in ("lo", "la", "melo", "mela") else Previous(text=True, named=False)
        return self.value(start, end, asks=asks)

    def _stated(self, places: Sequence[int], start: int, end: int, asks: bool) -> Any:
        """Without a verb: "mayúsculas: hola", "«hola» en mayúsculas", "cómo se escribe «hola» en mayúsculas"."""
        tokens = self._tokens
        words = [token.folded for token in tokens[start:end]]
        for lead in (
            ["como", "se", "escribe"],
            ["como", "queda"],
            ["como", "es"],
            ["what", "is"],
            ["what's"],
            ["cual", "es"],
            [],
        ):
            if words[: len(lead)] != lead:
                continue
            begin = start + len(lead)
            for place in places[-1:]:
                if place == begin and place + 1 < end and tokens[place + 1].text == ":":
                    return self.value(place + 1, end, asks=asks)
                if place == end - 1 and begin < end and tokens[begin].kind == "quote":
                    middle = tokens[begin + 1 : place]
                    if all(token.folded in _BEFORE_FORM for token in middle):
                        return tokens[begin].text
        return None

    def counted(self, unit: str, start: int, end: int, asks: bool) -> Any:
        """Returns the text whose words (or other `unit`) are to be counted, None if that is not asked."""
        tokens = self._tokens
        for place in range(start, min(end, start + 12)):
            token = tokens[place]
            if token.folded == "word_count" and unit == "word":
                return self._counted_in(place + 1, end, asks) if self._leads_count(start, place, noun=True) else None
            if token.kind == "word" and unit in nouns(token.folded) and self._leads_count(start, place):
                found = self._counted_in(place + 1, end, asks)
                if found is None and tokens[place - 1].folded in ("sus", "its") and place + 1 == end:
                    return Previous(text=True)
                return found
        return self._behind_text(unit, start, end)

    def _leads_count(self, start: int, place: int, noun: bool = False) -> bool:
        """Whether the words before the unit ask for its number."""
        words = [token.folded for token in self._tokens[start:place]]
        counts = noun or bool(words and any(v.concept == "count" and v.clitic in ("", "me") for v in verbs(words[0])))
        allowed = {
            "el", "la", "las", "los", "the", "number", "numero", "cantidad", "of", "de", "cuantas", "cuantos", "how",
            "many", "sus", "its", "cual", "es", "what", "is", "what's", "total", "and",
        }  # fmt: skip
        rest = words
        if words and any(verb.concept in ("count", "tell", "get", "show", "calculate") for verb in verbs(words[0])):
            rest = words[1:]
        counts = (
            counts
            or bool(set(words) & {"cuantas", "cuantos", "numero", "number", "cantidad"})
            or words[-2:] == ["how", "many"]
        )
        return counts and all(word in allowed for word in rest)

    def _counted_in(self, place: int, end: int, asks: bool) -> Any:
        words = [token.folded for token in self._tokens[place:end]]
        if not words:
            return Previous(text=True, named=False)
        if tuple(words) in _COUNTED_BEFORE:
            return Previous(text=True, named=words != ["hay"] and words != ["are", "there"])
        if words[0] == "does" and words[-1] in ("have", "contain"):
            return self.value(place + 1, end - 1, asks=asks)
        for link in _COUNTED_LINKS:
            if tuple(words[: len(link)]) == link:
                start = place + len(link)
                if self._is_title(start, end):
                    return None
                if link == ("del",):
                    return self._of_the(start, end, asks)
                return self.value(start, end, asks=asks)
        if words[0] == ":" or (len(words) == 1 and self._tokens[place].kind == "quote"):
            return self.value(place, end, asks=asks)
        return None

    def _is_title(self, start: int, end: int) -> bool:
        """Whether bare words are in capitals as titles are: the words of "Hamlet" are not the word "Hamlet"."""
        words = [token for token in self._tokens[start:end] if token.kind == "word"]
        if len(words) != end - start or not words:
            return False
        capital = [token.text[:1].isupper() and (len(token.text) == 1 or not token.text.isupper()) for token in words]
        small = [token.folded in DESCRIBING or token.folded in ("and", "y", "of", "de") for token in words]
        return capital[0] and all(one or other for one, other in zip(capital, small, strict=True))

    def _of_the(self, start: int, end: int, asks: bool) -> Any:
        """ "del resultado", "del texto: …": the article is in the preposition."""
        words = [token.folded for token in self._tokens[start:end]]
        if words in (["resultado"], ["resultado", "anterior"]):
            return Previous()
        if words == ["texto"]:
            return Previous(text=True)
        if words[:1] == ["texto"] and len(words) > 1:
            return self._named(start + 1, end, asks)
        return None

    def _behind_text(self, unit: str, start: int, end: int) -> Any:
        """ "«hola mundo», ¿cuántas palabras tiene?"."""
        tokens = self._tokens
        if end - start < 4 or tokens[start].kind != "quote":
            return None
        words = [token.folded for token in tokens[start + 1 : end] if token.kind == "word"]
        if words[:1] and words[0] in _COUNTED_BY and unit in nouns(words[1]) and words[2:] == ["tiene"]:
            return tokens[start].text
        return None

    def _skip(self, place: int, end: int, words: Any) -> int:
        while place < end and self._tokens[place].kind == "word" and self._tokens[place].folded in words:
            place += 1
        return place


_FORM_NOUNS = {"upper": "uppercase", "lower": "lowercase", "title_case": "titlecase", "backwards": "reverse"}
