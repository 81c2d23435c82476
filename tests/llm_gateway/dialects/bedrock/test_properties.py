"""Any request: encoded, or refused by name; what is encoded, Bedrock takes. Any answer: the same however it came."""

from __future__ import annotations

import msgspec
import pytest
from fake_providers.bedrock import Says
from fake_providers.bedrock.rules import mistake_in
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import Message, Request, ResponseFormat, Result, Text, Tool
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.errors import InvalidRequest, UpstreamProtocol

from tests.llm_gateway import values
from tests.llm_gateway.hourglass.drawn import conversations

client = BedrockClient()

MODELS = [
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-opus-4-6-v1",
    "anthropic.claude-3-haiku-20240307-v1:0", "us.amazon.nova-pro-v1:0", "us.amazon.nova-micro-v1:0",
    "us.amazon.nova-2-lite-v1:0", "meta.llama3-70b-instruct-v1:0", "us.meta.llama3-3-70b-instruct-v1:0",
    "us.meta.llama4-scout-17b-instruct-v1:0", "amazon.titan-text-express-v1", "mistral.mistral-7b-instruct-v0:2",
    "mistral.mistral-large-2407-v1:0", "cohere.command-r-plus-v1:0", "us.deepseek.r1-v1:0", "openai.gpt-oss-120b-1:0",
    "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl",
]  # fmt: skip
models = st.builds(
    lambda id_, native, limit: values.model(
        id_, "aws", supports=("json_schema",) if native else (), max_output_tokens=limit
    ),
    st.sampled_from(MODELS), st.booleans(), st.none() | st.integers(2048, 64_000),
)  # fmt: skip


@given(conversations(), models)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_encoded_is_taken(request: Request, model: Model):
    request = msgspec.structs.replace(request, temperature=request.temperature and request.temperature / 2)
    try:
        body = client.encode_request(request, model)
    except InvalidRequest as refusal:
        assert refusal.param and refusal.param in refusal.message
        event("refused")
        return
    event("taken")
    assert mistake_in(body, model.id, "converse-stream" if request.stream else "converse") is None


@given(values.requests, models)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_else_is_raised(request: Request, model: Model):
    """However little sense the conversation makes."""
    assert isinstance(client.dropped(request, model), tuple)
    try:
        body = client.encode_request(request, model)
    except InvalidRequest as refusal:
        assert refusal.param
        return
    assert msgspec.json.decode(body)["messages"]


QUESTION = (Message(role="user", content=(Text(text="Hola"),)),)
ASKED = Request(model="m", messages=(), stream=True)
FORCED = Request(model="m", messages=(), response_format=ResponseFormat(type="json_schema", name="n", schema={}))
MODEL = values.model("us.amazon.nova-pro-v1:0", "aws")


def streamed(body: bytes, cuts: list[int], request: Request = ASKED) -> Result:
    framing, decoder, whole = client.framing(), client.stream_decoder(request, MODEL), Aggregate()
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        for frame in framing.feed(body[start:end]):
            whole.feed(decoder.feed(frame))
    assert decoder.done
    whole.feed(decoder.finish())
    return whole.result()


def plain(says: Says, request: Request = ASKED) -> Result:
    return client.decode_result(msgspec.json.encode(says.answer()), request, MODEL)


_calls = st.lists(st.tuples(values.names, values.names, values.arguments), max_size=3)
answers = st.builds(
    Says,
    text=st.none() | st.lists(values.words, min_size=1, max_size=3),
    calls=_calls,
    reasoning=st.none() | values.words,
    signature=st.none() | st.just("c2ln"),
    redacted=st.none() | st.binary(min_size=1, max_size=8),
    stop_reason=st.sampled_from([None, "end_turn", "max_tokens", "content_filtered", "something_new"]),
    stop_sequence=st.none() | values.words,
    usage=st.builds(
        lambda fresh, said, read, written: {
            "inputTokens": fresh, "outputTokens": said, "cacheReadInputTokens": read, "cacheWriteInputTokens": written,
            "cacheDetails": [{"ttl": "1h", "inputTokens": written or 0}],
        },
        st.integers(0, 9**9), st.integers(0, 9**9), st.none() | st.integers(0, 99), st.none() | st.integers(0, 99),
    ),
)  # fmt: skip


@given(answers, st.data())
def test_a_stream_adds_up_to_the_plain_answer(says: Says, data: st.DataObject):
    body = says.stream()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    assert streamed(body, cuts) == plain(says)


@given(answers, st.booleans())
def test_also_where_a_tool_stood_for_the_answer(says: Says, called: bool):
    if called:
        says = Says(text=says.text, calls=[*says.calls, ("id", "n", '{"a": 1}')], usage=says.usage)
    answer = plain(says, FORCED)
    assert streamed(says.stream(), [], FORCED) == answer
    assert all(getattr(part, "name", None) != "n" for part in answer.content)


EVERYTHING = Says(
    ["¡Olé! ", "日本 👋"], calls=[("a", "f", '{"ñ":1}'), ("b", "f", "{}")], reasoning="uhm", redacted=b"\0"
)


def test_at_every_byte():
    body, whole = EVERYTHING.stream(), plain(EVERYTHING)
    for at in range(len(body)):
        assert streamed(body, [at]) == whole, at
    assert streamed(body, list(range(1, len(body)))) == whole


def test_cut_at_every_byte():
    """Before the end of the message it is an error, after it the answer is whole but for its usage."""
    body = EVERYTHING.stream()
    ended = body.index(b"messageStop")
    for at in range(len(body)):
        framing, decoder = client.framing(), client.stream_decoder(ASKED, MODEL)
        for frame in [*framing.feed(body[:at]), *framing.finish()]:
            decoder.feed(frame)
        if decoder.complete:
            assert at > ended
            assert decoder.finish()
        else:
            with pytest.raises(UpstreamProtocol) as caught:
                decoder.finish()
            assert caught.value.code == "upstream_stream_cut"


def test_a_tool_that_stands_for_the_answer_never_takes_a_name_that_is_taken():
    taken = tuple(Tool(name=name) for name in ("n", "json_answer", "json_answer_1"))
    body = msgspec.json.decode(
        client.encode_request(
            Request(model="m", messages=QUESTION, tools=taken, response_format=FORCED.response_format), MODEL
        )
    )
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]][-1] == "json_answer_2"
    assert body["toolConfig"]["toolChoice"] == {"any": {}}
