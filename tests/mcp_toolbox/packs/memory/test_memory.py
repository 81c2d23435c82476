from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tools import ToolRegistry

from tests.mcp_toolbox.packs.conftest import Packs

ANA, LUIS = CallContext(principal="ana"), CallContext(principal="luis")
AIRPORT = "El último tren al aeropuerto sale de la estación central a las once y media de la noche."
RECIPE = "La tortilla lleva huevos, patatas y cebolla."


@pytest.fixture
async def registry(packs: Packs) -> AsyncIterator[ToolRegistry]:
    async with packs("memory", "companies") as registry:
        yield registry


async def call(registry: ToolRegistry, tool: str, who: CallContext = ANA, /, **arguments: Any) -> Any:
    answer = await registry.call(tool, arguments, who)
    assert not answer.is_error, answer.text
    assert answer.structured is not None
    return answer.structured["result"]


async def test_what_is_kept_is_found_by_what_it_says(registry: ToolRegistry):
    kept = await call(
        registry, "memorizar_informacion", texto=AIRPORT, titulo="Trenes", fuente="https://trenes.example"
    )
    await call(registry, "memorizar_informacion", texto=RECIPE)
    found = await call(registry, "recuperar_contexto", pregunta="When does the last train to the airport leave?")
    assert [one["texto"] for one in found] == [AIRPORT, RECIPE]
    best = found[0]
    assert (best["documento_id"], best["titulo"], best["fuente"]) == (kept["id"], "Trenes", "https://trenes.example")
    assert 0.3 < best["puntuacion"] <= 1
    assert found[1]["puntuacion"] < 0.2
    assert len(await call(registry, "recuperar_contexto", pregunta="tren", k=1)) == 1


async def test_an_empty_memory_has_nothing(registry: ToolRegistry):
    assert await call(registry, "recuperar_contexto", pregunta="¿Qué sabes?") == []
    assert await call(registry, "listar_documentos") == {"documentos": [], "total": 0, "siguiente": None}


async def test_one_users_memory_is_not_anothers(registry: ToolRegistry):
    kept = await call(registry, "memorizar_informacion", texto=AIRPORT, titulo="Trenes")
    assert await call(registry, "recuperar_contexto", LUIS, pregunta="tren") == []
    assert (await call(registry, "listar_documentos", LUIS))["total"] == 0
    assert (await registry.call("borrar_documento", {"id": kept["id"]}, LUIS)).is_error
    assert (await registry.call("buscar_documentos", {"nombre_documento": "Trenes"}, LUIS)).is_error
    assert (await call(registry, "memorizar_informacion", LUIS, texto=AIRPORT))["nuevo"] is True
    assert (await call(registry, "listar_documentos"))["total"] == 1


async def test_the_same_text_is_kept_once(registry: ToolRegistry):
    first = await call(registry, "memorizar_informacion", texto=AIRPORT)
    again = await call(registry, "memorizar_informacion", texto=f"  {AIRPORT}\r\n", titulo="Otro")
    assert (first["nuevo"], again["nuevo"], again["id"]) == (True, False, first["id"])
    many = await asyncio.gather(*(call(registry, "memorizar_informacion", texto=RECIPE) for _ in range(6)))
    assert [one["nuevo"] for one in many].count(True) == 1
    assert len({one["id"] for one in many}) == 1
    assert (await call(registry, "listar_documentos"))["total"] == 2


async def test_a_deleted_document_is_gone(registry: ToolRegistry):
    kept = await call(registry, "memorizar_informacion", texto=AIRPORT, titulo="Trenes")
    await call(registry, "memorizar_informacion", texto=RECIPE)
    await call(registry, "recuperar_contexto", pregunta="tren")  # by now its vectors are held
    assert (await call(registry, "borrar_documento", id=kept["id"]))["titulo"] == "Trenes"
    assert [one["texto"] for one in await call(registry, "recuperar_contexto", pregunta="tren")] == [RECIPE]
    again = await registry.call("borrar_documento", {"id": kept["id"]}, ANA)
    assert again.is_error
    assert "listar_documentos" in again.text


async def test_documents_are_listed_in_pages(registry: ToolRegistry):
    for index in range(5):
        await call(registry, "memorizar_informacion", texto=f"{RECIPE} Variante {index}.", titulo=f"Receta {index}")
    first = await call(registry, "listar_documentos", limite=3)
    rest = await call(registry, "listar_documentos", limite=3, despues_de=first["siguiente"])
    assert [one["titulo"] for one in first["documentos"] + rest["documentos"]] == [f"Receta {n}" for n in range(5)]
    assert (first["total"], rest["siguiente"]) == (5, None)


