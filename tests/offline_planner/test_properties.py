"""Whatever is asked, with whatever tools: no exception, no loop, no more than linear time."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offline_planner import Message, Request, Text, Tool, ToolCall, ToolChoice, plan, tokens

from tests.strategies import nested

WORDS = [
    "suma",
    "multiplica",
    "resta",
    "divide",
    "convierte",
    "cuenta",
    "palabras",
    "mayúsculas",
    "el",
    "la",
    "los",
    "de",
    "del",
    "a",
    "al",
    "y",
    "e",
    ",",
    ".",
    ":",
    ";",
    "?",
    "!",
    "¿",
    "'",
    '"',
    "«",
    "»",
    "luego",
    "después",
    "then",
    "and",
    "it",
    "lo",
    "resultado",
    "result",
    "resultados",
    "súmalos",
    "multiplícalo",
    "por",
    "entre",
    "más",
    "menos",
    "plus",
    "times",
    "x",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "^",
    "%",
    "=",
    "3",
    "-4",
    "2,5",
    "1.000,5",
    "0.1",
    "mil",
    "veinte",
    "y",
    "cinco",
    "twenty-five",
    "hundred",
    "coma",
    "hola",
    "please",
    "por",
    "favor",
    "gracias",
    "que",
    "that",
    "Ana",
    "HOLA",
    "texto",
    "cuántas",
    "how",
    "many",
    "después",
    "de",
    "after",
    "ahora",
    "all",
    "🎉",
    "\n",
]
sentences = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
names = st.text(min_size=1, max_size=12) | st.sampled_from(["add", "multiply", "restar", "countWords", "get_user"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
types = st.sampled_from(["number", "integer", "string", "boolean", "array", "object", "null", "strange"])
leaves = st.fixed_dictionaries(
    {}, optional={"type": types | st.lists(types, max_size=2) | scalars, "enum": st.lists(scalars, max_size=3)}
)
schemas = nested(
    leaves,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": types,
            "properties": st.dictionaries(names, inner, max_size=4) | scalars,
            "required": st.lists(names, max_size=3) | scalars,
            "items": inner,
            "anyOf": st.lists(inner, max_size=2),
            "$ref": st.sampled_from(["#", "#/properties/a", "elsewhere"]) | scalars,
        },
    ),
)
tools = st.builds(Tool, name=names, description=st.text(max_size=60) | sentences, parameters=schemas)
choices = st.none() | st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required", "tool"]), name=names)


def asked(question: str, offered=(), choice=None) -> Request:
    message = Message(role="user", content=(Text(question),))
    return Request(messages=(message,), tools=tuple(offered), tool_choice=choice)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=120) | sentences, st.lists(tools, max_size=5), choices)
def test_no_question_and_no_tool_makes_it_raise(question, offered, choice) -> None:
    request = asked(question, offered, choice)
    result = plan(request)
    names_offered = {tool.name for tool in offered}
    for part in result.content:
        if isinstance(part, ToolCall):
            assert part.name in names_offered
            assert isinstance(json.loads(part.arguments), dict)
    assert plan(request) == result


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sentences, st.sampled_from(["7", "HOLA", "", "Error: no", '{"result": 7}', "[[[", "-0", '"x"']))
def test_every_conversation_ends(unseen, question, result) -> None:
    offered = tuple(item.tool for item in unseen)
    messages = [Message(role="user", content=(Text(question),))]
    for _ in range(60):
        answer = plan(Request(messages=tuple(messages), tools=offered))
        calls = [part for part in answer.content if isinstance(part, ToolCall)]
        if not calls:
            assert answer.finish_reason == "stop"
            return
        messages.append(Message(role="assistant", content=answer.content))
        messages += [Message(role="tool", tool_call_id=call.id, content=(Text(result),)) for call in calls]
    raise AssertionError("it went on calling tools")


@given(st.text(max_size=200), st.integers(min_value=0, max_value=80))
def test_counting_and_cutting_agree(text, limit) -> None:
    assert "".join(tokens.pieces(text)) == text
    cut = tokens.first(text, limit)
    assert text.startswith(cut)
    assert tokens.count(cut) == min(limit, tokens.count(text))


LONG = {
    "words": "palabra ", "digits": "1", "numbers": "1 y ", "quotes": "'a ", "inner quotes": "'a", "double quotes": '"',
    "guillemets": "«", "brackets": "(", "signs": "- ", "minus": "-", "dots": "1.", "commas": "1,", "colons": "a: ",
    "steps": "suma 1 y 2, luego ", "weak": "suma y ", "references": "resultado de ", "that": "memoriza que ",
    "infix": "1 + ", "number words": "mil ", "accents": "á", "combining": "a\u0301", "joined": "a-", "dash run": "a-- ",
    "after": "suma después de ",
}  # fmt: skip


@pytest.mark.parametrize("unit", LONG.values(), ids=LONG.keys())
@pytest.mark.parametrize("start", ["", "cuenta las palabras de "], ids=["bare", "asked"])
def test_time_grows_no_faster_than_the_question(built_in, unit, start) -> None:
    offered = [item.tool for item in built_in]

    def seconds(length: int) -> float:
        request = asked(start + unit * (length // len(unit)), offered)
        begun = time.process_time()
        plan(request)
        return time.process_time() - begun

    short, long = min(seconds(8_000) for _ in range(2)), seconds(128_000)
    # Sixteen times the text: sixteen times the time and some noise, where quadratic growth would take 256 times.
    assert long < 40 * short + 0.1
    assert long < 2.0


def test_a_long_text_reaches_its_tool_whole(built_in) -> None:
    offered = [item.tool for item in built_in]
    text = "una palabra tras otra " * 20_000
    for question in (f"cuenta las palabras de: {text}", f'cuenta las palabras de "{text}"'):
        (call,) = plan(asked(question, offered)).content
        assert isinstance(call, ToolCall)
        assert json.loads(call.arguments)["text"].split() == text.split()


def test_numbers_beyond_what_is_read_are_not_left_out_in_silence(built_in) -> None:
    offered = [item.tool for item in built_in]
    (part,) = plan(asked("suma " + "1 y " * 6_000 + "2", offered)).content
    assert isinstance(part, Text)
    assert "demasiado larga" in part.text


@given(st.text(alphabet="ab1,;_ \n“é", min_size=1, max_size=12), st.integers(min_value=0, max_value=20))
def test_a_long_text_is_counted_as_its_pieces_are(text, shift) -> None:
    long = "," * shift + text * (50_000 // len(text))
    assert tokens.count(long) == len(re.findall(r"\w{1,6}|[^\w\s]", long))
    assert "".join(tokens.pieces(long * 2)) == long * 2
