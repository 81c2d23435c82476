"""Requests about a text: "convierte X a mayúsculas", "how many words are in X"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .folding import phrase_table, word_set
from .lexer import Token
from .lexicon import nouns, verbs
from .plan import Previous
from .texts import DESCRIBING, Texts

_CHANGING = word_set("convert put get tell show write")
_BEFORE_FORM = word_set("a al en to into in as all todo toda todas todos only texto text letras con un una the su")
_BEHIND_FORM = word_set("text texto letters letras version of de del")
_POINTING = word_set("this these esto este estas estos lo siguiente the following it")
_COUNTED_BEFORE = phrase_table(
    "tiene|does it have|hay|contiene|does it contain|are in it|are there|are in that|that it has|in it"
)
_COUNTED_LINKS = phrase_table(
    "hay en|que hay en|que tiene|are there in|are in|that are in|there are in|que contiene|tiene|contiene|tienen|de|del"
    "|en|in|of|are contained in|from|is in"
)
_COUNTED_BY = ("cuantos", "cuantas")
_FORM_NOUNS = {"upper": "uppercase", "lower": "lowercase", "title_case": "titlecase", "backwards": "reverse"}


class TextRequests:
    """The requests to change a text's form or to count in it."""

    def __init__(self, tokens: list[Token], texts: Texts) -> None:
        self._tokens = tokens
        self._texts = texts

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
            if len(behind) > 1 and behind[0].text == ":" and (pointing or self._texts.label(start, left) == left):
                return self._texts.value(place + 1, end, asks=asks)
            return None
        if start < left and self._tokens[start].text == ":" and self._tokens[start + 1].kind != "quote":
            return None
        return self._texts.value(start, left, asks=asks)

    def _rest(self, clitic: str, start: int, end: int, asks: bool) -> Any:
        if start >= end:
            return Previous(text=True) if clitic in ("lo", "la", "melo", "mela") else Previous(text=True, named=False)
        return self._texts.value(start, end, asks=asks)

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
                    return self._texts.value(place + 1, end, asks=asks)
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

    def _is_title(self, start: int, end: int) -> bool:
        """Whether bare words are in capitals as titles are: the words of "Hamlet" are not the word "Hamlet"."""
        words = [token for token in self._tokens[start:end] if token.kind == "word"]
        if len(words) != end - start or not words:
            return False
        capital = [token.text[:1].isupper() and (len(token.text) == 1 or not token.text.isupper()) for token in words]
        small = [token.folded in DESCRIBING or token.folded in ("and", "y", "of", "de") for token in words]
        return capital[0] and all(one or other for one, other in zip(capital, small, strict=True))

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
            return self._texts.value(place + 1, end - 1, asks=asks)
        if len(words) == 2 and words[1] in ("has", "have", "contains", "tiene", "contiene"):
            return self._texts.value(place, end - 1, asks=asks)
        for link in _COUNTED_LINKS:
            if tuple(words[: len(link)]) == link:
                start = place + len(link)
                if self._is_title(start, end):
                    return None
                if link == ("del",):
                    return self._of_the(start, end, asks)
                return self._texts.value(start, end, asks=asks)
        if words[0] == ":" or (len(words) == 1 and self._tokens[place].kind == "quote"):
            return self._texts.value(place, end, asks=asks)
        return None

    def _of_the(self, start: int, end: int, asks: bool) -> Any:
        """ "del resultado", "del texto: …": the article is in the preposition."""
        words = [token.folded for token in self._tokens[start:end]]
        if words in (["resultado"], ["resultado", "anterior"]):
            return Previous()
        if words == ["texto"]:
            return Previous(text=True)
        if words[:1] == ["texto"] and len(words) > 1:
            return self._texts.named(start + 1, end, asks)
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