async def test_a_long_document_is_found_by_one_of_its_passages(registry: ToolRegistry):
    filler = [f"El capítulo {index} describe la historia del molino y de sus dueños." for index in range(400)]
    text = "\n\n".join([*filler[:200], "La llave de la caja fuerte está debajo de la maceta azul.", *filler[200:]])
    kept = await call(registry, "memorizar_informacion", texto=text, titulo="El molino")
    assert kept["fragmentos"] > 50
    best = (await call(registry, "recuperar_contexto", pregunta="¿Dónde está la llave?", k=1))[0]
    assert "maceta azul" in best["texto"]
    assert len(best["texto"]) < 600


async def test_the_memory_outlives_the_toolbox_and_replicas_see_the_same(packs: Packs):
    async with packs("memory") as one, packs("memory") as two:
        kept = await call(one, "memorizar_informacion", texto=AIRPORT)
        assert (await call(two, "recuperar_contexto", pregunta="tren"))[0]["texto"] == AIRPORT
        await call(two, "memorizar_informacion", texto=RECIPE)
        assert len(await call(one, "recuperar_contexto", pregunta="tren")) == 2
        await call(two, "borrar_documento", id=kept["id"])
        assert len(await call(one, "recuperar_contexto", pregunta="tren")) == 1
    async with packs("memory") as later:
        assert [one["texto"] for one in await call(later, "recuperar_contexto", pregunta="tren")] == [RECIPE]


async def test_a_document_is_found_by_its_name(registry: ToolRegistry):
    await call(registry, "memorizar_informacion", texto=RECIPE * 200, titulo="Menú del día", fuente="cocina")
    await call(registry, "memorizar_informacion", texto=AIRPORT, titulo="Menú")
    found = await call(registry, "buscar_documentos", nombre_documento="MENU")
    assert [one["titulo"] for one in found] == ["Menú", "Menú del día"]
    assert [(len(one["texto"]), one["recortado"], one["fuente"]) for one in found] == [
        (len(AIRPORT), False, None), (4000, True, "cocina"),
    ]  # fmt: skip
    for hostile in ("'; DROP TABLE memory_documents; --", "%", "_", "no existe"):
        missing = await registry.call("buscar_documentos", {"nombre_documento": hostile}, ANA)
        assert (missing.is_error, hostile in missing.text) == (True, True)
    assert (await call(registry, "listar_documentos"))["total"] == 2


async def test_without_the_memory_there_are_no_documents_to_search(packs: Packs):
    async with packs("companies") as registry:
        answer = await registry.call("buscar_documentos", {"nombre_documento": "Menú"})
    assert answer.is_error
    assert "memory" in answer.text


@pytest.mark.parametrize(
    "texto",
    ["x'); DELETE FROM memory_documents; --", "🙂 漢字 العربية", "a", "\u0301", "\ufeff.", "línea\n\totra", "z" * 9000],
)  # fmt: skip
async def test_any_text_is_kept_as_it_is(registry: ToolRegistry, texto: str):
    kept = await call(registry, "memorizar_informacion", texto=texto)
    assert kept["fragmentos"] >= 1
    found = await call(registry, "recuperar_contexto", pregunta=texto[:100], k=20)
    assert found[0]["documento_id"] == kept["id"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"texto": ""}, {"texto": " \n\t "}, {"texto": "\x00\x01\x02PNG"}, {"texto": "\ud83d"}, {"texto": "a" * 200_001},
        {"texto": None}, {"texto": ["a"]}, {}, {"texto": "a", "titulo": ""}, {"texto": "a", "titulo": "t" * 201},
        {"texto": "a", "fuente": "a\x00b"}, {"texto": "a", "context": {"principal": "luis"}},
    ],
)  # fmt: skip
async def test_what_is_no_text_is_refused(registry: ToolRegistry, wrong: dict[str, Any]):
    with pytest.raises(InvalidArgumentsError):
        await registry.call("memorizar_informacion", wrong, ANA)
    assert (await call(registry, "listar_documentos"))["total"] == 0


@pytest.mark.parametrize("wrong", [{}, {"pregunta": ""}, {"pregunta": "a", "k": 0}, {"pregunta": "a", "k": 21}])
async def test_what_is_no_question_is_refused(registry: ToolRegistry, wrong: dict[str, Any]):
    with pytest.raises(InvalidArgumentsError):
        await registry.call("recuperar_contexto", wrong, ANA)


async def test_models_are_told_what_the_tools_do(registry: ToolRegistry):
    tools = {tool.name: tool for tool in registry}
    assert {name for name, tool in tools.items() if tool.hints.destructive} == {"borrar_documento"}
    assert tools["recuperar_contexto"].hints.read_only
    assert set(tools["memorizar_informacion"].input_schema["properties"]) == {"texto", "titulo", "fuente"}
