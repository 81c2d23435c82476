"""An emoji cut into two deltas arrives whole, in every dialect."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.canonical import BlockStart, BlockStop, Delta, Reasoning, Request, Text, ToolCall
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.dialects.anthropic.client import AnthropicClient
from llm_gateway.dialects.bedrock.client import BedrockClient
from llm_gateway.dialects.common.surrogates import SurrogateJoiner
from llm_gateway.dialects.gemini.client import GeminiClient
from llm_gateway.dialects.openai_chat.client import OpenAIChatClient
from llm_gateway.net.event_stream import Frame

from tests.llm_gateway import values

openai = OpenAIChatClient()

gemini = GeminiClient()

bedrock = BedrockClient()

anthropic = AnthropicClient()

ASKED, MODEL = Request(model="m", messages=()), values.model("m")
FIRST, SECOND = rb"a\ud83d", rb"\ude00b"


def decoded(dialect: Any, frames: Iterable[Any]) -> tuple[Any, ...]:
    decoder, aggregate = dialect.stream_decoder(ASKED, MODEL), Aggregate()
    for frame in frames:
        aggregate.feed(decoder.feed(frame))
    aggregate.feed(decoder.finish())
    return aggregate.result().content


def chat(field: bytes, *pieces: bytes) -> list[bytes]:
    deltas = [b'{"choices":[{"index":0,"delta":{"%s":"%s"}}]}' % (field, piece) for piece in pieces]
    return [*deltas, b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', b"[DONE]"]


def messages(*pieces: bytes) -> list[bytes]:
    delta = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}'
    return [
        b'{"type":"message_start","message":{"content":[]}}',
        b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        *(delta % piece for piece in pieces),
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}',
        b'{"type":"message_stop"}',
    ]


def chunks(*pieces: bytes) -> list[bytes]:
    said = [b'{"candidates":[{"content":{"parts":[{"text":"%s"}]}}]}' % piece for piece in pieces]
    return [*said, b'{"candidates":[{"finishReason":"STOP"}]}']


def frames(*pieces: bytes) -> list[Frame]:
    delta = b'{"contentBlockIndex":0,"delta":{"text":"%s"}}'
    said = [Frame("event", "contentBlockDelta", delta % piece) for piece in pieces]
    return [*said, Frame("event", "messageStop", b'{"stopReason":"end_turn"}')]


STREAMS = [
    pytest.param(openai, lambda *pieces: chat(b"content", *pieces), id="openai"),
    pytest.param(anthropic, messages, id="anthropic"),
    pytest.param(gemini, chunks, id="gemini"),
    pytest.param(bedrock, frames, id="bedrock"),
]


@pytest.mark.parametrize(("dialect", "stream"), STREAMS)
def test_the_halves_are_joined(dialect: Any, stream: Any):
    assert decoded(dialect, stream(FIRST, SECOND)) == (Text(text="a\U0001f600b"),)
    assert decoded(dialect, stream(FIRST, b"", SECOND)) == (Text(text="a\U0001f600b"),)


@pytest.mark.parametrize(("dialect", "stream"), STREAMS)
def test_a_half_without_the_other_is_told_as_unknown(dialect: Any, stream: Any):
    assert decoded(dialect, stream(FIRST, b"b")) == (Text(text="a\ufffdb"),)
    assert decoded(dialect, stream(b"a", FIRST)) == (Text(text="aa\ufffd"),)
    assert decoded(dialect, stream(SECOND, b"c")) == (Text(text="\ufffdbc"),)


def test_thoughts_and_arguments_are_text_too():
    assert decoded(openai, chat(b"reasoning_content", FIRST, SECOND)) == (Reasoning(text="a\U0001f600b"),)
    called = b'{"index":0,"id":"c","function":{"name":"f","arguments":"%s"}}'
    call = b'{"choices":[{"index":0,"delta":{"tool_calls":[' + called + b"]}}]}"
    end = b'{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}'
    pieces = (rb"[\"\ud83d", rb"\ude00\"]")
    assert decoded(openai, [*(call % piece for piece in pieces), end]) == (
        ToolCall(id="c", name="f", arguments='["\U0001f600"]'),
    )


@given(st.text(alphabet="aé\U0001f600\U0001f680", max_size=8), st.data())
def test_any_cut_gives_the_same_text(text: str, data: st.DataObject):
    units = text.encode("utf-16-le", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(units) // 2), max_size=4)))
    ends = [0, *cuts, len(units) // 2]
    torn, said = SurrogateJoiner(), ""
    for start, end in pairwise(ends):
        piece = units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        said += "".join(event.text for event in torn.join([Delta(index=0, text=piece)]) if isinstance(event, Delta))
    assert said == text
    assert torn.join([BlockStop(index=0)]) == [BlockStop(index=0)]


def test_blocks_do_not_mix():
    torn = SurrogateJoiner()
    begun = torn.join([BlockStart(index=0, kind="text"), Delta(index=0, text="\ud83d"), Delta(index=1, text="\ude00")])
    assert begun == [BlockStart(index=0, kind="text"), Delta(index=1, text="\ufffd")]
    assert torn.join([BlockStop(index=0)]) == [Delta(index=0, text="\ufffd"), BlockStop(index=0)]
