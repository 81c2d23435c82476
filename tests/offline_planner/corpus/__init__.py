"""Sentences with what they should lead to, and the loop that holds them. See the head of `tuned.txt` for the form."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from offline_planner import Message, Request, Text, ToolCall, plan

from tests.offline_planner.toolsets import TOOLSETS, RealTool

HERE = Path(__file__).parent
_MOST_TURNS = 30
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_MARKS = {
    "declines": ("De acuerdo, no lo hago", "All right, I did not do it"),
    "told": ("es una pregunta y no una orden", "that is a question and not an order"),
    "help": ("no un modelo de lenguaje", "not a language model"),
}

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Sentence:
    """One line: what is said, in turns; the tools on offer; the calls that the last turn should make, or what kind of
    answer it should get without any."""

    turns: tuple[str, ...]
    tools: str
    language: str
    calls: tuple[Call, ...]
    kind: str

    def __str__(self) -> str:
        return f"{' || '.join(self.turns)} [{self.tools}]"


@dataclass
class Held:
    """What a conversation came to: the calls of its last turn, and the answer."""

    calls: list[Call]
    text: str


def load(name: str) -> list[Sentence]:
    """Returns the sentences of a file."""
    return list(_sentences((HERE / name).read_text(encoding="utf-8")))


def _sentences(text: str) -> Iterator[Sentence]:
    tools = language = ""
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            tools, language = line.strip("[]").split()
            continue
        said, _, expected = line.rpartition(" => ")
        turns = tuple(_unescaped(turn.strip("·")) for turn in said.split(" || "))
        calls = tuple(_calls(expected, TOOLSETS[tools])) if "(" in expected else ()
        yield Sentence(turns, tools, language, calls, "calls" if calls else expected.strip())


def _unescaped(said: str) -> str:
    """`\\n` is a line's end, `\\u200b` the invisible character of that number."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), said.replace("\\n", "\n"))


def _calls(expected: str, tools: Sequence[RealTool]) -> Iterator[Call]:
    """`add(1, 2); uppercase("x")` as calls; values by position go to the parameters in their order."""
    names = {item.tool.name: list(item.tool.parameters["properties"]) for item in tools}
    for node in ast.parse(expected.strip()).body:
        call = node.value  # type: ignore[attr-defined]
        given = {name: _value(value, expected) for name, value in zip(names[call.func.id], call.args, strict=False)}
        given |= {str(key.arg).rstrip("_"): _value(key.value, expected) for key in call.keywords}
        yield call.func.id, given


def _value(node: ast.expr, source: str) -> Any:
    value = ast.literal_eval(node)
    if isinstance(value, float):
        return Decimal(ast.get_source_segment(source.strip(), node) or "")
    return value


def hold(sentence: Sentence) -> Held:
    """Asks the turns one after another, running every call, and returns what the last one led to."""
    tools = TOOLSETS[sentence.tools]
    messages: list[Message] = []
    held = Held([], "")
    for turn in sentence.turns:
        messages.append(Message(role="user", content=(Text(turn),)))
        held = _turn(messages, tools)
    return held


def _turn(messages: list[Message], tools: Sequence[RealTool]) -> Held:
    functions = {item.tool.name: item.run for item in tools}
    made: list[Call] = []
    for _ in range(_MOST_TURNS):
        answer = plan(Request(messages=tuple(messages), tools=tuple(item.tool for item in tools)))
        messages.append(Message(role="assistant", content=answer.content))
        calls = [part for part in answer.content if isinstance(part, ToolCall)]
        if not calls:
            return Held(made, "".join(part.text for part in answer.content if isinstance(part, Text)))
        for call in calls:
            arguments = _DECODER.decode(call.arguments)
            made.append((call.name, arguments))
            result = functions[call.name](**arguments)
            text = f"{result:f}" if isinstance(result, Decimal) else str(result)
            messages.append(Message(role="tool", tool_call_id=call.id, content=(Text(text),)))
    raise AssertionError("it went on calling tools")


def judge(sentence: Sentence, held: Held) -> str:
    """Returns "right", "asked" where a call was expected and none was made, or "wrong"."""
    if list(sentence.calls) == held.calls and sentence.calls:
        return "right"
    if held.calls:
        return "wrong"
    if sentence.calls:
        return "asked"
    marks = _MARKS.get(sentence.kind)
    if marks is not None and not any(mark in held.text for mark in marks):
        return "other words"
    return "right"
