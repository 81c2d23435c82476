"""A small agent loop around the planner: it runs the tools for real and keeps what was called."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from offline_planner import Answer, Message, Request, Text, Tool, ToolCall, plan

MOST_TURNS = 40


@dataclass(frozen=True)
class RealTool:
    """A tool with the function that does its work."""

    tool: Tool
    run: Callable[..., Any]


@dataclass
class Answered:
    """What a question led to: the calls in order, the turns that made them, the answer and the whole conversation."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    text: str = ""
    last: Answer | None = None
    messages: tuple[Message, ...] = ()


def tool(
    name: str, description: str, run: Callable[..., Any], required: list[str] | None = None, **types: Any
) -> RealTool:
    """A tool whose schema looks as an MCP server emits it."""
    properties = {
        key: {"title": key.replace("_", " ").title(), **({"type": kind} if isinstance(kind, str) else kind)}
        for key, kind in types.items()
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(types) if required is None else required,
        "title": f"{name}Arguments",
    }
    return RealTool(Tool(name=name, description=description, parameters=schema), run)


def _exact(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[float, float], Decimal]:
    def run(a: float, b: float) -> Decimal:
        return operation(Decimal(str(a)), Decimal(str(b)))

    return run


BUILT_IN = (
    tool("add", "Add two numbers and return their exact sum: add(5, 3) is 8, add(0.1, 0.2) is 0.3.",
         _exact(lambda a, b: a + b), a="number", b="number"),
    tool("multiply", "Multiply two numbers and return their exact product.", _exact(lambda a, b: a * b),
         a="number", b="number"),
    tool("uppercase", "Return a text in upper case.", lambda text: text.upper(), text="string"),
    tool("count_words", "Count the words of a text. A word is a run of characters between white space.",
         lambda text: len(text.split()), text="string"),
)  # fmt: skip

MORE = (
    tool("restar", "Resta el segundo número del primero", _exact(lambda a, b: a - b), a="number", b="number"),
    tool("divide", "Divide a by b", _exact(lambda a, b: a / b), a="number", b="number"),
    tool("to_lower", "Converts text to lowercase", lambda text: text.lower(), text="string"),
    tool("reverse_text", "Reverse a string", lambda text: text[::-1], text="string"),
    tool("consultar_empresa", "Consulta los datos de una empresa por su nombre",
         lambda nombre: f"{nombre}: 12 empleados", nombre="string"),
    tool("consultar_empleado", "Consulta los datos de un empleado por su nombre", lambda nombre: f"{nombre}: contable",
         nombre="string"),
    tool("listar_empleados", "Lista todos los empleados", lambda: "Ana, Luis"),
    tool("memorizar_informacion", "Guarda una información en la memoria", lambda texto: "guardado", texto="string"),
    tool("convert_currency", "Convert an amount of money between currencies",
         lambda **given: f"{given['amount']} {given['from']} = 92 {given['to']}",
         **{"amount": "number", "from": "string", "to": "string"}),
    tool("get_weather", "Get the current weather for a city", lambda city: f"sunny in {city}", city="string"),
    tool("get_current_time", "Get the current time", lambda timezone="UTC": f"12:00 {timezone}", [], timezone="string"),
    tool("add_task", "Add a task to the to-do list", lambda title: "added", title="string"),
    tool("send_email", "Send an email", lambda **given: f"sent to {given['to']}", to="string", subject="string",
         body="string"),
    tool("search_web", "Search the web", lambda query, limit=5: f"{limit} pages on {query}", ["query"], query="string",
         limit="integer"),
    tool("gcd", "Greatest common divisor of two integers", lambda a, b: 6, a="integer", b="integer"),
    tool("frobnicate", "Frobnicates a widget", lambda widget: f"frobnicated {widget}", widget="string"),
)  # fmt: skip


def hold(
    question: str, tools: Sequence[RealTool] = BUILT_IN, history: Sequence[Message] = (), **fields: Any
) -> Answered:
    """Ask, run every call that is asked for, and go on until there is an answer."""
    answered = Answered()
    messages = [*history, Message(role="user", content=(Text(question),))]
    functions = {item.tool.name: item.run for item in tools}
    offered = tuple(item.tool for item in tools)
    for _ in range(MOST_TURNS):
        result = plan(Request(messages=tuple(messages), tools=offered, **fields))
        messages.append(Message(role="assistant", content=result.content))
        calls = [part for part in result.content if isinstance(part, ToolCall)]
        if not calls:
            answered.text = "".join(part.text for part in result.content if isinstance(part, Text))
            answered.last = result
            answered.messages = tuple(messages)
            return answered
        assert result.finish_reason == "tool_calls"
        answered.turns.append(len(calls))
        for call in calls:
            arguments = json.loads(call.arguments)
            answered.calls.append((call.name, arguments))
            messages.append(_result(call, functions[call.name], arguments))
    raise AssertionError(f"no answer after {MOST_TURNS} turns")


def _result(call: ToolCall, run: Callable[..., Any], arguments: dict[str, Any]) -> Message:
    try:
        value, failed = run(**arguments), False
    except Exception as error:  # noqa: BLE001  a tool may fail as it likes; the model is told
        value, failed = f"{type(error).__name__}", True
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    return Message(role="tool", tool_call_id=call.id, content=(Text(str(value)),), is_error=failed)


@pytest.fixture
def ask() -> Callable[..., Answered]:
    """`ask(question, tools, history, **request fields)` holds the conversation of one question."""
    return hold


@pytest.fixture
def built_in() -> tuple[RealTool, ...]:
    """The toolbox's four tools, as its MCP server describes them."""
    return BUILT_IN


@pytest.fixture
def unseen() -> tuple[RealTool, ...]:
    """The four tools and others that the planner was not written for, some in Spanish."""
    return BUILT_IN + MORE


@pytest.fixture
def make_tool() -> Callable[..., RealTool]:
    """`make_tool(name, description, function, required, **types)`."""
    return tool
