from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import (
    BlockStart,
    BlockStop,
    Choice,
    Delta,
    Event,
    Finish,
    Logprobs,
    Reasoning,
    Request,
    Result,
    Signature,
    Text,
    ToolCall,
    UsageReport,
)
from llm_gateway.canonical.aggregate import events_of
from llm_gateway.dialects.openai_responses.server import OpenAIResponsesServer
from llm_gateway.errors import InvalidRequest, UpstreamRateLimited, UpstreamTimeout
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.llm_gateway import values
from tests.llm_gateway.dialects.openai_responses.drawn import outputs

server = OpenAIResponsesServer()

QUICK = settings(max_examples=60, deadline=None)
EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
ASKED = server.parse_request(b'{"input": "Hola", "instructions": "Breve", "temperature": 0.5}')


def told(stream: bytes) -> list[dict[str, Any]]:
    """The events, each with its name and its number checked, and as strict as the official models are."""
    blocks = stream.decode().removesuffix("\n\n").split("\n\n")
    found: list[dict[str, Any]] = []
    for number, block in enumerate(blocks):
        name, data = block.split("\n")
        event = msgspec.json.decode(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == number
        EVENT.validate_python(event, strict=True)
        found.append(event)
    return found


def pieces(result: Result, size: int, *, interleaved: bool) -> list[Event]:
    """`result` as a provider streams it: in pieces, and its calls perhaps at once."""
    cut: list[Event] = []
    for event in events_of(result):
        if isinstance(event, Delta):
            starts = range(0, len(event.text), size)
            cut += [msgspec.structs.replace(event, text=event.text[at : at + size]) for at in starts]
        else:
            cut.append(event)
    return list(together(cut)) if interleaved else cut


def together(events: list[Event]) -> Iterator[Event]:
    """The same with all stops at the end of the blocks, and the pieces of all blocks in turns."""
    yield from (event for event in events if isinstance(event, BlockStart))
    inner = [event for event in events if isinstance(event, Delta | Signature)]
    turns = {index: [event for event in inner if event.index == index] for index in {event.index for event in inner}}
    while any(turns.values()):
        for waiting in turns.values():
            if waiting:
                yield waiting.pop(0)
    yield from (event for event in events if isinstance(event, BlockStop))
    yield from (event for event in events if isinstance(event, Finish | UsageReport))


def streamed(result: Result, events: list[Event], batch: int = 3, request: Request = ASKED) -> bytes:
    answer = values.answer(result)
    encoder = server.stream_encoder(answer.answered_by, request)
    stream = encoder.start()
    for at in range(0, len(events), batch):
        stream += encoder.feed(events[at : at + batch])
    return stream + encoder.finish(answer)


def plain(result: Result) -> dict[str, Any]:
    return msgspec.json.decode(server.render_result(values.answer(result), ASKED))


streams = st.tuples(outputs(), st.integers(1, 5), st.integers(1, 6), st.booleans())


@QUICK
@given(streams)
def test_a_stream_ends_with_the_plain_answer(drawn: tuple[Result, int, int, bool]):
    result, size, batch, interleaved = drawn
    events = told(streamed(result, pieces(result, size, interleaved=interleaved), batch))
    first, second, *between, last = events
    assert [first["type"], second["type"]] == ["response.created", "response.in_progress"]
    assert first["response"] == second["response"]
    assert last["type"] == f"response.{last['response']['status']}"
    assert last["response"] == plain(result)
    assert put_together(between) == last["response"]["output"]


def put_together(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The output as the events between the first and the last tell it, item by item."""
    items: dict[int, dict[str, Any]] = {}
    said: dict[int, str] = {}
    for event in events:
        index = event["output_index"]
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert index == len(items) and event["item"]["status"] == "in_progress"
            items[index] = event["item"]
        elif kind == "output_item.done":
            assert event["item"]["id"] == items[index]["id"]
            assert items[index]["status"] == "in_progress", "done twice"
            items[index] = event["item"]
        else:
            assert event["item_id"] == items[index]["id"] and items[index]["status"] == "in_progress"
            if kind.endswith(".delta"):
                said[index] = said.get(index, "") + event["delta"]
            elif kind in DONE:
                assert event[DONE[kind]] == said.get(index, "")
    return list(items.values())


DONE = {
    "output_text.done": "text",
    "refusal.done": "refusal",
    "reasoning_summary_text.done": "text",
    "function_call_arguments.done": "arguments",
}


@settings(QUICK, max_examples=25)
@given(streams)
def test_the_official_client_puts_it_together(drawn: tuple[Result, int, int, bool]):
    result, size, batch, interleaved = drawn
    body = streamed(result, pieces(result, size, interleaved=interleaved), batch)
    [last] = [event for event in told(body) if event["type"] in ("response.completed", "response.incomplete")]
    with client_of(body) as client, client.responses.stream(model="m", input="Hola") as stream:
        seen = list(stream)
        if last["type"] == "response.completed":
            final = stream.get_final_response().to_dict(mode="json")
            assert without_parsed(final) == Response.model_validate(plain(result)).to_dict(mode="json")
    assert len(seen) == len(told(body))


def client_of(body: bytes) -> openai.OpenAI:
    """The official client, whose server answers this stream."""
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=body))
    return openai.OpenAI(
        base_url="http://gateway.test/v1", api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def without_parsed(value: Any) -> Any:
    """`value` without what the client itself adds to it."""
    if isinstance(value, dict):
        added = ("parsed", "parsed_arguments")
        return {name: without_parsed(inner) for name, inner in value.items() if name not in added}
    return [without_parsed(inner) for inner in value] if isinstance(value, list) else value


def test_every_event_in_its_order():
    call = ToolCall(id="c1", name="add", arguments='{"a":1}')
    thought = Reasoning(text="hm", signature="c2ln", provider="anthropic")
    result = Result(choices=(Choice(content=(thought, Text(text="Voy"), call), finish_reason="tool_calls"),))
    kinds = [
        (event["type"].removeprefix("response."), event.get("output_index"))
        for event in told(streamed(result, pieces(result, 10, interleaved=False)))
    ]
    assert kinds == [
        ("created", None), ("in_progress", None),
        ("output_item.added", 0), ("reasoning_summary_part.added", 0), ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.done", 0), ("reasoning_summary_part.done", 0), ("output_item.done", 0),
        ("output_item.added", 1), ("content_part.added", 1), ("output_text.delta", 1),
        ("output_text.done", 1), ("content_part.done", 1), ("output_item.done", 1),
        ("output_item.added", 2), ("function_call_arguments.delta", 2), ("function_call_arguments.done", 2),
        ("output_item.done", 2), ("completed", None),
    ]  # fmt: skip


def test_a_thought_without_words_has_no_summary():
    choice = Choice(content=(Reasoning(signature="c2ln", provider="google"), Text(text="x")))
    result = Result(choices=(choice,))
    thought = [
        event for event in told(streamed(result, pieces(result, 9, interleaved=False))) if "item_id" not in event
    ]
    assert [event["type"] for event in thought][2:4] == ["response.output_item.added", "response.output_item.done"]
    assert thought[3]["item"]["encrypted_content"] == "gw1.google.c2ln"
    kinds = [event["type"] for event in told(streamed(result, pieces(result, 9, interleaved=False)))]
    assert not [kind for kind in kinds if "reasoning" in kind]


def test_each_piece_goes_on_at_once():
    encoder = server.stream_encoder(values.answered_by(), ASKED)
    encoder.start()
    encoder.feed([BlockStart(index=0, kind="text")])
    for piece in ("Ho", "la"):
        [event] = [line for line in encoder.feed([Delta(index=0, text=piece)]).split(b"\n") if line[:5] == b"data:"]
        assert msgspec.json.decode(event.removeprefix(b"data: "))["delta"] == piece
    assert encoder.feed([Delta(index=0, text="")]) == b""


def test_blocks_may_have_any_number():
    """A provider that counts other things too leaves gaps; the output has none."""
    events: list[Event] = [
        BlockStart(index=3, kind="text"), Delta(index=3, text="a"), BlockStop(index=3),
        BlockStart(index=7, kind="tool_call", tool_index=0, id="c", name="f"), BlockStop(index=7),
        Finish(reason="tool_calls"),
    ]  # fmt: skip
    content = (Text(text="a"), ToolCall(id="c", name="f", arguments=""))
    result = Result(choices=(Choice(content=content, finish_reason="tool_calls"),))
    *_, last = told(streamed(result, events))
    assert put_together(told(streamed(result, events))[2:-1]) == last["response"]["output"]


def test_only_the_first_of_several_answers_is_streamed():
    result = values.said("uno")
    second = Result(choices=(*result.choices, Choice(content=(Text(text="dos"),))))
    assert told(streamed(result, list(events_of(second)))) == told(streamed(result, list(events_of(result))))


def test_logprobs_come_with_their_piece():
    tokens = [{"token": token, "logprob": -0.5, "bytes": [97], "top_logprobs": []} for token in ("a", "b", "c")]
    chat = [Logprobs(value={"content": [token]}) for token in tokens]
    events: list[Event] = [
        BlockStart(index=0, kind="text"), Delta(index=0, text="ab"), chat[0], chat[1], Delta(index=0, text="c"),
        chat[2], BlockStop(index=0), Finish(reason="stop"),
    ]  # fmt: skip
    choice = Choice(content=(Text(text="abc"),), logprobs={"content": tokens})
    found = told(streamed(Result(choices=(choice,)), events, batch=8))
    assert [event["logprobs"] for event in found if event["type"].endswith("text.delta")] == [tokens[:2], tokens[2:]]
    [done] = [event for event in found if event["type"].endswith("text.done")]
    assert done["logprobs"] == tokens
    assert put_together(found[2:-1]) == found[-1]["response"]["output"]


# --- failures ---


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamTimeout("secret detail"), "server_error"),
        (UpstreamRateLimited("secret detail"), "rate_limit_exceeded"),
        (InvalidRequest("max_tokens: too many", param="max_tokens"), "invalid_prompt"),
    ],
    ids=lambda value: getattr(value, "code", value),
)
def test_a_failure_is_told_twice(error: Any, code: str):
    """By the Response that failed, and by an error in the envelope, at which the official client raises."""
    encoder = server.stream_encoder(values.answered_by(), ASKED)
    start = encoder.start()
    said = encoder.feed([BlockStart(index=0, kind="text"), Delta(index=0, text="Ho")])
    body = start + said + encoder.fail(error)
    *_, failed, last = told(body)
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == code
    assert failed["response"]["output"][0]["content"][0]["text"] == "Ho"
    assert failed["response"]["output"][0]["status"] == "incomplete"
    assert last["type"] == "error" and last["code"] == last["error"]["code"] == error.code
    assert last["error"]["request_id"] == "req_1"
    assert b"secret" not in body
    with client_of(body) as client, pytest.raises(openai.APIError) as caught:
        list(client.responses.create(model="m", input="Hola", stream=True))
    assert caught.value.code == error.code


def test_what_was_whole_before_a_failure_is_told_to_be():
    """Even one whose end was being held back."""
    encoder = server.stream_encoder(values.answered_by(), ASKED)
    stream = encoder.start()
    stream += encoder.feed([BlockStart(index=0, kind="text"), Delta(index=0, text="Hola"), BlockStop(index=0)])
    stream += encoder.feed([BlockStart(index=1, kind="refusal"), Delta(index=1, text="No"), BlockStop(index=1)])
    *_, done, failed, _ = told(stream + encoder.fail(UpstreamTimeout("x")))
    assert done["type"] == "response.output_item.done" and done["output_index"] == 1
    assert [item["status"] for item in failed["response"]["output"]] == ["completed", "completed"]
    assert failed["response"]["output"][1] == done["item"]


def test_a_failure_behind_the_end_tells_nothing_twice():
    encoder = server.stream_encoder(values.answered_by(), ASKED)
    stream = encoder.start()
    stream += encoder.feed([BlockStart(index=0, kind="text"), Delta(index=0, text="Hola"), BlockStop(index=0)])
    stream += encoder.feed([Finish(reason="stop")])
    _, _, *between, failed, _ = told(stream + encoder.fail(UpstreamTimeout("x")))
    assert put_together(between) == failed["response"]["output"]


def test_a_failure_before_the_first_event_is_told_in_a_stream_of_its_own():
    body = server.stream_encoder(values.answered_by(), ASKED).fail(UpstreamTimeout("x"))
    assert [event["type"] for event in told(body)] == [
        "response.created", "response.in_progress", "response.failed", "error",
    ]  # fmt: skip
    with (
        client_of(body) as client,
        client.responses.stream(model="m", input="Hola") as stream,
        pytest.raises(openai.APIError) as caught,
    ):
        stream.until_done()
    assert caught.value.code == "upstream_timeout"
