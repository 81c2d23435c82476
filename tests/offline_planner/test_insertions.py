"""One more word anywhere in an order: where it changes what is meant, nothing is called."""

from __future__ import annotations

import pytest

from tests.offline_planner.corpus import Sentence, hold

ENGLISH = (
    "not no never without except only if unless almost maybe tomorrow until after before old last other another second"
    " both each twice again wrong fake copy backup instead than rather or nor like around soon later yesterday had was"
    " would nothing none anything hardly barely stop avoid when while because though but so yet far away off back"
    " zero negative cancel undo quick silently quietly ever"
)
SPANISH = (
    "no nunca sin excepto si salvo casi quizá mañana hasta tras antes viejo primer último otro cada otra segundo ambos"
    " tu medio falso copia respaldo ni o tampoco pronto ayer había era sería nada ninguno algo apenas evita cuando"
    " mientras porque aunque pero así aún lejos fuera cero negativo cancela deshaz rápido ya todavía jamás tal"
)
PARTS = 5  # so that no one of the tests is long
ORDERS = [
    ("files", "en", "delete the file notes.txt"),
    ("files", "en", "move a.txt to b.txt"),
    ("files", "en", 'write "hello" to notes.txt'),
    ("files", "en", "I want you to delete notes.txt"),
    ("files", "es", "borra el archivo notas.txt"),
    ("files", "es", "mueve a.txt a b.txt"),
    ("files", "es", 'escribe "hola" en notas.txt'),
    ("files", "es", "quiero que borres notas.txt"),
    ("odd", "en", "cancel order 5"),
    ("odd", "en", "delete all files"),
    ("odd", "en", "ban user Ana"),
    ("odd", "en", "clear the history"),
    ("odd", "en", "turn off the device lamp"),
    ("odd", "es", "cancela el pedido 5"),
    ("packs", "en", "delete document 5"),
    ("packs", "en", "add an employee named Ana with email ana@x.com in department Sales"),
    ("packs", "es", "borra el documento 5"),
    ("others", "en", 'create an issue titled "Bug"'),
    ("others", "en", "set the lamp to level 5"),
    ("others", "en", 'send an email to bob@x.com with subject "Hi" and body "Bye"'),
    ("community", "en", "merge pull request 5 of owner octo repo web"),
]


def called(said: str, tools: str) -> list[tuple[str, dict[str, object]]]:
    return hold(Sentence((said,), tools, "en", (), "asks")).calls


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("tools", "language", "order"), ORDERS, ids=[order for _, _, order in ORDERS])
def test_a_word_that_changes_an_order_is_never_passed_over(tools, language, order, part) -> None:
    words = order.split(" ")
    assert called(order, tools)
    run = {}
    for more in (ENGLISH if language == "en" else SPANISH).split()[part::PARTS]:
        for place in range(len(words) + 1):
            said = " ".join([*words[:place], more, *words[place:]])
            calls = called(said, tools)
            if calls:
                run[said] = calls
    assert run == {}


@pytest.mark.parametrize(
    "said",
    [
        "delete from the file notes.txt", "delete in notes.txt", "delete the file about notes.txt",
        "delete the file notes.txt about", "borra de notas.txt", "borra en el archivo notas.txt",
        "borra el archivo con notas.txt", "borra el archivo notas.txt de", "delete the file in /tmp",
    ],
)  # fmt: skip
def test_a_preposition_makes_something_else_of_what_is_changed(said) -> None:
    assert called(said, "files") == []
