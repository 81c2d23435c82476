from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.tools import ToolRegistry

from tests.mcp_toolbox.packs.conftest import Packs

ANA = {"name": "Ana Gómez", "email": "ana@example.com", "department": "Ventas"}


@pytest.fixture
async def registry(packs: Packs) -> AsyncIterator[ToolRegistry]:
    async with packs("employees") as registry:
        yield registry


async def call(registry: ToolRegistry, tool: str, /, **arguments: Any) -> Any:
    answer = await registry.call(tool, arguments)
    assert not answer.is_error, answer.text
    assert answer.structured is not None
    return answer.structured["result"]


async def fill(registry: ToolRegistry, count: int) -> None:
    for index in range(count):
        department = ("Ventas", "Ingeniería", "Dirección")[index % 3]
        await call(
            registry,
            "add_employee",
            name=f"Empleado {index:02}",
            email=f"e{index}@example.com",
            department=department,
            salary=1000 * index,
        )


async def test_a_new_register_is_empty(registry: ToolRegistry):
    assert await call(registry, "list_employees") == {"employees": [], "total": 0, "next_cursor": None}


async def test_who_is_added_is_listed(registry: ToolRegistry):
    added = await call(registry, "add_employee", **ANA, position="Comercial", salary=32000.55, hired_on="2024-02-29")
    assert added == {
        **ANA, "id": added["id"], "position": "Comercial", "salary": 32000.55, "hired_on": "2024-02-29",
    }  # fmt: skip
    assert await call(registry, "list_employees") == {"employees": [added], "total": 1, "next_cursor": None}


async def test_what_is_not_told_stays_unknown(registry: ToolRegistry):
    added = await call(registry, "add_employee", **ANA)
    assert (added["position"], added["salary"], added["hired_on"]) == (None, None, None)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"department": "ingenieria"}, [1, 4, 7]),
        ({"department": "VENTAS", "min_salary": 3000}, [3, 6]),
        ({"name_contains": "EMPLEADO 0", "max_salary": 2000}, [0, 1, 2]),
        ({"min_salary": 2000.01, "max_salary": 4000}, [3, 4]),
        ({"department": "Nadie"}, []),
        ({"name_contains": "%"}, []),
        ({"name_contains": "_"}, []),
    ],
)
async def test_filters_narrow_the_list(registry: ToolRegistry, filters: dict[str, Any], names: list[int]):
    await fill(registry, 8)
    page = await call(registry, "list_employees", **filters)
    assert [row["name"] for row in page["employees"]] == [f"Empleado {index:02}" for index in names]
    assert page["total"] == len(names)


async def test_pages_hold_everybody_once(registry: ToolRegistry):
    await fill(registry, 7)
    seen: list[str] = []
    arguments: dict[str, Any] = {"limit": 3}
    sizes: list[int] = []
    while True:
        page = await call(registry, "list_employees", **arguments)
        assert page["total"] == 7
        seen += [row["name"] for row in page["employees"]]
        sizes.append(len(page["employees"]))
        if page["next_cursor"] is None:
            break
        arguments["cursor"] = page["next_cursor"]
    assert (sizes, len(set(seen))) == ([3, 3, 1], 7)


async def test_an_address_belongs_to_one_employee(registry: ToolRegistry):
    await call(registry, "add_employee", **ANA)
    again = await registry.call("add_employee", {**ANA, "name": "Otra", "email": " ANA@Example.com "})
    assert again.is_error
    assert "already an employee with the email ana@example.com" in again.text
    assert (await call(registry, "list_employees"))["total"] == 1


async def test_of_many_at_once_with_one_address_one_is_added(registry: ToolRegistry):
    answers = await asyncio.gather(*(registry.call("add_employee", ANA) for _ in range(8)))
    assert sorted(answer.is_error for answer in answers) == [False] + [True] * 7
    assert all("already an employee" in answer.text for answer in answers if answer.is_error)


@pytest.mark.parametrize(
    "text",
    ["x'); DROP TABLE employees; --", "' OR '1'='1", '"; DELETE FROM employees; --', "\\", "%s", ":name", "Ω 漢字 🙂"],
)
async def test_hostile_text_is_only_text(registry: ToolRegistry, text: str):
    added = await call(registry, "add_employee", **{**ANA, "name": text, "department": text})
    assert added["name"] == text
    for filters in ({"department": text}, {"name_contains": text}):
        assert (await call(registry, "list_employees", **filters))["employees"] == [added]
    assert (await call(registry, "list_employees", department="' OR 1=1 --"))["total"] == 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"email": "ana"}, "email"),
        ({"email": "ana@localhost"}, "email"),
        ({"email": "ana@@example.com"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": f"{'a' * 65}@example.com"}, "email"),
        ({"email": f"a@{'b' * 250}.com"}, "email"),
        ({"department": ""}, "department"),
        ({"salary": -1}, "salary"),
        ({"salary": 1.001}, "salary"),
        ({"salary": 10**13}, "salary"),
        ({"salary": True}, "salary"),
        ({"salary": "1000"}, "salary"),
        ({"hired_on": "2023-02-29"}, "hired_on"),
        ({"hired_on": "yesterday"}, "hired_on"),
        ({"hired_on": 20240131}, "hired_on"),
        ({"boss": "me"}, "boss"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(registry: ToolRegistry, wrong: dict[str, Any], field: str):
    with pytest.raises(InvalidArgumentsError) as caught:
        await registry.call("add_employee", {**ANA, **wrong})
    assert caught.value.field.partition(".")[0] == field
    assert (await call(registry, "list_employees"))["total"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0}, {"limit": 101}, {"limit": "5"}, {"cursor": "0"}, {"cursor": "-1"}, {"cursor": "1; DROP"},
        {"cursor": "9" * 30}, {"min_salary": -1}, {"department": ""},
    ],
)  # fmt: skip
async def test_a_list_that_cannot_be_is_refused(registry: ToolRegistry, wrong: dict[str, Any]):
    with pytest.raises(InvalidArgumentsError):
        await registry.call("list_employees", wrong)


async def test_the_register_outlives_the_toolbox(packs: Packs):
    async with packs("employees") as first:
        added = await call(first, "add_employee", **ANA)
    async with packs("employees") as second:
        assert (await call(second, "list_employees"))["employees"] == [added]


async def test_replicas_start_together_on_an_empty_database(packs: Packs):
    async def one(index: int) -> None:
        async with packs("employees", "companies") as registry:
            await call(registry, "add_employee", **{**ANA, "email": f"r{index}@example.com"})

    await asyncio.gather(*(one(index) for index in range(4)))
    async with packs("employees") as registry:
        assert (await call(registry, "list_employees"))["total"] == 4


async def test_models_are_told_what_the_tools_do(registry: ToolRegistry):
    tools = {tool.name: tool for tool in registry}
    assert tools["list_employees"].hints.read_only
    assert not tools["add_employee"].hints.destructive
    assert not tools["add_employee"].hints.read_only
    assert set(tools["add_employee"].input_schema["required"]) == {"name", "email", "department"}
    assert tools["add_employee"].input_schema["properties"]["hired_on"]["anyOf"][0]["format"] == "date"
