"""Requests with one thing wrong: each surface understands them or says what is wrong, and so does each provider's
dialect behind it; nothing else is ever raised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import Request
from llm_gateway.canonical.parameters import lacking, without
from llm_gateway.errors import InvalidRequest

from tests.llm_gateway import values
from tests.llm_gateway.matrix.asking import ASKINGS, PICTURE, PIXEL, Asking
from tests.llm_gateway.vendors.table import VENDORS

ODD = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)  # fmt: skip
EACH = pytest.mark.parametrize("asking", ASKINGS, ids=repr)

odd_values = values.json_values | st.sampled_from(
    [-1, 0, 2**63, 1e308, "", " ", "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "x" * 5000,
     [], {}, [[]], [None], {"type": None}, {"type": "text"}, {"type": "object"}, {"$ref": "#"}, True, None]
)  # fmt: skip


def whole(asking: Asking) -> dict[str, Any]:
    """A request of this surface with one of everything, in the middle of a conversation."""
    asked = asking.ask("gpt-4o", tools=True, schema=True, image=PIXEL)
    asked = asking.answer_tools(asked, ANSWERS[asking.name], ["10"])
    return asking.streamed({**asked, "temperature": 0.5, "top_p": 1, "tool_choice": CHOICES[asking.name]})


CHOICES: dict[str, Any] = {
    "chat.completions": {"type": "function", "function": {"name": "add"}},
    "generate": {"type": "function", "function": {"name": "add"}},
    "responses": {"type": "function", "name": "add"},
    "messages": {"type": "tool", "name": "add"},
}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a":4}'}}
ANSWERS: dict[str, bytes] = {
    "chat.completions": msgspec.json.encode(
        {"choices": [{"message": {"role": "assistant", "content": "Voy", "tool_calls": [_CALL]}}]}
    ),
    "generate": b'{"content": "Voy", "tool_calls": [{"id": "call_1", "name": "add", "args": {"a": 4}}]}',
    "responses": b'{"output": [{"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"}]}',
    "messages": b'{"content": [{"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 4}}]}',
}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON document."""
    yield path
    if isinstance(node, dict):
        for name, value in node.items():
            yield from places(value, (*path, name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from places(value, (*path, index))


def changed(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    """`node` with another value at this place."""
    if not path:
        return value
    step, *rest = path
    if isinstance(node, dict):
        return {name: changed(inner, tuple(rest), value) if name == step else inner for name, inner in node.items()}
    return [changed(inner, tuple(rest), value) if index == step else inner for index, inner in enumerate(node)]


def lost(node: Any, path: tuple[Any, ...]) -> Any:
    """`node` without what is at this place."""
    step, *rest = path
    if isinstance(node, dict):
        return {n: lost(v, tuple(rest)) if n == step else v for n, v in node.items() if n != step or rest}
    return [lost(v, tuple(rest)) if n == step else v for n, v in enumerate(node) if n != step or rest]


def understood(asking: Asking, body: bytes) -> Request | None:
    try:
        return asking.surface.server.parse_request(body)
    except InvalidRequest as error:
        assert error.status == 400 and error.message
        return None


def told_to_everybody(request: Request) -> None:
    for vendor in VENDORS:
        try:
            asked = without(request, lacking(request, vendor.client.carries))
            msgspec.json.decode(vendor.client.encode_request(asked, vendor.model))
            vendor.client.dropped(asked, vendor.model)
        except InvalidRequest as error:
            assert error.status == 400 and error.message


@EACH
def test_the_whole_request_is_understood(asking: Asking):
    request = understood(asking, msgspec.json.encode(whole(asking)))
    assert request is not None and request.tools and request.stream
    assert len(list(places(whole(asking)))) > 50
    told_to_everybody(request)


@EACH
@ODD
@given(data=st.data())
def test_a_wrong_value_anywhere(asking: Asking, data: st.DataObject):
    body = whole(asking)
    path = data.draw(st.sampled_from(list(places(body))))
    request = understood(asking, msgspec.json.encode(changed(body, path, data.draw(odd_values))))
    if request is not None:
        told_to_everybody(request)


@EACH
def test_a_value_missing_anywhere(asking: Asking):
    body = whole(asking)
    for path in places(body):
        if path:
            request = understood(asking, msgspec.json.encode(lost(body, path)))
            if request is not None:
                told_to_everybody(request)


@EACH
def test_a_request_that_is_cut_anywhere_is_refused(asking: Asking):
    body = msgspec.json.encode(asking.ask("gpt-4o", tools=True, image=PICTURE))
    for position in range(len(body)):
        assert understood(asking, body[:position]) is None


@EACH
@ODD
@given(body=st.binary(max_size=80) | values.json_values.map(msgspec.json.encode))
def test_what_is_no_request_is_refused(asking: Asking, body: bytes):
    assert understood(asking, body) is None
