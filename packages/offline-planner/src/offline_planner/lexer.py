"""Cutting a question into words, numbers, quoted texts, addresses and marks.

At most `READ` characters are cut: the rest of a longer question may only belong to a quoted or delimited text. The
scanner goes from left to right by hand and looks at no character more than a few times, so that time is linear.
"""

from __future__ import annotations

import unicodedata

import msgspec

from .folding import fold
from .long_quotes import LongQuotes

READ = 16_384
"""This many characters are read as a request; what lies behind them is text for a tool, or is not read."""

_LONGEST_RUN = 2_048
_INVISIBLE = frozenset(
    "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_JOINED_SCALES = frozenset(("mil", "millon", "millones", "thousand", "million"))
"""Words that are a scale although they follow the digits at once: "3mil"."""

_BLANK_IN_NUMBER = "\u00a0\u202f\u2009\u2007"
_IN_NUMBER = frozenset(".,'’_" + _BLANK_IN_NUMBER)
_CLOSERS = ".,;:!?)]}»”\"'’…"
_QUOTE = "«…»"
_MOST_TRIES = 4
_FRACTIONS = {"½": "0.5", "¼": "0.25", "¾": "0.75"}
_SIGNS = {"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/", "＋": "+", "－": "-", "＊": "*"}


class Token(msgspec.Struct, frozen=True, gc=False):
    """One piece. `kind` is word, number, quote, email, url, path or mark; `text` what is written, of a quote what is
    inside; `start` and `end` its place in the question; `folded` the word without case and accents; `glued` says
    that no blank stands before it."""

    kind: str
    text: str
    start: int
    end: int
    folded: str
    glued: bool

    def ending(self) -> str:
        """Returns the last letters of a word as they are written, in lower case: their accents tell the tense."""
        return self.text[-4:].lower() if self.kind == "word" else ""


class Lexed(msgspec.Struct, gc=False):
    """The tokens of a question. `unread` says that something stands behind what was read."""

    tokens: list[Token]
    unread: bool


def tokenize(question: str) -> Lexed:
    """Returns the question's tokens; a quote that begins within the part that is read is taken whole."""
    return _Scanner(question).scan()


class _Scanner:
    def __init__(self, question: str) -> None:
        self._all = question
        self._end = min(len(question), READ)
        self._quotes = LongQuotes(question)
        self._tokens: list[Token] = []
        self._blank = True
        # The end of the last run that was no address, and how often one was looked for within it.
        self._run_end = self._run_tries = 0

    def scan(self) -> Lexed:
        text, place = self._all, 0
        while place < self._end:
            character = text[place]
            if character.isspace() or character in _INVISIBLE:
                if character == "\n":
                    self._add("mark", "\n", place, place + 1)
                self._blank = True
                place += 1
                continue
            place = self._token(place, character)
        return Lexed(self._tokens, bool(text[place : place + READ].strip()) or len(text) > place + READ)

    def _token(self, place: int, character: str) -> int:
        quote = self._quotes.first(place, place + 1)
        if quote is not None:
            inner = self._all[quote[0] + 1 : quote[1] - 1]
            return self._add("quote", inner, place, quote[1])
        if self._blank or not self._tokens or self._tokens[-1].kind in ("mark", "quote"):
            end = self._address(place)
            if end:
                return end
        if character.isdecimal() or character in _FRACTIONS or self._leads_fraction(place):
            return self._number(place)
        if character.isalpha() or character == "_":
            return self._word(place)
        return self._add("mark", _SIGNS.get(character, character), place, place + 1)

    def _add(self, kind: str, text: str, start: int, end: int, folded: str = "") -> int:
        self._tokens.append(
            Token(kind, text, start, end, folded or (_QUOTE if kind == "quote" else text), not self._blank)
        )
        self._blank = False
        return end

    def _leads_fraction(self, place: int) -> bool:
        if self._all[place] not in ".," or not self._all[place + 1 : place + 2].isdecimal():
            return False
        if self._tokens and self._tokens[-1].kind == "number":
            return False
        return self._blank or not self._tokens or self._tokens[-1].text in ("(", "-", "+", "*", "/", "$", "=")

    def _number(self, place: int) -> int:
        """Adds a run of digits with the marks between them; letters that follow at once make it a word."""
        text, end = self._all, place
        if text[place] in _FRACTIONS:
            return self._add("number", _FRACTIONS[text[place]], place, place + 1)
        written: list[str] = []
        while end < self._end:
            character = text[end]
            if character.isdecimal():
                written.append(str(unicodedata.decimal(character)))
            elif character in _IN_NUMBER and text[end + 1 : end + 2].isdecimal() and self._goes_on(end):
                written.append("\u00a0" if character in _BLANK_IN_NUMBER else "'" if character == "’" else character)
            else:
                break
            end += 1
        exponent = self._exponent(end)
        if exponent:
            written.append(text[end:exponent].lower())
            end = exponent
        day = self._day(place, end)
        if day:
            return self._add("day", text[place:day], place, day)
        return self._suffix("".join(written), place, end)

    def _goes_on(self, end: int) -> bool:
        """Whether a mark between digits belongs to the number: a blank only where three digits follow."""
        if self._all[end] not in _BLANK_IN_NUMBER:
            return True
        group = self._all[end + 1 : end + 5]
        return group[:3].isdecimal() and len(group) >= 3 and not group[3:4].isdecimal()

    def _exponent(self, end: int) -> int:
        text, place = self._all, end + 1
        if text[end : end + 1] not in ("e", "E"):
            return 0
        place += text[place : place + 1] in ("+", "-")
        start = place
        while place < self._end and text[place].isdecimal() and place - start < 4:
            place += 1
        return place if place > start and not text[place : place + 1].isalnum() else 0

    def _day(self, place: int, end: int) -> int:
        """Returns the end of a day such as 2024-01-31, or 0."""
        day = self._all[place : place + 10]
        whole = len(day) == 10 and end == place + 4 and day[4] == day[7] == "-"
        return place + 10 if whole and (day[5:7] + day[8:]).isdecimal() else 0

    def _suffix(self, written: str, place: int, end: int) -> int:
        text, after = self._all, end
        while after < self._end and after - end < 32 and (text[after].isalpha() or text[after] in "ºª_"):
            after += 1
        letters = text[end:after]
        if letters in ("k", "K"):
            return self._add("number", written + "k", place, after)
        times = letters in ("x", "X") and text[after : after + 1].isdecimal()
        if not letters and written.count(",") > 1 and _is_list(written):
            return self._list(place, end)
        if not letters or times or fold(letters) in _JOINED_SCALES:
            return self._add("number", written, place, end)
        while after < self._end and (text[after].isalnum() or text[after] in "_-"):
            after += 1
        return self._add("word", text[place:after], place, after, fold(text[place : min(after, place + 64)]))

    def _list(self, place: int, end: int) -> int:
        """Adds the numbers of "1,2,3" one by one."""
        start = place
        for at in range(place, end + 1):
            if at == end or self._all[at] == ",":
                digits = "".join(str(unicodedata.decimal(sign)) for sign in self._all[start:at])
                self._add("number", digits, start, at)
                if at < end:
                    self._add("mark", ",", at, at + 1)
                start = at + 1
        return end

    def _word(self, place: int) -> int:
        text, end = self._all, place
        if text[place] in "xX" and self._tokens and self._tokens[-1].kind == "number" and not self._blank:
            return self._add("word", "x", place, place + 1, "x")
        while end < self._end:
            character = text[end]
            inner = character in "'’-" and text[end + 1 : end + 2].isalpha() and end > place
            if not (character.isalnum() or character == "_" or inner or unicodedata.category(character) == "Mn"):
                break
            end += 1
        return self._add("word", text[place:end], place, end, fold(text[place : min(end, place + 64)]))

    def _address(self, place: int) -> int:
        """Adds an e-mail address, a URL or a path that begins here, and returns its end; 0 if there is none."""
        text, end = self._all, place
        if not (text[place].isalnum() or text[place] in "/~.\\_"):
            return 0
        self._run_tries = self._run_tries + 1 if place < self._run_end else 0
        if self._run_tries > _MOST_TRIES:
            return 0
        limit = min(self._end, place + _LONGEST_RUN)
        while end < limit and not text[end].isspace() and text[end] not in '«»“”"`<>|':
            end += 1
        self._run_end = end
        while end > place and text[end - 1] in _CLOSERS:
            end -= 1
        run = text[place:end]
        kind = _kind_of_run(run)
        return self._add(kind, run, place, end, fold(run[:64])) if kind else 0


def _is_list(written: str) -> bool:
    """Whether digits with commas are several numbers: "1,2,3", but neither "1,234,567" nor the Indian "12,34,567"."""
    sizes = [len(piece) for piece in written.split(",")[1:]]
    groups = sizes[-1] == 3 and set(sizes[:-1]) <= {2, 3}
    return not (groups or set(".'e\u00a0_") & set(written))


def _kind_of_run(run: str) -> str:
    if len(run) < 2 or not ("@" in run or "/" in run or "\\" in run or "." in run):
        return ""
    if "://" in run and run[0].isalpha():
        return "url"
    name, at, host = run.partition("@")
    if at:
        good = name and "." in host and "@" not in host and host[-1].isalnum() and not set("(),;=") & set(run)
        return "email" if good else ""
    if run[0].isdecimal() and not any(map(str.isalpha, run)):
        return ""
    if set("(),;=*+") & set(run) or not any(map(str.isalpha, run)):
        return ""
    if run[0] in "/~" or run[:2] in ("./", "..") or run[1:3] == ":\\":
        return "path"
    base = run.replace("\\", "/").rsplit("/", 1)[-1]
    stem_, dot, extension = base.rpartition(".")
    if dot and extension.isalnum() and len(extension) <= 8 and (stem_ or len(run) > 2) and not stem_.isdecimal():
        return "path"
    return "path" if "/" in run and len(run) > 3 and run.replace("\\", "/").count("/") >= 1 and base != run else ""
