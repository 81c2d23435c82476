"""Numbers in digits and in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offline_planner.language import detect
from offline_planner.lexer import tokenize
from offline_planner.numbers import read_digits, read_words
from offline_planner.reading import read_numbers


def numbers_in(text: str, language: str) -> list[int | float]:
    return [token.number.value for token in read_numbers(tokenize(text, 1000), language) if token.number]


@pytest.mark.parametrize(
    ("text", "spanish", "english"),
    [
        ("7", [7], [7]),
        ("007", [7], [7]),
        ("2.5", [2.5], [2.5]),
        ("2,5", [2.5], [2.5]),
        ("0.125", [0.125], [0.125]),
        ("1.500", [1500], [1.5]),
        ("1,500", [1.5], [1500]),
        ("1.000,5", [1000.5], [1000.5]),
        ("1,234.5", [1234.5], [1234.5]),
        ("2.500.000", [2500000], [2500000]),
        ("1,234,567", [1234567], [1234567]),
        ("1,2,3", [1, 2, 3], [1, 2, 3]),
        ("1e3", [1000], [1000]),
        ("3.0", [3], [3]),
        ("1.2.3", [], []),
        ("1e999", [], []),
        ("9" * 301, [], []),
    ],
)
def test_digits(text, spanish, english) -> None:
    assert [number.value for number in read_digits(text, "es")] == spanish
    assert [number.value for number in read_digits(text, "en")] == english


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cero", 0), ("veinticinco", 25), ("treinta y cinco", 35), ("cien", 100), ("ciento uno", 101),
        ("mil doscientos", 1200), ("dos mil veintiséis", 2026), ("quinientas", 500),
        ("un millón quinientos mil", 1500000),
        ("dos mil millones", 2000000000), ("dos coma cinco", 2.5), ("cero coma cero cinco", 0.05),
        ("twenty-five", 25), ("twenty five", 25), ("one hundred and five", 105), ("two thousand and five", 2005),
        ("three hundred forty-two thousand", 342000), ("two point five", 2.5), ("one million", 1000000),
    ],
)  # fmt: skip
def test_words(text, value) -> None:
    assert numbers_in(text, "es") == [value]


def test_words_that_are_two_numbers() -> None:
    assert numbers_in("diez cinco", "es") == [10, 5]
    assert numbers_in("veinte y cinco", "es") == [20, 5]
    assert numbers_in("tres y cuatro", "es") == [3, 4]
    assert numbers_in("five and six", "en") == [5, 6]


def test_articles_and_pronouns_are_no_numbers() -> None:
    assert numbers_in("un perro y una gata", "es") == []
    assert numbers_in("multiply that one", "en") == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("-3", [-3]), ("−3", [-3]), ("suma -3 y -4", [-3, -4]), ("menos tres por dos", [3, 2]),
        ("suma menos tres y 5", [-3, 5]), ("5 - 3", [5, 3]), ("5 -3", [5, 3]), ("5-3", [5, 3]), ("5 - -3", [5, -3]),
        ("10 menos 3", [10, 3]), ("negative four", [-4]),
    ],
)  # fmt: skip
def test_a_minus_is_a_sign_only_where_nothing_can_be_subtracted_from(text, values) -> None:
    assert numbers_in(text, "es") == values


@given(st.integers(min_value=0, max_value=999_999))
def test_every_integer_is_read_as_written(number) -> None:
    assert numbers_in(str(number), "en") == [number]
    assert numbers_in(f"{number:,}", "en") == [number]
    assert numbers_in(f"{number:,}".replace(",", "."), "es") == [number]


@given(st.integers(min_value=1, max_value=999_999))
def test_every_integer_in_spanish_words_is_read_back(number) -> None:
    assert numbers_in(in_spanish(number), "es") == [number]


@given(
    st.lists(
        st.sampled_from(["mil", "cien", "y", "dos", "treinta", "hundred", "and", "million", "coma", "cero", "un"]),
        max_size=12,
    )
)
def test_any_order_of_number_words_is_survived(words) -> None:
    number, after = read_words(words, 0)
    assert (number is None) == (after == 0)


def test_the_language_is_told_by_words_outside_quotes() -> None:
    for question, language in (
        ("suma 4 y 6", "es"), ("add 4 and 6", "en"), ("how many words are in 'el perro y la gata'?", "en"),
        ("¿cuántas palabras tiene 'the dog and the cat'?", "es"), ("25 * 8", None), ("", None),
    ):  # fmt: skip
        assert detect(question, tokenize(question, 1000)) == language


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
