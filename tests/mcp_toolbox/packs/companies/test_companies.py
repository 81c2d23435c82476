from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.tools import Catalogue

from tests.mcp_toolbox.packs.conftest import Packs


@pytest.fixture
async def catalogue(packs: Packs) -> AsyncIterator[Catalogue]:
    async with packs("companies") as catalogue:
        yield catalogue


@pytest.mark.parametrize(
    ("nombre", "row"),
    [
        ("Empresa X", {"nombre": "Empresa X", "empleados": 100}),
        ("Empresa Y", {"nombre": "Empresa Y", "empleados": 200}),
        (" empresa   x ", {"nombre": "Empresa X", "empleados": 100}),
        ("ÉMPRÈSA Y", {"nombre": "Empresa Y", "empleados": 200}),
        ("x", {"nombre": "Empresa X", "empleados": 100}),
    ],
)
async def test_a_company_is_found_by_its_name(catalogue: Catalogue, nombre: str, row: dict[str, Any]):
    answer = await catalogue.call("consultar_empresa", {"nombre": nombre})
    assert (answer.is_error, answer.structured) == (False, {"result": row})


@pytest.mark.parametrize("nombre", ["Empresa Z", "' OR '1'='1", "x'; DROP TABLE companies; --", "%", "_", "漢字"])
async def test_one_that_is_not_there_is_a_failure_that_names_those_that_are(catalogue: Catalogue, nombre: str):
    answer = await catalogue.call("consultar_empresa", {"nombre": nombre})
    assert answer.is_error
    assert "Las que hay: Empresa X, Empresa Y." in answer.text
    assert not (await catalogue.call("consultar_empresa", {"nombre": "Empresa X"})).is_error


async def test_a_name_that_several_have_asks_which(catalogue: Catalogue):
    answer = await catalogue.call("consultar_empresa", {"nombre": "empresa"})
    assert answer.is_error
    assert "varias" in answer.text
    assert "Empresa X, Empresa Y" in answer.text


@pytest.mark.parametrize("nombre", ["", "  ", "a\x00", "\udfff", "n" * 121, 5, None, ["Empresa X"]])
async def test_what_is_no_name_is_refused(catalogue: Catalogue, nombre: Any):
    with pytest.raises(InvalidArgumentsError, match="nombre"):
        await catalogue.call("consultar_empresa", {"nombre": nombre})
