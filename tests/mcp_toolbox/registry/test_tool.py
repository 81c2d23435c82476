from __future__ import annotations

from typing import Annotated, Any

import pytest
from mcp_toolbox.errors import InvalidArgumentsError, ToolDefinitionError
from mcp_toolbox.registry.context import NO_CALLER
from mcp_toolbox.registry.numbers import Number
from mcp_toolbox.registry.tool import Hints, ToolResult, from_function, rendered
from pydantic import Field


def greet(
    name: Annotated[str, Field(description="Whom to greet.", max_length=5)],
    times: Annotated[int, Field(description="How often.")] = 1,
) -> str:
    """Greet somebody,
    politely."""
    return f"Hello {name}! " * times


@pytest.fixture
def tool():
    return from_function(greet, Hints(title="Greet", read_only=True))


def test_a_model_reads_the_docstring_and_the_annotations(tool: Any):
    assert tool.to_wire() == {
        "name": "greet",
        "title": "Greet",
        "description": "Greet somebody, politely.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Whom to greet.", "maxLength": 5},
                "times": {"type": "integer", "description": "How often.", "default": 1},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        "outputSchema": {"type": "object", "properties": {"result": {"type": "string"}}, "required": ["result"]},
        "annotations": {
            "title": "Greet",
            "readOnlyHint": True,
            "destructiveHint": False,
            "idempotentHint": False,
            "openWorldHint": True,
        },
    }


def test_checked_arguments_are_the_functions_own(tool: Any):
    assert tool.check({"name": "Ana"}) == {"name": "Ana", "times": 1}
    assert tool.run(tool.check({"name": "Ana", "times": 2}), NO_CALLER) == ToolResult.of(
        "Hello Ana! Hello Ana! ", {"result": "Hello Ana! Hello Ana! "}
    )


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "Anastasia"}, "name"),
        ({"name": "Ana", "times": "2"}, "times"),
        ({"name": "Ana", "times": True}, "times"),
        ({"name": "Ana", "times": 1.5}, "times"),
        ({"name": "Ana", "volume": 11}, "volume"),
        ({"name": "\ud800"}, "name"),
    ],
)
def test_the_first_wrong_field_is_named(tool: Any, arguments: dict[str, Any], field: str):
    with pytest.raises(InvalidArgumentsError) as error:
        tool.check(arguments)
    assert error.value.field == field
    assert field in str(error.value)


def test_every_problem_is_in_the_message_and_no_value_is(tool: Any):
    with pytest.raises(InvalidArgumentsError) as error:
        tool.check({"name": 12345, "times": "hunter2"})
    message = str(error.value)
    assert "name: " in message
    assert "times: " in message
    assert "12345" not in message
    assert "hunter2" not in message


def test_a_long_or_broken_field_name_is_made_printable(tool: Any):
    with pytest.raises(InvalidArgumentsError) as error:
        tool.check({"name": "Ana", "x" * 5000: 1})
    assert len(str(error.value)) < 300


def undocumented(a: Annotated[Number, Field(description="A number.")]) -> Number:
    return a


def undescribed(a: Number) -> Number:
    """Echo a number."""
    return a


def untyped_result(a: Annotated[Number, Field(description="A number.")]):
    """Echo a number."""
    return a


@pytest.mark.parametrize(
    ("function", "complaint"),
    [(undocumented, "docstring"), (undescribed, "parameter a"), (untyped_result, "returns")],
)
def test_a_tool_that_a_model_could_not_read_is_refused(function: Any, complaint: str):
    with pytest.raises(ToolDefinitionError, match=complaint):
        from_function(function, Hints())


def test_destruction_is_said_explicitly_or_not_at_all():
    assert Hints().to_wire()["destructiveHint"] is False
    assert Hints(destructive=True).to_wire()["destructiveHint"] is True


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        ("héllo", "héllo", "héllo"),
        (3, "3", 3),
        ([1, "a"], '[1,"a"]', [1, "a"]),
        ({"k": None}, '{"k":null}', {"k": None}),
    ],
)
def test_what_a_function_returns_is_text_and_data(value: Any, text: str, data: Any):
    assert rendered(value) == ToolResult.of(text, {"result": data})


def test_a_failure_has_no_data():
    assert ToolResult.of("no", is_error=True).to_wire() == {
        "content": [{"type": "text", "text": "no"}],
        "isError": True,
    }
