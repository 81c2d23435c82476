"""Questions in Spanish and English against tools that are run for real: exact calls, arguments and answers."""

from __future__ import annotations

from typing import Any

import pytest

Calls = list[tuple[str, list[Any]]]

BUILT_IN: list[tuple[str, Calls, list[str]]] = [
    # one operation
    ("suma 10 y 5", [("add", [10, 5])], ["El resultado de sumar 10 y 5 es 15."]),
    ("Suma 4 y 6.", [("add", [4, 6])], ["10"]),
    ("¿Cuánto suman 3 y 4?", [("add", [3, 4])], ["7"]),
    ("quiero que sumes 3 y 4", [("add", [3, 4])], ["7"]),
    ("¿me puedes decir cuánto es la suma de 3 y 4?", [("add", [3, 4])], ["7"]),
    ("añade 3 más 4", [("add", [3, 4])], ["7"]),
    ("súmale 5 a 10", [("add", [5, 10])], ["15"]),
    ("por favor, suma 3 y 4", [("add", [3, 4])], ["7"]),
    ("Usa la herramienta add con a=3 y b=4", [("add", [3, 4])], ["7"]),
    ("multiplica 7 por 8", [("multiply", [7, 8])], ["El resultado de multiplicar 7 por 8 es 56."]),
    ("el producto de 3 y 4", [("multiply", [3, 4])], ["12"]),
    ("¿Cuánto es 25 multiplicado por 8?", [("multiply", [25, 8])], ["200"]),
    ("add 5 and 3", [("add", [5, 3])], ["The result of adding 5 and 3 is 8."]),
    ("can you add 3 and 4 for me?", [("add", [3, 4])], ["7"]),
    ("what is the sum of 3 and 4?", [("add", [3, 4])], ["7"]),
    ("tell me the product of 12 and 12", [("multiply", [12, 12])], ["multiplying 12 by 12 is 144"]),
    ("call multiply with 3 and 4", [("multiply", [3, 4])], ["12"]),
    ("what's 7 times 6?", [("multiply", [7, 6])], ["42"]),
    ("calculate 12 * 12 please", [("multiply", [12, 12])], ["144"]),
    # signs, precedence, brackets
    ("25 * 8", [("multiply", [25, 8])], ["200"]),
    ("¿Cuánto es 3 + 4?", [("add", [3, 4])], ["7"]),
    ("7 x 8", [("multiply", [7, 8])], ["56"]),
    ("7x8", [("multiply", [7, 8])], ["56"]),
    ("2+2", [("add", [2, 2])], ["4"]),
    ("6 × 7 =", [("multiply", [6, 7])], ["42"]),
    ("what is 2 + 3 * 4?", [("multiply", [3, 4]), ("add", [2, 12])], ["2 + (3 * 4) is 14"]),
    ("(2 + 3) * 4", [("add", [2, 3]), ("multiply", [5, 4])], ["(2 + 3) * 4", "20"]),
    ("calcula 3 por 4 más 2", [("multiply", [3, 4]), ("add", [12, 2])], ["14"]),
    # nested names of operations
    ("multiplica la suma de 4 y 6 por 2", [("add", [4, 6]), ("multiply", [10, 2])], ["20"]),
    ("multiply the sum of 2 and 3 by 4", [("add", [2, 3]), ("multiply", [5, 4])], ["20"]),
    ("suma 5 al resultado de multiplicar 3 por 4", [("multiply", [3, 4]), ("add", [5, 12])], ["17"]),
    # more than two numbers
    ("suma 1, 2 y 3", [("add", [1, 2]), ("add", [3, 3])], ["El resultado de sumar 1, 2 y 3 es 6."]),
    ("add 1, 2, 3 and 4", [("add", [1, 2]), ("add", [3, 3]), ("add", [6, 4])], ["adding 1, 2, 3 and 4 is 10"]),
    ("suma 1,2,3", [("add", [1, 2]), ("add", [3, 3])], ["6"]),
    ("multiplica 2, 3 y 4", [("multiply", [2, 3]), ("multiply", [6, 4])], ["24"]),
    # numbers as people write them
    ("suma -3 y 5", [("add", [-3, 5])], ["2"]),
    ("suma menos tres y 5", [("add", [-3, 5])], ["2"]),
    ("add negative 3 and 5", [("add", [-3, 5])], ["2"]),
    ("suma 10 y -3", [("add", [10, -3])], ["7"]),
    ("suma 2,5 y 1", [("add", [2.5, 1])], ["3.5"]),
    ("multiplica 2.5 por 4", [("multiply", [2.5, 4])], ["10"]),
    ("suma 1.000,5 y 1", [("add", [1000.5, 1])], ["1001.5"]),
    ("add 1,234.5 and 1", [("add", [1234.5, 1])], ["1235.5"]),
    ("suma 1.500 y 1", [("add", [1500, 1])], ["1501"]),
    ("add 1,500 and 1", [("add", [1500, 1])], ["1501"]),
    ("suma veinticinco y mil doscientos", [("add", [25, 1200])], ["1225"]),
    ("add twenty-five and one hundred", [("add", [25, 100])], ["125"]),
    ("suma treinta y cinco y dos", [("add", [35, 2])], ["37"]),
    ("suma 0.1 y 0.2", [("add", [0.1, 0.2])], ["0.3"]),
    ("multiplica 200 por 15%", [("multiply", [200, 0.15])], ["30"]),
    ("sumá 3 y 4 y multiplicalo por dos", [("add", [3, 4]), ("multiply", [7, 2])], ["14"]),
    # text
    ("convierte HOLA MUNDO a mayúsculas", [("uppercase", ["HOLA MUNDO"])], ["HOLA MUNDO"]),
    ("convierte hola mundo a mayúsculas", [("uppercase", ["hola mundo"])], ["«HOLA MUNDO»"]),
    ("convert hello world to uppercase", [("uppercase", ["hello world"])], ["“HELLO WORLD”"]),
    ("Convert 'good day' to upper case", [("uppercase", ["good day"])], ["GOOD DAY"]),
    ("pon HOLA en mayúsculas, por favor", [("uppercase", ["HOLA"])], ["HOLA"]),
    ("pon en mayúsculas la frase buenos días a todos", [("uppercase", ["buenos días a todos"])], ["DÍAS A TODOS"]),
    ("uppercase the word hello", [("uppercase", ["hello"])], ["HELLO"]),
    ("use the uppercase tool on 'abc'", [("uppercase", ["abc"])], ["ABC"]),
    ("Convierte «¡Olé!» a mayúsculas.", [("uppercase", ["¡Olé!"])], ["¡OLÉ!"]),
    ("pásame a mayúsculas esto: ¡qué día! 🎉", [("uppercase", ["¡qué día! 🎉"])], ["¡QUÉ DÍA! 🎉"]),
    ("convert \"I don't know\" to uppercase", [("uppercase", ["I don't know"])], ["I DON'T KNOW"]),
    ("¿cuántas palabras tiene \"hola mundo\"?", [("count_words", ["hola mundo"])], ["«hola mundo» tiene 2 palabras."]),
    ("cuenta las palabras de hola", [("count_words", ["hola"])], ["tiene 1 palabra."]),
    ("how many words are in \"the quick brown fox\"?", [("count_words", ["the quick brown fox"])], ["has 4 words"]),
    ("dime cuántas palabras tiene el texto: hola que tal", [("count_words", ["hola que tal"])], ["3 palabras"]),
    ("cuenta cuántas palabras hay en la frase el perro come", [("count_words", ["el perro come"])], ["3 palabras"]),
    # false friends
    ("por favor suma 0.1 y 0.2", [("add", [0.1, 0.2])], ["0.3"]),
    ("¿cuántas palabras tiene 'suma y sigue'?", [("count_words", ["suma y sigue"])], ["3 palabras"]),
    ("convierte a mayúsculas: multiplica 3 por 4", [("uppercase", ["multiplica 3 por 4"])], ["MULTIPLICA 3 POR 4"]),
    ("uppercase: then we ate", [("uppercase", ["then we ate"])], ["THEN WE ATE"]),
    ("cuenta las palabras de: luego iré a casa", [("count_words", ["luego iré a casa"])], ["4 palabras"]),
    # several steps
    (
        "suma 4 y 6, luego multiplica el resultado por 2",
        [("add", [4, 6]), ("multiply", [10, 2])],
        ["1. El resultado de sumar 4 y 6 es 10.", "2. El resultado de multiplicar 10 por 2 es 20."],
    ),
    ("add 5 and 3, then multiply by 2", [("add", [5, 3]), ("multiply", [8, 2])], ["8", "16"]),
    ("add 5 and 3 and then multiply the result by 2", [("add", [5, 3]), ("multiply", [8, 2])], ["16"]),
    ("Primero suma 4 y 6 y después multiplica el resultado por 2", [("add", [4, 6]), ("multiply", [10, 2])], ["20"]),
    ("first add 4 and 6, second multiply by 2", [("add", [4, 6]), ("multiply", [10, 2])], ["20"]),
    ("Después de sumar 4 y 6, multiplica el resultado por 3", [("add", [4, 6]), ("multiply", [10, 3])], ["30"]),
    ("multiplica el resultado por 2 después de sumar 4 y 6", [("add", [4, 6]), ("multiply", [10, 2])], ["20"]),
    ("suma 2 y 2. Después multiplica por 10. Gracias.", [("add", [2, 2]), ("multiply", [4, 10])], ["40"]),
    ("multiplica tres por cuatro y súmale dos", [("multiply", [3, 4]), ("add", [12, 2])], ["14"]),
    ("suma 5 y 5 y al resultado multiplícalo por 3", [("add", [5, 5]), ("multiply", [10, 3])], ["30"]),
    (
        "convierte HOLA MUNDO a mayúsculas y cuenta las palabras",
        [("uppercase", ["HOLA MUNDO"]), ("count_words", ["HOLA MUNDO"])],
        ["2 palabras"],
    ),
    (
        "Multiplica 25 por 8, luego convierte el resultado a texto en mayúsculas",
        [("multiply", [25, 8]), ("uppercase", ["200"])],
        ["200"],
    ),
    (
        "Multiply 25 by 8, then convert the result to uppercase text",
        [("multiply", [25, 8]), ("uppercase", ["200"])],
        ["200"],
    ),
    (
        "cuenta las palabras de 'hola mundo' y ponlo en mayúsculas",
        [("count_words", ["hola mundo"]), ("uppercase", ["hola mundo"])],
        ["2 palabras", "HOLA MUNDO"],
    ),
    (
        "convert 'a b' to uppercase and count its words",
        [("uppercase", ["a b"]), ("count_words", ["A B"])],
        ["“A B” has 2 words."],
    ),
    (
        "Please count the words in: one two three, then uppercase the text",
        [("count_words", ["one two three"]), ("uppercase", ["one two three"])],
        ["3 words", "ONE TWO THREE"],
    ),
    ("convierte el resultado de sumar 3 y 4 a mayúsculas", [("add", [3, 4]), ("uppercase", ["7"])], ["«7»"]),
    # independent steps, and one that takes several results
    ("suma 3 y 4 y cuenta las palabras de 'a b c'", [("add", [3, 4]), ("count_words", ["a b c"])], ["7", "3 palabras"]),
    ("2 + 2 y 3 * 3", [("add", [2, 2]), ("multiply", [3, 3])], ["4", "9"]),
    (
        "multiplica 2 por 3 y 4 por 5 y luego súmalos",
        [("multiply", [2, 3]), ("multiply", [4, 5]), ("add", [6, 20])],
        ["26"],
    ),
]  # fmt: skip

