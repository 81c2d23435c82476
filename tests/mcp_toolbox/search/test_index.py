from __future__ import annotations

import time

import pytest
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.search.index import ToolIndex

from tests.mcp_toolbox.search.many_tools import many_tools

RIGHT = {
    "crea una factura": "facturas__crear_factura",
    "make an invoice": "facturas__crear_factura",
    "find an employee": "rrhh__buscar_empleado",
    "Busca al empleado Ana en la plantilla": "rrhh__buscar_empleado",
    "borra el archivo notas.txt de este disco": "files__delete_file",
    "remove that file": "files__delete_file",
    "mándale un mensaje a Luis": "correo__enviar_mensaje",
    "¿qué pronóstico del tiempo hay para la ciudad de Lima? búscalo": "weather__search_forecast",
    "translate the article": "kb__translate_article",
    "mueve la reunión a otro hueco del calendario": "agenda__mover_reunión",
    "how many songs are in the playlist": "music__count_song",
    "update the patient": "clinica__actualizar_paciente",
    "list of issues in my repository": "github__list_issue",
    "actualiza el pedido del cliente": "shop__update_order",
    "clients": "crm__",
}


@pytest.fixture(scope="module")
def index() -> ToolIndex:
    return ToolIndex(many_tools())


@pytest.mark.parametrize("query", RIGHT)
def test_the_right_tool_is_among_the_first(index: ToolIndex, query: str):
    found = [each.tool.name for each in index.search(query, 5)]
    assert any(name.startswith(RIGHT[query]) for name in found), found


def test_the_very_name_is_the_first(index: ToolIndex):
    for tool in many_tools():
        assert index.search(tool.name, 1)[0].tool.name == tool.name


def test_scores_fall_and_the_limit_holds(index: ToolIndex):
    found = index.search("delete the file of a customer", 7)
    assert len(found) == 7
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(each.score > 0 for each in found)


def test_what_shares_no_word_is_not_found(index: ToolIndex):
    for query in ("", "  ", "¿?", "xylophone", "\ud800", "日本語"):
        assert index.search(query, 10) == []


def test_equal_tools_come_in_the_order_of_their_names(index: ToolIndex):
    found = index.search("texto", 100)
    assert len({each.score for each in found}) < len(found)
    assert found == sorted(found, key=lambda each: (-each.score, each.tool.name))


def test_the_built_in_tools_are_found_in_both_languages(registry: ToolRegistry):
    index = ToolIndex(registry)
    for query, name in {
        "suma 10 y 5": "add",
        "sum up these numbers": "add",
        "multiplica 3 por 4": "multiply",
        "pasa esto a mayúsculas": "uppercase",
        "cuántas palabras tiene": "count_words",
    }.items():
        assert index.search(query, 1)[0].tool.name == name


def test_an_empty_index_finds_nothing():
    assert ToolIndex([]).search("add", 5) == []


def test_a_search_takes_about_a_millisecond(index: ToolIndex):
    began = time.process_time()
    for _ in range(50):
        index.search("borra el archivo de la carpeta del cliente y envía un mensaje", 10)
    assert (time.process_time() - began) / 50 < 0.01
