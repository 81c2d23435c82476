"""Other servers' schemas are resolved when they arrive."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_toolbox.upstream.schema_check import SchemaCheck
from mcp_toolbox.upstream.self_contained import UnusableSchema

from tests.mcp_toolbox.upstream.hostile_schemas import LAX, UNUSABLE, USABLE


@pytest.mark.parametrize("name", USABLE)
def test_what_is_usable_means_the_same_and_names_nothing(name: str):
    before = json.dumps(USABLE[name])
    check = SchemaCheck(USABLE[name])
    assert json.dumps(USABLE[name]) == before
    if name in ("tuple of draft-07", "tuple of 2020-12"):
        assert check.problems({"s": [1]})
    elif name.startswith("tree"):
        assert check.problems({"s": [{"s": [{"s": 1}]}]})
        assert not check.problems({"s": [{"s": [{"s": []}]}]})
    else:
        assert check.problems({"s": {}})
        assert not check.problems({"s": "Aab2024"[:5] if "again" in name else "Aab2024"})
    assert not any(f'"{keyword}"' in json.dumps(check.schema) for keyword in ("$id", "$anchor", "$dynamicRef"))
    assert SchemaCheck(check.schema).schema == check.schema


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_no_client_compiles_is_refused(name: str):
    with pytest.raises(UnusableSchema):
        SchemaCheck(UNUSABLE[name])


def test_a_pattern_that_only_lax_engines_take():
    with pytest.raises(UnusableSchema, match="pattern"):
        SchemaCheck(LAX)
    check = SchemaCheck(LAX, drop_patterns=True)
    assert check.schema["properties"]["s"] == {"type": "string"}
    assert check.notes


def tool(name: str, **schemas: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **schemas}


async def test_a_bad_schema_costs_its_tool_or_itself_and_is_told(upstreams_of: Any, plain: Any, tmp_path: Any):
    file = tmp_path / "tools.json"
    names = dict(enumerate(UNUSABLE))
    file.write_text(
        json.dumps(
            [tool(f"out{n}", outputSchema=UNUSABLE[name]) for n, name in names.items()]
            + [tool(f"in{n}", inputSchema=UNUSABLE[name]) for n, name in names.items()]
            + [tool("lax", inputSchema=LAX)]
        )
    )
    async with upstreams_of({"std": plain(tools=str(file))}) as upstreams:
        await upstreams.connected("std")
        offered = set(upstreams.names())
        problems = "\n".join(upstreams.server("std")["problems"])
        assert {"std__echo", "std__lax"} <= offered
        assert "lax: a pattern that not every engine takes" in problems
        for number in names:
            assert upstreams.registry.get(f"std__out{number}").output_schema is None
            assert f"std__in{number}" not in offered
            assert f"out{number}: its output schema" in problems
            assert f"in{number}: left out" in problems
        assert await upstreams.text("std__out0") == "out0"