UNSEEN: list[tuple[str, Calls, list[str]]] = [
    ("resta 3 de 10", [("restar", [10, 3])], ["El resultado de restar 3 a 10 es 7."]),
    ("subtract 3 from 10", [("restar", [10, 3])], ["subtracting 3 from 10 is 7"]),
    ("la diferencia entre 10 y 3", [("restar", [10, 3])], ["7"]),
    ("¿cuánto es 10 menos 3?", [("restar", [10, 3])], ["7"]),
    ("divide 10 entre 2", [("divide", [10, 2])], ["5"]),
    ("divide 10 por 4", [("divide", [10, 4])], ["2.5"]),
    ("10 divided by 4", [("divide", [10, 4])], ["2.5"]),
    ("suma 4 y 6 y réstale 3", [("add", [4, 6]), ("restar", [10, 3])], ["7"]),
    ("Súmale 5 a 10 y divídelo entre 3", [("add", [5, 10]), ("divide", [15, 3])], ["5"]),
    ("convierte 'HOLA' a minúsculas", [("to_lower", ["HOLA"])], ["hola"]),
    ("invierte 'hola'", [("reverse_text", ["hola"])], ["«aloh»"]),
    ("reverse hello world", [("reverse_text", ["hello world"])], ["dlrow olleh"]),
    ("consulta la empresa Acme Corp", [("consultar_empresa", ["Acme Corp"])], ["Acme Corp: 12 empleados"]),
    ("busca al empleado Ana García", [("consultar_empleado", ["Ana García"])], ["contable"]),
    ("lista los empleados", [("listar_empleados", [])], ["Ana, Luis"]),
    ("¿quiénes son los empleados?", [("listar_empleados", [])], ["Ana, Luis"]),
    (
        "memoriza que mi color favorito es el azul y el verde",
        [("memorizar_informacion", ["mi color favorito es el azul y el verde"])],
        ["guardado"],
    ),
    (
        "busca información de la empresa Globex y memorízala",
        [("consultar_empresa", ["Globex"]), ("memorizar_informacion", ["Globex: 12 empleados"])],
        ["guardado"],
    ),
    ("convierte 100 USD a EUR", [("convert_currency", [100, "USD", "EUR"])], ["100 USD = 92 EUR"]),
    ("convert 100 dollars to euros", [("convert_currency", [100, "dollars", "euros"])], ["92 euros"]),
    ("what's the weather in Madrid?", [("get_weather", ["Madrid"])], ["sunny in Madrid"]),
    ("¿qué tiempo hace en Buenos Aires?", [("get_weather", ["Buenos Aires"])], ["sunny in Buenos Aires"]),
    ("¿qué hora es?", [("get_current_time", [])], ["12:00 UTC"]),
    ("what time is it?", [("get_current_time", [])], ["12:00 UTC"]),
    ("añade la tarea comprar pan", [("add_task", ["comprar pan"])], ["added"]),
    ("add a task to buy milk", [("add_task", ["buy milk"])], ["added"]),
    (
        "send an email to bob@example.com with subject 'Hi' and body 'See you'",
        [("send_email", ["bob@example.com", "Hi", "See you"])],
        ["sent to bob@example.com"],
    ),
    ("search the web for python tutorials", [("search_web", ["python tutorials"])], ["python tutorials"]),
    ("busca en la web recetas de paella", [("search_web", ["recetas de paella"])], ["recetas de paella"]),
    ("calcula el gcd de 12 y 18", [("gcd", [12, 18])], ["6"]),
]

