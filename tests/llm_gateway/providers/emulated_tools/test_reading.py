"""An answer's text is read the same in whatever pieces it comes, and calls are never made up."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import Tool
from llm_gateway.providers.emulated_tools.calls import Called
from llm_gateway.providers.emulated_tools.plan import Plan
from llm_gateway.providers.emulated_tools.reading import reader_of

from tests.llm_gateway import values

ADD = Tool(name="add", parameters={"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}})
FREE = Plan(tools=(ADD,))
TEXT = Plan(tools=(ADD,), envelope="text")
VALUE = Plan(tools=(ADD,), envelope="value")
ONE, TWO = Called("add", '{"a":1}'), Called("add", '{"a": 2}')
CALL_ONE, CALL_TWO = '{"name":"add","arguments":{"a":1}}', '{"name": "add", "arguments": {"a": 2}}'
LIST_ONE = '{"tool_calls":[' + CALL_ONE + "]}"

Read = tuple[str, tuple[Called, ...]]


def read(plan: Plan, pieces: list[str]) -> Read:
    reader = reader_of(plan)
    said = "".join(map(reader.feed, pieces))
    rest, calls = reader.finish()
    return said + rest, calls


def read_everywhere(plan: Plan, text: str) -> Read:
    """`text` as it is read whole, which is also how it is read when it is cut anywhere."""
    whole = read(plan, [text])
    for cut in range(1, len(text)):
        assert read(plan, [text[:cut], text[cut:]]) == whole
    for size in (1, 2, 5):
        assert read(plan, [text[start : start + size] for start in range(0, len(text), size)]) == whole
    return whole


CALLS = {
    LIST_ONE: ("", (ONE,)),
    f"\n {LIST_ONE}\n\nThe result is 7.": ("", (ONE,)),
    CALL_ONE: ("", (ONE,)),
    f"{CALL_ONE}\n{CALL_TWO}": ("", (ONE, TWO)),
    f"[{CALL_ONE}, {CALL_TWO}]": ("", (ONE, TWO)),
    f"```json\n{LIST_ONE}\n```": ("", (ONE,)),
    f"```\n{CALL_ONE}\n```\n```tool_call\n{CALL_TWO}\n```\nDone!": ("", (ONE, TWO)),
    f"<tool_call>\n{CALL_ONE}\n</tool_call>\n<tool_call>{CALL_TWO}</tool_call>": ("", (ONE, TWO)),
    f"<tool_call>{CALL_ONE}": ("", (ONE,)),
    f"Let me add.  \n\n<tool_call>{CALL_ONE}</tool_call>": ("Let me add.", (ONE,)),
    f"Sure, {{ok}} [1]: {LIST_ONE}": ("Sure, {ok} [1]:", (ONE,)),
    f"A block: ```json\n{CALL_ONE}\n```": ("A block:", (ONE,)),
    f"{LIST_ONE} <tool_call>no": ("", (ONE,)),
}


@pytest.mark.parametrize("text", CALLS)
def test_calls_are_found(text: str):
    assert read_everywhere(FREE, text) == CALLS[text]


TEXTS = [
    "",
    "Hola, ¿qué tal? 😀\n",
    "  indented",
    '{"name":"Ada","age":36}',
    '{"name":"add","arguments":{"a":"1"}}',
    '{"name":"sub","arguments":{"a":1}}',
    '{"tool_calls":[]}',
    '{"tool_calls":[{"name":"add","arguments":{"a":1}}',
    "[1, 2, 3] and {x}",
    "[link](https://x.test) `code` ```",
    "```python\nprint({'a': 1})\n```\nthat is it",
    '```json\n{"name":"Ada"}\n```',
    "<tool_call>not json</tool_call>",
    "<tool_cal",
    "<tool_call>",
    f"For example: {CALL_ONE}",
    f'{LIST_ONE} and <tool_call>{{"name":"add","arguments":{{"a":"x"}}}}',
    f'{LIST_ONE}\n<tool_call>{{"name":"add","argum',
    f'{CALL_ONE}\n{{"name":"rm","arguments":{{}}}}',
    '{"answer": "not in an envelope here"}',
    "````\n{}\n````",
    "{ { {",
    '[ {  "na',
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_left_as_it_is(text: str):
    assert read_everywhere(FREE, text) == (text, ())


def test_text_goes_on_as_soon_as_it_can_be_no_call():
    reader = reader_of(FREE)
    assert reader.feed("Hol") == "Hol"
    assert reader.feed("a <") == "a"
    assert reader.feed("b> ``") == " <b>"
    assert reader.feed("`python\n") == ""
    assert reader.feed("x = {") == " ```python\nx ="
    assert reader.feed('"k": 1}') == ' {"k": 1}'
    assert reader.feed("[") == ""
    assert reader.feed("1]") == "[1]"


def test_one_call_is_all_that_was_allowed():
    plan = Plan(tools=(ADD,), one_call=True)
    assert read(plan, [f"[{CALL_ONE}, {CALL_TWO}]"]) == ("", (ONE,))


def test_without_tools_everything_is_text():
    assert read_everywhere(Plan(), LIST_ONE) == (LIST_ONE, ())


def test_an_answer_comes_out_of_its_envelope_as_it_is_written():
    reader = reader_of(TEXT)
    pieces = ('{"ans', 'wer" : "H', "ol", "a\\", 'n"', "}")
    assert [reader.feed(piece) for piece in pieces] == ["", "H", "ol", "a", "\n", ""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"answer":"ho\\u00f1a \\ud83d\\ude00\\n"}', ("hoña 😀\n", ())),
        (' {\n "answer" :\t"x"\n} trailing', ("x", ())),
        ('{"answer":""}', ("", ())),
        ('{"answer":"cut he', ("cut he", ())),
        ('{"answer":"cut \\u00', ("cut ", ())),
        ('{"answ', ("", ())),
        ("", ("", ())),
        ('{"answer": 42}', ("42", ())),
        (LIST_ONE, ("", (ONE,))),
        ('{"tool_calls":[{"name":"no","arguments":{}}]}', ('{"tool_calls":[{"name":"no","arguments":{}}]}', ())),
        ("a server that took no notice", ("a server that took no notice", ())),
        (f"<tool_call>{CALL_ONE}</tool_call>", ("", (ONE,))),
        ('{"answers":"x"}', ('{"answers":"x"}', ())),
    ],
)
def test_the_envelope(text: str, expected: Read):
    assert read_everywhere(TEXT, text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"answer": {"a": "}\\"", "b": [1, {}]} }', '{"a": "}\\"", "b": [1, {}]}'),
        ('{"answer":"quoted \\" text"}', '"quoted \\" text"'),
        ('{"answer":-1.5}', "-1.5"),
        ('{"answer":true }', "true"),
        ('{"answer":[1,', "[1,"),
    ],
)
def test_an_answer_of_a_schema_stays_json(text: str, said: str):
    assert read_everywhere(VALUE, text) == (said, ())


@given(answer=values.texts, ascii_only=st.booleans(), size=st.integers(1, 9))
def test_any_answer_survives_its_envelope(answer: str, ascii_only: bool, size: int):
    written = json.dumps({"answer": answer}, ensure_ascii=ascii_only)
    pieces = [written[start : start + size] for start in range(0, len(written), size)]
    assert read(TEXT, pieces) == (answer, ())


_BITS = st.sampled_from([
    CALL_ONE, CALL_TWO, LIST_ONE, "<tool_call>", "</tool_call>", "```", "json\n", "{", "}", "[", "]", '"', " ", "\n",
    "text", "ñ😀", '{"answer":', '"x"', '{"name":', '{"tool_calls":[', "\\",
])  # fmt: skip


@given(bits=st.lists(_BITS, max_size=12), cuts=st.lists(st.integers(0, 200), max_size=6))
@pytest.mark.parametrize("plan", [FREE, TEXT, VALUE])
def test_pieces_make_no_difference(plan: Plan, bits: list[str], cuts: list[int]):
    text = "".join(bits)
    places = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    whole = read(plan, [text])
    assert read(plan, pieces) == read(plan, list(text)) == whole
    said, calls = whole
    assert set(calls) <= {ONE, TWO}
    if plan is FREE and not calls:
        assert said == text


def test_a_long_answer_is_read_in_a_time_that_grows_as_it_does():
    text = '{"tool_calls":[{"name":"add","arguments":{"a":1,"note":"' + "x{}" * 100_000 + '"}}]}'
    said, calls = read(FREE, [text[start : start + 30] for start in range(0, len(text), 30)])
    assert (said, len(calls)) == ("", 1)
