"""The one reader of numbers: every mark and word of both languages, exactly, or a question."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_planner.language import detect
from offline_planner.leads import merge
from offline_planner.lexer import tokenize
from offline_planner.marks import Marks, Unclear
from offline_planner.numbers import Reader


def read(text: str, language: str | None = "es") -> Decimal | None:
    """Returns the number that the whole text is, or None; raises `Unclear` for one with several readings."""
    tokens = merge(tokenize(text).tokens)
    number = Reader(tokens, Marks(tokens, language)).read(0)
    return number.value if number is not None and number.after == len(tokens) else None


@pytest.mark.parametrize(
    ("text", "spanish", "english"),
    [
        ("7", "7", "7"), ("007", "7", "7"), ("2.5", "2.5", "2.5"), ("0.125", "0.125", "0.125"),
        ("0,125", "0.125", None),
        ("2,5", "2.5", None), ("1.500", "1500", "1.500"), ("1,500", "1.500", "1500"), ("1.000,5", "1000.5", "1000.5"),
        ("1,234.5", "1234.5", "1234.5"), ("2.500.000", "2500000", "2500000"), ("1,234,567", "1234567", "1234567"),
        ("1 234 567", "1234567", "1234567"), ("1\u00a0234", "1234", "1234"), ("1\u202f234,5", "1234.5", "1234.5"),
        ("1'234'567", "1234567", "1234567"), ("1’234", "1234", "1234"), (".5", "0.5", "0.5"), (",25", "0.25", "0.25"),
        ("1e3", "1000", "1000"), ("1.5e-3", "0.0015", "0.0015"), ("2k", "2000", "2000"), ("½", "0.5", "0.5"),
        ("１２", "12", "12"), ("٣٤", "34", "34"), ("1.2.3", None, None), ("1e999", None, None), ("9" * 301, None, None),
        ("12.34,5", None, None), ("1,000", None, "1000"), ("1.000", "1000", None), ("1'5", None, None),
        ("12345678901234567890.123", "12345678901234567890.123", "12345678901234567890.123"),
    ],
)  # fmt: skip
def test_digits(text, spanish, english) -> None:
    for language, value in (("es", spanish), ("en", english)):
        if value is None:
            with pytest.raises(Unclear):
                read(text, language)
        else:
            assert read(text, language) == Decimal(value), language


def test_what_no_word_settles_is_open() -> None:
    for text in ("1.234", "1,234"):
        with pytest.raises(Unclear) as unclear:
            read(text, None)
        assert unclear.value.values == ("1234", "1.234")


@pytest.mark.parametrize(
    ("others", "text", "value"),
    [
        ("0.5", "1.234", "1.234"), ("2.5", "1,234", "1234"), ("1.234.567", "1.234", "1234"), ("0,5", "1.234", "1234"),
        ("1,234,567", "1,234", "1234"), ("1.234,5", "7,654", "7.654"),
    ],
)  # fmt: skip
def test_other_numbers_settle_it_before_the_language(others, text, value) -> None:
    for language in ("es", None):
        tokens = tokenize(f"{text} y {others}").tokens
        assert Marks(tokens, language).value(text) == Decimal(value)


def test_numbers_that_contradict_one_another_settle_nothing() -> None:
    tokens = tokenize("1.234 y 0.5 y 0,5").tokens
    with pytest.raises(Unclear):
        Marks(tokens, "es").value("1.234")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cero", 0), ("veinticinco", 25), ("treinta y cinco", 35), ("cien", 100), ("ciento uno", 101),
        ("mil doscientos", 1200), ("dos mil veintiséis", 2026), ("quinientas", 500),
        ("un millón quinientos mil", 1500000), ("dos mil millones", 2000000000), ("dos coma cinco", "2.5"),
        ("cero coma cero cinco", "0.05"), ("dos coma veinticinco", "2.25"), ("medio millón", 500000),
        ("un millón y medio", 1500000), ("tres y medio", "3.5"), ("3 mil", 3000), ("1,5 millones", 1500000),
        ("3 mil 500", 3500), ("2 millones 300 mil", 2300000), ("dos docenas", 24), ("media docena", 6), ("un par", 2),
        ("un billón", 10**12), ("cien mil", 100000), ("mil millones", 10**9), ("dos docenas y media", 30),
        ("twenty-five", 25), ("twenty five", 25), ("one hundred and five", 105), ("two thousand and five", 2005),
        ("three hundred forty-two thousand", 342000), ("two point five", "2.5"), ("one million", 1000000),
        ("half a million", 500000), ("a hundred", 100), ("a dozen", 12), ("half a dozen", 6), ("a couple", 2),
        ("one billion", 10**9), ("two and a half million", 2500000), ("three and a half", "3.5"), ("3 thousand", 3000),
        ("2 hundred", 200), ("a thousand", 1000), ("five hundred thousand", 500000),
    ],
)  # fmt: skip
def test_words(text, value) -> None:
    language = detect(tokenize(text).tokens) or "es"
    assert read(text, language) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["diez cinco", "veinte y cinco", "tres y cuatro", "five and six", "un perro", "una", "that one", "primero", "third",
     "two hundred and three hundred", "2 y media docena", "two and half a million"],
)  # fmt: skip
def test_words_that_are_not_one_number(text) -> None:
    assert read(text) is None


@pytest.mark.parametrize("text", ["2 miles", "2 thousands", "2 dozens", "2 and half million", "dos docenas de 3"])
def test_amounts_that_are_no_number_are_open(text) -> None:
    with pytest.raises(Unclear):
        read(text)


@given(st.integers(min_value=0, max_value=999_999_999))
def test_every_integer_is_read_as_written(number) -> None:
    assert read(str(number), "en") == number
    if number >= 1000 and number % 1000:
        assert read(f"{number:,}", "en") == number
        assert read(f"{number:,}".replace(",", "."), "es") == number
        assert read(f"{number:,}".replace(",", "\u202f"), "es") == number
        assert read(f"{number:,}".replace(",", " "), "en") == number


@given(st.decimals(min_value=0, max_value=10**9, places=2, allow_nan=False, allow_infinity=False))
def test_every_amount_with_cents_is_read_as_written(amount) -> None:
    written = f"{amount:,.2f}"
    assert read(written, "en") == amount
    assert read(written.translate(str.maketrans(",.", ".,")), "es") == amount


@given(st.integers(min_value=1, max_value=999_999))
def test_every_integer_in_spanish_words_is_read_back(number) -> None:
    assert read(in_spanish(number), "es") == number


@given(
    st.lists(
        st.sampled_from(["mil", "cien", "y", "dos", "treinta", "hundred", "and", "million", "coma", "cero", "un",
                         "half", "a", "dozen", "3", "1.5", "000"]),
        max_size=12,
    )
)  # fmt: skip
def test_any_order_of_number_words_is_survived(words) -> None:
    tokens = tokenize(" ".join(words)).tokens
    reader = Reader(tokens, Marks(tokens, "es"))
    for place in range(len(tokens)):
        try:
            number = reader.read(place)
        except Unclear:
            continue
        assert number is None or place < number.after <= len(tokens)


def test_the_language_is_told_by_words_outside_quotes() -> None:
    for question, language in (
        ("suma 4 y 6", "es"), ("add 4 and 6", "en"), ("how many words are in 'el perro y la gata'?", "en"),
        ("¿cuántas palabras tiene 'the dog and the cat'?", "es"), ("25 * 8", None), ("", None),
    ):  # fmt: skip
        assert detect(tokenize(question).tokens) == language


UNITS = [
    "cero",
    "uno",
    "dos",
    "tres",
    "cuatro",
    "cinco",
    "seis",
    "siete",
    "ocho",
    "nueve",
    "diez",
    "once",
    "doce",
    "trece",
    "catorce",
    "quince",
    "dieciséis",
    "diecisiete",
    "dieciocho",
    "diecinueve",
    "veinte",
    "veintiuno",
    "veintidós",
    "veintitrés",
    "veinticuatro",
    "veinticinco",
    "veintiséis",
    "veintisiete",
    "veintiocho",
    "veintinueve",
]
TENS = ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"]
HUNDREDS = [
    "ciento",
    "doscientos",
    "trescientos",
    "cuatrocientos",
    "quinientos",
    "seiscientos",
    "setecientos",
    "ochocientos",
    "novecientos",
]


def in_spanish(number: int) -> str:
    """The number in words, written independently of the reader."""
    if number >= 1000:
        thousands, rest = divmod(number, 1000)
        head = "mil" if thousands == 1 else f"{in_spanish(thousands)} mil"
        return f"{head} {in_spanish(rest)}" if rest else head
    if number == 100:
        return "cien"
    if number > 100:
        hundreds, rest = divmod(number, 100)
        return f"{HUNDREDS[hundreds - 1]} {in_spanish(rest)}" if rest else HUNDREDS[hundreds - 1]
    if number < 30:
        return UNITS[number]
    tens, unit = divmod(number, 10)
    return f"{TENS[tens - 3]} y {UNITS[unit]}" if unit else TENS[tens - 3]
