"""What holds for every request and every answer, however it was cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from fake_providers import Call, Exchange
from fake_providers.gemini import Says
from fake_providers.gemini.rules import mistake
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import Event, Message, Reasoning, Request, Result, Text, ToolCall
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.errors import InvalidRequest, UpstreamError, UpstreamProtocol

from tests.llm_gateway import values

client = GeminiClient()

QUICK = settings(max_examples=80, deadline=None)
PLAIN, STREAMED = "generateContent", "streamGenerateContent"
MODELS = st.sampled_from(["gemini-3.8-flash", "gemini-2.5-pro", "gemini-flash-latest"])


def model(id_: str = "gemini-3.8-flash", **rest: Any) -> Any:
    return values.model(id_, "google", id=id_, **rest)


# --- requests ---


@QUICK
@given(values.requests, MODELS)
def test_any_request_is_encoded_or_refused(request: Request, id_: str):
    try:
        body = client.encode_request(request, model(id_))
    except InvalidRequest as error:
        assert error.param in ("messages", "tool_choice")
        return
    sent = msgspec.json.decode(body)
    roles = [content["role"] for content in sent["contents"]]
    assert all(before != after for before, after in pairwise(roles))


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Conversations that make sense: every call has its result, and results come after their calls."""
    said = values.text_parts.filter(lambda part: bool(part.text))
    images = values.images
    signed = st.builds(Reasoning, signature=st.just("c2ln"), provider=st.sampled_from(["google", "anthropic", None]))
    messages = [Message(role="system", content=(draw(said),))] if draw(st.booleans()) else []
    for turn in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", content=(draw(said), *draw(st.lists(images, max_size=1)))))
        for step in range(draw(st.integers(0, 2))):
            names = draw(st.lists(values.names, min_size=1, max_size=3))
            calls = [
                ToolCall(id=f"c{turn}_{step}_{n}", name=name, arguments=draw(values.arguments))
                for n, name in enumerate(names)
            ]
            before = draw(st.lists(signed | said, max_size=2))
            messages.append(Message(role="assistant", content=(*before, *calls)))
            for call in draw(st.permutations(calls)):
                content = (Text(text=draw(values.texts)), *draw(st.lists(images, max_size=1)))
                messages.append(
                    Message(role="tool", content=content, tool_call_id=call.id, is_error=draw(st.booleans()))
                )
        messages.append(Message(role="assistant", content=(draw(said), *draw(st.lists(signed, max_size=1)))))
    return tuple(messages[: -1 if draw(st.booleans()) else None])


@QUICK
@given(values.requests, conversations(), MODELS)
def test_google_takes_every_request_that_makes_sense(request: Request, messages: tuple[Message, ...], id_: str):
    request = msgspec.structs.replace(request, messages=messages)
    try:
        body = client.encode_request(request, model(id_))
    except InvalidRequest as error:
        assert error.param == "tool_choice"
        return
    assert mistake(msgspec.json.decode(body), id_) is None


# --- answers ---

_wire_calls = st.lists(
    st.tuples(st.none() | values.names.map(lambda name: f"fc-{name}"), values.names, values.arguments), max_size=3
).filter(lambda calls: len({id_ for id_, _, _ in calls if id_}) == sum(id_ is not None for id_, _, _ in calls))
answers = st.builds(
    Says,
    text=st.none() | st.lists(values.words, min_size=1, max_size=4),
    thought=st.none() | st.lists(values.words, min_size=1, max_size=3),
    calls=_wire_calls,
    finish_reason=st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]),
    usage=st.none() | st.just({"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 2}),
    usage_apart=st.booleans(),
    response_id=st.none() | values.names,
).flatmap(lambda says: st.just(says) if not says.calls else st.sampled_from([says, _signed(says)]))


def _signed(says: Says) -> Says:
    return Says(**{**says.__dict__, "signature": "c2ln"})


@QUICK
@given(answers, st.integers(1, 3), st.data())
def test_a_streams_aggregate_is_the_plain_answer(says: Says, candidates: int, data: st.DataObject):
    stream = played(says, STREAMED, candidates)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    streamed = decoded([stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)])
    plain = client.decode_result(played(says, PLAIN, candidates), ASKED, model())
    ids = [part.id for choice in plain.choices for part in choice.content if isinstance(part, ToolCall)]
    assert streamed == msgspec.structs.replace(plain, id=None, model=streamed.model)
    assert len(plain.choices) == candidates and all(ids)
    assert all(len(set(one)) == len(one) for one in _ids_by_choice(plain))


def _ids_by_choice(result: Result) -> Iterator[list[str]]:
    for choice in result.choices:
        yield [part.id for part in choice.content if isinstance(part, ToolCall)]


FIXTURE = Says(
    ["¡Olé! ", "🎉 日本"], thought="Uhm… 😀", calls=[("fc-1", "add", '{"a":"ñ"}'), (None, "add", "{}")],
    signature="c2ln",
)  # fmt: skip


def test_any_split_in_two_gives_the_same():
    stream = played(FIXTURE, STREAMED)
    whole = decoded_events([stream])
    for position in range(len(stream)):
        assert decoded_events([stream[:position], stream[position:]]) == whole


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_byte_by_byte_gives_the_same(newline: bytes):
    stream = played(FIXTURE, STREAMED)
    cut = stream.replace(b"\r\n", newline)
    assert decoded_events([bytes([byte]) for byte in cut]) == decoded_events([stream])


@QUICK
@given(st.binary(max_size=60), st.integers(0, 5))
def test_no_garbage_is_more_than_an_upstreams_error(garbage: bytes, after: int):
    stream = played(FIXTURE, STREAMED).split(b"\r\n\r\n")
    broken = b"\r\n\r\n".join([*stream[:after], b"data: " + garbage, *stream[after:]])
    try:
        decoded([broken])
    except UpstreamError as error:
        assert error.code in ("upstream_protocol_error", "upstream_stream_cut")


@pytest.mark.parametrize("kept", range(1, 6))
def test_a_stream_cut_between_its_chunks_is_no_answer(kept: int):
    chunks = played(FIXTURE, STREAMED).split(b"\r\n\r\n")
    with pytest.raises(UpstreamProtocol) as caught:
        decoded([b"".join(chunk + b"\r\n\r\n" for chunk in chunks[:kept])])
    assert caught.value.code == "upstream_stream_cut"


# --- helpers ---

ASKED = Request(model="gemini-pro", messages=())


def played(says: Says, method: str, candidates: int = 1) -> bytes:
    """What the fake sends for one request."""
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    path = f"/v1beta/models/m:{method}"
    scope = {"path": path, "raw_path": path.encode(), "query_string": b"alt=sse", "headers": [], "client": ("t", 1)}
    body = msgspec.json.encode({"generationConfig": {"candidateCount": candidates}})

    async def play() -> None:
        await says.play(Exchange(Call(scope, body), send))  # type: ignore[arg-type]

    asyncio.run(play())
    return b"".join(sent)


def decoded_events(chunks: Sequence[bytes]) -> list[Event]:
    framing, decoder = client.framing(), client.stream_decoder(ASKED, model())
    events = [event for chunk in chunks for data in framing.feed(chunk) for event in decoder.feed(data)]
    events += [event for data in framing.finish() for event in decoder.feed(data)]
    return events + decoder.finish()


def decoded(chunks: Sequence[bytes]) -> Result:
    aggregate = Aggregate()
    aggregate.feed(decoded_events(chunks))
    assert aggregate.finished
    return aggregate.result()