REFUSED = [
    ("¿qué es AWS?", "No puedo"),
    ("¿Cuál es la capital de Francia?", "No puedo"),
    ("What is the capital of France?", "I cannot"),
    ("traduce 'hola' al inglés", "No puedo"),
    ("cuéntame un chiste", "No puedo"),
    ("cuenta las letras de 'hola'", "No puedo"),
    ("divide 10 entre 2", "No puedo"),
    ("I have 3 apples and buy 4 more. How many apples do I have?", "I cannot"),
    ("3 4 5", "«4 5»"),
    ("🎉", "No puedo"),
    ("suma 3 y x", "«y x»"),
    ("suma los números del 1 al 10", "No puedo"),
    ("add the numbers from 1 to 10", "I cannot"),
    ("suma 3", "falta: b"),
    ("multiplica", "falta: a, b"),
    ("convierte a mayúsculas", "falta: text"),
]


@pytest.mark.parametrize(("question", "calls", "said"), BUILT_IN, ids=[row[0] for row in BUILT_IN])
def test_the_toolbox_is_used_as_asked(ask, question, calls, said) -> None:
    answered = ask(question)
    assert [(name, list(arguments.values())) for name, arguments in answered.calls] == calls
    for words in said:
        assert words in answered.text


@pytest.mark.parametrize(("question", "calls", "said"), UNSEEN, ids=[row[0] for row in UNSEEN])
def test_tools_never_seen_before_are_used_as_asked(ask, unseen, question, calls, said) -> None:
    answered = ask(question, unseen)
    assert [(name, list(arguments.values())) for name, arguments in answered.calls] == calls
    for words in said:
        assert words in answered.text


