from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.tools import ToolRegistry

from tests.mcp_toolbox.packs.conftest import Packs


@pytest.fixture
async def registry(packs: Packs) -> AsyncIterator[ToolRegistry]:
    async with packs("companies") as registry:
        yield registry


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
async def test_a_company_is_found_by_its_name(registry: ToolRegistry, nombre: str, row: dict[str, Any]):
    answer = await registry.call("consultar_empresa", {"nombre": nombre})
    assert (answer.is_error, answer.structured) == (False, {"result": row})


@pytest.mark.parametrize("nombre", ["Empresa Z", "' OR '1'='1", "x'; DROP TABLE companies; --", "%", "_", "漢字"])
async def test_one_that_is_not_there_is_a_failure_that_names_those_that_are(registry: ToolRegistry, nombre: str):
    answer = await registry.call("consultar_empresa", {"nombre": nombre})
    assert answer.is_error
    assert "Las que hay: Empresa X, Empresa Y." in answer.text
    assert not (await registry.call("consultar_empresa", {"nombre": "Empresa X"})).is_error


async def test_a_name_that_several_have_asks_which(registry: ToolRegistry):
    answer = await registry.call("consultar_empresa", {"nombre": "empresa"})
    assert answer.is_error
    assert "varias" in answer.text
    assert "Empresa X, Empresa Y" in answer.text


@pytest.mark.parametrize("nombre", ["", "  ", "a\x00", "\udfff", "n" * 121, 5, None, ["Empresa X"]])
async def test_what_is_no_name_is_refused(registry: ToolRegistry, nombre: Any):
    with pytest.raises(InvalidArgumentsError, match="nombre"):
        await registry.call("consultar_empresa", {"nombre": nombre})
