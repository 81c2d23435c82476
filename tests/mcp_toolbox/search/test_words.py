from __future__ import annotations

import pytest
from mcp_toolbox.search.meanings import MEANINGS
from mcp_toolbox.search.words import terms


@pytest.mark.parametrize(
    "group",
    [
        "archivo archivos fichero ficheros file files FILE Archivó",
        "suma sumar sumo add Adds adding",
        "borra borrar borrando delete deleted deleting eliminar remove",
        "empleado empleada empleados employee employees EMPLEADOS",
        "página paginas page pages",
        "traducción traducir translation translate translating",
        "palabra palabras word words",
    ],
)
def test_forms_and_languages_meet(group: str):
    assert len({tuple(terms(word)) for word in group.split()}) == 1


def test_words_that_mean_other_things_stay_apart():
    words = ["add", "multiply", "file", "folder", "word", "uppercase", "count", "search", "delete", "user", "customer"]
    assert len({tuple(terms(word)) for word in words}) == len(words)


def test_names_of_tools_are_split():
    assert terms("count_words") == terms("countWords") == terms("count-words") == terms("COUNT words")
    assert terms("filesystem__readFile2") == [*terms("filesystem"), *terms("read"), *terms("file"), "2"]
    assert terms("HTTPServer") == ["http", *terms("server")]


def test_fillers_say_nothing():
    assert terms("¿Cómo puedo usar la de los a the of?") == terms("puedo usar")
    assert terms("") == terms("  ¿? !! — 👋") == []


def test_accents_do_not_matter():
    assert terms("ÑANDÚ según CORAZÓN") == terms("nandu segun corazon")
    assert terms("cafe\u0301") == terms("café")


def test_any_text_is_taken_and_bounded():
    assert len(terms("palabra " * 1_000_000)) <= 2_000
    terms("\ud800" + "x" * 1_000_000)
    assert terms("日本語 текст") == ["日本語", "текст"]


def test_a_meaning_is_in_one_group_only():
    seen: dict[str, str] = {}
    for words in MEANINGS:
        for word in words.split():
            assert word not in seen, f"{word} is in two groups"
            seen[word] = words
            assert word.isascii()
            assert word == word.lower()


@pytest.mark.parametrize(("word", "plain"), [("búscalo", "buscar"), ("mándamelo", "mandar"), ("bórralos", "borrar")])
def test_a_spanish_order_may_carry_its_object(word: str, plain: str):
    assert terms(word) == terms(plain)
