"""What we render, we can decode again: the property that holds both halves of the dialect together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_gateway.aggregate import Aggregate, events_of
from llm_gateway.dialects.openai_chat import client, server, wire
from llm_gateway.sse import SseDecoder
from llm_gateway.types import (
    Choice,
    Delta,
    Event,
    Message,
    Reasoning,
    Request,
    Result,
    Text,
    ToolCall,
    Usage,
)

from tests.llm_gateway import values

ASKED, MODEL = Request(model="m", messages=()), values.model("m")
QUICK = settings(max_examples=60, deadline=None)


# --- what the dialect declares it can carry ---


def projected(request: Request) -> Request:
    """`request` without what chat completions cannot say."""
    return msgspec.structs.replace(
        request,
        provider=None,
        messages=tuple(_projected(message) for message in request.messages),
        include_usage=request.stream,
        top_k=None,
        reasoning_budget=None,
        dialect="openai_chat",
    )


def _projected(message: Message) -> Message:
    """Reasoning stays with us, a failed tool is told by its text, and text beside tool calls is one string."""
    content = tuple(part for part in message.content if not isinstance(part, Reasoning))
    calls = tuple(part for part in content if isinstance(part, ToolCall))
    if calls:
        text = "".join(part.text for part in content if isinstance(part, Text))
        content = (*((Text(text=text),) if text else ()), *calls)
    return msgspec.structs.replace(message, content=content, is_error=False)


def carried(result: Result) -> Result:
    """`result` as it comes back: under our own name and id."""
    return msgspec.structs.replace(result, model="gpt-4o", id="chatcmpl-req_1")


# --- requests ---


@QUICK
@given(values.requests)
def test_a_request_survives_encode_and_parse(request: Request):
    encoded = client.encode_request(request, values.model(request.model))
    assert server.parse_request(encoded) == projected(request)


@QUICK
@given(
    st.dictionaries(st.sampled_from(wire.HINTS), values.json_values.filter(lambda v: v is not None), max_size=1),
    st.dictionaries(values.names.map(lambda name: f"x_{name}"), values.json_values, max_size=2),
)
def test_hints_and_unknown_fields_pass_to_the_same_dialect_alone(hints: dict[str, object], extra: dict[str, object]):
    typed = {name: value for name, value in hints.items() if name in ("metadata", "prediction")}
    request = Request(model="m", messages=(Message(role="user"),), hints=typed, extra=extra, dialect="openai_chat")
    assert server.parse_request(client.encode_request(request, values.model("m"))) == projected(request)
    assert client.dropped(request, values.model("m")) == ()
    foreign = msgspec.structs.replace(request, dialect="other")
    assert set(msgspec.json.decode(client.encode_request(foreign, values.model("m")))) == {"model", "messages"}
    assert client.dropped(foreign, values.model("m")) == (*typed, *extra)


# --- plain answers ---


@QUICK
@given(values.results(most_choices=3))
def test_a_result_survives_render_and_decode(result: Result):
    assert client.decode_result(server.render_result(values.answer(result), ASKED), ASKED, MODEL) == carried(result)


# --- streams ---


@QUICK
@given(values.results(most_choices=3), st.data())
def test_a_streams_aggregate_is_the_plain_answer(result: Result, data: st.DataObject):
    events = list(pieces(result, data.draw(st.integers(1, 5))))
    stream = streamed(events, result)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    streamed_back = decoded([stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)])
    plain = client.decode_result(server.render_result(values.answer(result), ASKED), ASKED, MODEL)
    assert streamed_back == msgspec.structs.replace(plain, id=None)


FIXTURE = Result(
    choices=(
        Choice(
            content=(
                Reasoning(text="Uhm… 😀"),
                Text(text="¡Olé! 🎉 日本"),
                ToolCall(id="call_1", name="add", arguments='{"a": "ñ", "b": [1, 2]}'),
                ToolCall(id="call_2", name="add", arguments="{}"),
            ),
            finish_reason="tool_calls",
        ),
    ),
    usage=Usage(prompt_tokens=11, completion_tokens=7, cached_tokens=3, reasoning_tokens=2),
)


def test_any_split_in_two_gives_the_same():
    stream = streamed(list(pieces(FIXTURE, 2)), FIXTURE)
    whole = decoded([stream])
    assert whole == msgspec.structs.replace(carried(FIXTURE), id=None)
    for position in range(len(stream)):
        assert decoded([stream[:position], stream[position:]]) == whole


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_byte_by_byte_gives_the_same(newline: bytes):
    stream = streamed(list(pieces(FIXTURE, 3)), FIXTURE).replace(b"\n", newline)
    assert decoded([bytes([byte]) for byte in stream]) == msgspec.structs.replace(carried(FIXTURE), id=None)


def pieces(result: Result, size: int) -> Iterator[Event]:
    """The result's events, its texts in pieces of `size` characters."""
    for event in events_of(result):
        if isinstance(event, Delta):
            for start in range(0, len(event.text), size):
                yield msgspec.structs.replace(event, text=event.text[start : start + size])
        else:
            yield event


def streamed(events: list[Event], result: Result) -> bytes:
    """The stream that a client of ours would be sent."""
    encoder = server.stream_encoder(values.origin(), Request(model="m", messages=(), include_usage=True))
    return encoder.start() + b"".join(encoder.feed([event]) for event in events) + encoder.finish(values.answer(result))


def decoded(chunks: Sequence[bytes]) -> Result:
    """What our own client side makes of those bytes."""
    framing, decoder, aggregate = SseDecoder(10**6), client.stream_decoder(ASKED, MODEL), Aggregate()
    for chunk in chunks:
        for data in framing.feed(chunk):
            aggregate.feed(decoder.feed(data))
    for data in framing.finish():  # a lone \r at the end may be the half of \r\n until then
        aggregate.feed(decoder.feed(data))
    assert decoder.done and decoder.complete
    aggregate.feed(decoder.finish())
    assert aggregate.finished
    return aggregate.result()
