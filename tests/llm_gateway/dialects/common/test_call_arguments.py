"""Arguments of calls as models write them, and as each dialect wants them."""

from __future__ import annotations

import msgspec
import pytest
from llm_gateway.canonical import Message, Text, ToolCall
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.dialects.common.call_arguments import arguments_of, raw_object, read_arguments, wrapped_object
from llm_gateway.dialects.gemini.client import GeminiClient

from tests.llm_gateway import values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}), ("", {}), (" \n", {}), ("[1]", [1]), ("null", None), ("{", "{"),
        ("{'a': 1}", "{'a': 1}"),
        ("[" * 100_000, "[" * 100_000), ("\ud800", "\ud800"),
    ],
)  # fmt: skip
def test_any_text_is_read(text: str, value: object):
    assert read_arguments(text) == value


def test_an_object_keeps_its_letters():
    assert bytes(raw_object('{"a":  1.0}') or b"") == b'{"a":  1.0}'
    assert bytes(raw_object("  ") or b"") == b"{}"
    assert raw_object("[1]") is None


def test_what_is_no_object_is_not_lost():
    assert msgspec.json.decode(wrapped_object("[1]")) == {"arguments": [1]}
    assert msgspec.json.decode(wrapped_object("{")) == {"arguments": "{"}


@pytest.mark.parametrize("sent", [b"", b"null", b"{}"])
def test_no_object_is_an_empty_one(sent: bytes):
    assert arguments_of(msgspec.Raw(sent)) == "{}"


@pytest.mark.parametrize("dialect", [BedrockClient(), GeminiClient()], ids=["bedrock", "gemini"])
def test_blank_arguments_are_none_in_every_dialect(dialect: BedrockClient | GeminiClient):
    call = Message(role="assistant", content=(ToolCall(id="c1", name="f", arguments=" "),))
    asked = Message(role="user", content=(Text(text="hi"),))
    result = Message(role="tool", content=(Text(text="ok"),), tool_call_id="c1")
    body = dialect.encode_request(values.Request(model="m", messages=(asked, call, result)), values.model("m"))
    assert msgspec.json.decode(body)
