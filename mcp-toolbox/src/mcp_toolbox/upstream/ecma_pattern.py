"""The syntax of ECMA-262's regular expressions, which JSON Schema's patterns have (2020-12, 6.4).

Only the syntax is read, in time linear in the pattern; nothing is matched. `unicode` is the mode in which validators of
JavaScript compile patterns (the flag `u`). Without it the older, laxer syntax of Annex B holds, in which for example
any letter may stand behind a backslash.

Source: ECMA-262 2025, 22.2.1 and B.1.2.
"""

from __future__ import annotations

import re

MAX_PATTERN = 4_096
_MAX_DEPTH = 50
_MAX_COPIES = 100_000
"""How often the counts of nested repetitions may multiply; engines refuse expressions that unfold much further."""

_BRACES = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_CLASSES = frozenset("dDsSwW")
_CONTROLS = frozenset("fnrtv")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CATEGORIES = _words(
    "L LC Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cs Co Cn "
    "Letter Cased_Letter Uppercase_Letter Lowercase_Letter Titlecase_Letter Modifier_Letter Other_Letter Mark "
    "Nonspacing_Mark Spacing_Mark Enclosing_Mark Number Decimal_Number Letter_Number Other_Number Punctuation "
    "Connector_Punctuation Dash_Punctuation Open_Punctuation Close_Punctuation Initial_Punctuation "
    "Final_Punctuation Other_Punctuation Symbol Math_Symbol Currency_Symbol Modifier_Symbol Other_Symbol "
    "Separator Space_Separator Line_Separator Paragraph_Separator Other Control Format Surrogate Private_Use "
    "Unassigned digit punct"
)
_BINARY = _words(
    "ASCII ASCII_Hex_Digit AHex Alphabetic Alpha Any Assigned Dash Default_Ignorable_Code_Point DI Emoji "
    "Emoji_Component Emoji_Modifier Emoji_Modifier_Base Emoji_Presentation Extended_Pictographic Hex_Digit Hex "
    "ID_Continue IDC ID_Start IDS Ideographic Ideo Lowercase Lower Math Uppercase Upper Variation_Selector VS "
    "White_Space space XID_Continue XIDC XID_Start XIDS"
)
_SCRIPTS = _words(
    "Arabic Arab Armenian Armn Bengali Beng Bopomofo Bopo Common Zyyy Cyrillic Cyrl Devanagari Deva Ethiopic Ethi "
    "Georgian Geor Greek Grek Gujarati Gujr Gurmukhi Guru Han Hani Hangul Hang Hebrew Hebr Hiragana Hira "
    "Inherited Zinh Kannada Knda Katakana Kana Khmer Khmr Lao Laoo Latin Latn Malayalam Mlym Mongolian Mong "
    "Myanmar Mymr Sinhala Sinh Tamil Taml Telugu Telu Thai Thaana Thaa Tibetan Tibt"
)


class _Wrong(Exception):
    pass