@pytest.mark.parametrize(("question", "calls", "said"), BUILT_IN, ids=[row[0] for row in BUILT_IN])
def test_more_tools_do_not_confuse_it(ask, unseen, question, calls, said) -> None:
    answered = ask(question, unseen)
    assert [(name, list(arguments.values())) for name, arguments in answered.calls] == calls


@pytest.mark.parametrize(("question", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_it_cannot_do_it_says_plainly(ask, question, words) -> None:
    answered = ask(question)
    assert answered.calls == []
    assert words in answered.text


def test_a_refusal_names_what_it_can_do_and_how_to_get_a_real_model(ask) -> None:
    spanish, english = ask("¿qué es AWS?").text, ask("what is AWS?").text
    for text in (spanish, english):
        assert "count_words(text)" in text
        assert "multiply(a, b)" in text
        assert "OPENAI_API_KEY" in text
    assert "planificador sin conexión" in spanish
    assert "offline planner, not a language model" in english


def test_nothing_is_done_when_one_part_cannot_be(ask) -> None:
    answered = ask("suma 2 y 3 y traduce el resultado al francés")
    assert answered.calls == []
    assert "no entiendo esta parte: «y traduce el resultado al francés»" in answered.text


def test_a_step_after_an_impossible_one_does_not_run_on_something_else(ask) -> None:
    answered = ask("traduce 'hola' al francés y luego conviértelo a mayúsculas")
    assert answered.calls == []
