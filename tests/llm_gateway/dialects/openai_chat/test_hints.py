from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import Message, Request
from llm_gateway.dialects.openai_chat import wire
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.dialects.openai_chat.server import OpenAIChatServer

from tests.llm_gateway import values

client = OpenAIChatClient()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(wire.HINTS), values.json_values.filter(lambda v: v is not None), max_size=1),
    st.dictionaries(values.names.map(lambda name: f"x_{name}"), values.json_values, max_size=2),
)
def test_hints_and_unknown_fields_pass_to_the_same_dialect_alone(hints: dict[str, object], extra: dict[str, object]):
    typed = {name: value for name, value in hints.items() if name in ("metadata", "prediction")}
    request = Request(model="m", messages=(Message(role="user"),), hints=typed, extra=extra, dialect="openai_chat")
    assert OpenAIChatServer().parse_request(client.encode_request(request, values.model("m"))) == request
    assert client.dropped(request, values.model("m")) == ()
    foreign = msgspec.structs.replace(request, dialect="other")
    assert set(msgspec.json.decode(client.encode_request(foreign, values.model("m")))) == {"model", "messages"}
    assert client.dropped(foreign, values.model("m")) == (*typed, *extra)