def compiles(pattern: str, *, unicode: bool = True) -> bool:
    """Returns whether a JavaScript engine takes `pattern`. A pattern beyond the bounds above counts as refused, and so
    do Unicode properties of rare names."""
    if len(pattern) > MAX_PATTERN:
        return False
    reader = _Reader(pattern, unicode)
    try:
        reader.read()
    except _Wrong:
        return False
    return True


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str, unicode: bool) -> None:
        self._text = pattern
        self._at = 0
        self._unicode = unicode
        self._groups = 0
        self._names: set[str] = set()
        self._named = unicode or "(?<" in re.sub(r"\\.|\(\?<[=!]", "", pattern, flags=re.DOTALL)
        self._numbers_used: list[int] = []
        self._names_used: list[str] = []

    def read(self) -> None:
        self._disjunction(0)
        if self._at < len(self._text):
            raise _Wrong  # a closing parenthesis too many
        if self._unicode and any(number > self._groups for number in self._numbers_used):
            raise _Wrong
        if any(name not in self._names for name in self._names_used):
            raise _Wrong

    def _next(self, length: int = 1) -> str:
        return self._text[self._at : self._at + length]

    def _takes(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _matched(self, expression: re.Pattern[str]) -> re.Match[str]:
        found = expression.match(self._text, self._at)
        if found is None:
            raise _Wrong
        self._at = found.end()
        return found

    def _disjunction(self, depth: int) -> int:
        """Reads alternatives up to a closing parenthesis or the end. Returns how often their repetitions multiply."""
        if depth > _MAX_DEPTH:
            raise _Wrong
        copies = 1
        while self._at < len(self._text) and self._next() != ")":
            if not self._takes("|"):
                copies = max(copies, self._term(depth))
        return copies

    def _term(self, depth: int) -> int:
        mark = self._next()
        copies, may_repeat = 1, True
        if mark in "^$":
            self._at += 1
            may_repeat = False
        elif mark == "(":
            copies, may_repeat = self._group(depth)
        elif mark == "[":
            self._class()
        elif mark == "\\":
            may_repeat = self._escape()
        elif mark in "*+?" or (mark in "{}]" and (self._unicode or _BRACES.match(self._text, self._at))):
            raise _Wrong
        else:
            self._at += 1
        times = self._quantifier()
        if times is not None and not may_repeat:
            raise _Wrong
        copies *= max(times or 1, 1)
        if copies > _MAX_COPIES:
            raise _Wrong
        return copies

    def _quantifier(self) -> int | None:
        """Reads a quantifier, if there is one, and returns the larger of its counts (1 where it has none)."""
        times: int | None = None
        if self._next() in ("*", "+", "?"):
            self._at += 1
            times = 1
        elif found := _BRACES.match(self._text, self._at):
            self._at = found.end()
            least, most = int(found[1]), int(found[3]) if found[3] else None
            if most is not None and most < least:
                raise _Wrong
            times = max(least, most or 0)
        if times is not None:
            self._takes("?")
        return times

    def _group(self, depth: int) -> tuple[int, bool]:
        """Reads a group. Returns how often its repetitions multiply, and whether it may be repeated itself."""
        may_repeat = True
        if any(map(self._takes, ("(?=", "(?!"))):
            may_repeat = not self._unicode
        elif any(map(self._takes, ("(?<=", "(?<!"))):
            may_repeat = False
        elif self._takes("(?<"):
            name = self._group_name()
            if name in self._names:
                raise _Wrong
            self._names.add(name)
            self._groups += 1
        elif not self._takes("(?:"):
            self._at += 1
            if self._next() == "?":
                raise _Wrong  # other dialects' groups; modifiers are too new for many engines
            self._groups += 1
        copies = self._disjunction(depth + 1)
        if not self._takes(")"):
            raise _Wrong
        return copies, may_repeat

    def _group_name(self) -> str:
        name = self._matched(_NAME)[0]
        if not self._takes(">"):
            raise _Wrong
        return name

    def _escape(self) -> bool:
        """Reads an escape outside of a class, and returns whether it may be repeated."""
        self._at += 1
        mark = self._next()
        if mark in ("b", "B"):
            self._at += 1
            return False
        if mark == "k" and self._named:
            self._at += 1
            if not self._takes("<"):
                raise _Wrong
            self._names_used.append(self._group_name())
        elif mark.isascii() and mark.isdigit() and mark != "0":
            self._numbers_used.append(int(self._matched(re.compile(r"[0-9]+"))[0]))
        else:
            self._character_escape(in_class=False)
        return True

    def _character_escape(self, *, in_class: bool) -> bool:
        """Reads what follows a backslash. Returns whether it is a set of characters, which no range may end with."""
        mark = self._next()
        if not mark:
            raise _Wrong
        self._at += 1
        if mark in _CLASSES:
            return True
        if mark in _CONTROLS or mark in _SYNTAX:
            return False
        if mark in "pP" and self._unicode:
            self._property()
            return True
        if not self._unicode:
            return False  # Annex B: whatever follows stands for itself
        self._strict_escape(mark, in_class)
        return False

    def _strict_escape(self, mark: str, in_class: bool) -> None:
        if mark == "0":
            if self._next().isascii() and self._next().isdigit():
                raise _Wrong
        elif mark == "c":
            self._matched(re.compile("[A-Za-z]"))
        elif mark == "x":
            self._matched(re.compile("[0-9A-Fa-f]{2}"))
        elif mark == "u":
            found = self._matched(re.compile(r"[0-9A-Fa-f]{4}|\{([0-9A-Fa-f]+)\}"))
            if found[1] and int(found[1], 16) > 0x10FFFF:
                raise _Wrong
        elif not (in_class and mark in "-b"):
            raise _Wrong

    def _property(self) -> None:
        found = self._matched(re.compile(r"\{(?:([A-Za-z_]+)=)?([A-Za-z0-9_]+)\}"))
        name, value = found[1], found[2]
        if name is None:
            known = value in _CATEGORIES or value in _BINARY
        elif name in ("General_Category", "gc"):
            known = value in _CATEGORIES
        else:
            known = name in ("Script", "sc", "Script_Extensions", "scx") and value in _SCRIPTS
        if not known:
            raise _Wrong

    def _class(self) -> None:
        self._at += 1
        self._takes("^")
        while not self._takes("]"):
            low = self._class_atom()
            if self._next() == "-" and self._next(2) not in ("-]", "-"):
                self._at += 1
                high = self._class_atom()
                if low is None or high is None:
                    if self._unicode:
                        raise _Wrong
                elif low > high:
                    raise _Wrong

    def _class_atom(self) -> int | None:
        """Reads one member of a class, and returns its code point; None for a set of characters."""
        mark = self._next()
        if not mark:
            raise _Wrong
        self._at += 1
        if mark != "\\":
            return ord(mark)
        begin = self._at
        if self._character_escape(in_class=True):
            return None
        return _code_point(self._text[begin : self._at])


def _code_point(escape: str) -> int:
    """Returns the character that an escape without its backslash stands for."""
    named = {"b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
    if escape in named:
        return named[escape]
    if len(escape) > 1 and escape[0] in "xu":
        return int(escape[1:].strip("{}"), 16)
    if len(escape) > 1 and escape[0] == "c":
        return ord(escape[1]) % 32
    return ord(escape[0])
