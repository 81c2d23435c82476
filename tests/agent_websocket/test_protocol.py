"""Frames from clients: understood, or refused with a code; whatever comes, nothing else."""

import json

import msgspec
import pytest
from agent_websocket.protocol import (
    Cancel,
    Fault,
    FrameError,
    Message,
    Ping,
    Pong,
    Resume,
    Snapshot,
    connection_id,
    encode,
    parse,
    raw_events,
)
from agent_websocket.texts import explain
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import nested

LIMIT = 4_096


def read(frame):
    return parse(frame if isinstance(frame, str | bytes) else json.dumps(frame), max_bytes=LIMIT)


def fault_of(frame) -> FrameError:
    with pytest.raises(FrameError) as refused:
        read(frame)
    return refused.value


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        ({"type": "message", "content": "hola"}, Message(content="hola")),
        (
            {"type": "message", "content": "", "model": "gpt-4o", "thread_id": "t"},
            Message(content="", model="gpt-4o", thread_id="t"),
        ),
        ({"type": "message", "content": "x", "model": None, "thread_id": None}, Message(content="x")),
        ({"type": "message", "content": "x", "later": True}, Message(content="x")),
        ({"type": "cancel"}, Cancel()),
        ({"type": "cancel", "run_id": "run_1"}, Cancel(run_id="run_1")),
        ({"type": "ping"}, Ping()),
        ({"type": "resume", "after": 0}, Resume(after=0)),
        ({"type": "resume", "after": 7, "epoch": "e"}, Resume(after=7, epoch="e")),
    ],
)
def test_the_frames_of_the_protocol(frame, value):
    assert read(frame) == value


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b'{"type": "ping"}', Fault.BINARY),
        ("", Fault.MALFORMED),
        ("{", Fault.MALFORMED),
        ('{"type": "ping"} {}', Fault.MALFORMED),
        ('{"type": "message", "content": "\\ud800"}', Fault.MALFORMED),
        ('{"type": "message", "content": NaN}', Fault.MALFORMED),
        ("[" * 4_000, Fault.MALFORMED),
        ("null", Fault.NOT_OBJECT),
        ('"ping"', Fault.NOT_OBJECT),
        ("[1]", Fault.NOT_OBJECT),
        ("{}", Fault.NOT_OBJECT),
        ({"type": 1}, Fault.NOT_OBJECT),
        ({"type": ["ping"]}, Fault.NOT_OBJECT),
        ({"type": "approve", "decisions": []}, Fault.UNKNOWN_TYPE),
        ({"type": "PING"}, Fault.UNKNOWN_TYPE),
        ({"type": "message"}, Fault.INVALID),
        ({"type": "message", "content": 5}, Fault.INVALID),
        ({"type": "message", "content": None}, Fault.INVALID),
        ({"type": "message", "content": "x", "model": 1}, Fault.INVALID),
        ({"type": "message", "content": "x", "model": "m" * 257}, Fault.INVALID),
        ({"type": "message", "content": "x", "thread_id": ""}, Fault.INVALID),
        ({"type": "message", "content": "x", "thread_id": "t" * 129}, Fault.INVALID),
        ({"type": "cancel", "run_id": 1}, Fault.INVALID),
        ({"type": "resume"}, Fault.INVALID),
        ({"type": "resume", "after": -1}, Fault.INVALID),
        ({"type": "resume", "after": 1.5}, Fault.INVALID),
        ({"type": "resume", "after": "1"}, Fault.INVALID),
        ({"type": "resume", "after": True}, Fault.INVALID),
    ],
)
def test_what_is_refused(frame, fault):
    assert fault_of(frame).fault is fault


def test_a_number_past_every_integer_is_a_position_like_any_other():
    assert read('{"type": "resume", "after": 99999999999999999999999}') == Resume(after=99999999999999999999999)


def test_the_limit_counts_bytes():
    def frame(text: str) -> str:
        return json.dumps({"type": "message", "content": text}, ensure_ascii=False)

    frames = len(frame("").encode())
    assert read(frame("x" * (LIMIT - frames)))
    assert fault_of(frame("x" * (LIMIT - frames + 1))).fault is Fault.TOO_LARGE
    assert fault_of(frame("ñ" * ((LIMIT - frames) // 2 + 1))).fault is Fault.TOO_LARGE


def test_an_invalid_field_is_named():
    assert "$.content" in fault_of({"type": "message", "content": 5}).detail


def test_an_unknown_type_is_cut_before_it_is_shown():
    assert len(fault_of({"type": "x" * 3_000}).detail) < 80


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_explained(fault, language):
    assert explain(FrameError(fault, "{42}"), language)


@given(st.one_of(st.text(), st.binary()))
def test_anything_is_read_or_refused(frame):
    try:
        parse(frame, max_bytes=LIMIT)
    except FrameError as error:
        assert error.code


_json = nested(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
_fields = st.sampled_from(["content", "model", "thread_id", "run_id", "after", "epoch", "decisions"])


@given(kind=st.sampled_from(["message", "cancel", "ping", "resume", "approve"]), body=st.dictionaries(_fields, _json))
def test_frames_with_fields_of_any_type_are_read_or_refused(kind, body):
    try:
        frame = parse(json.dumps({**body, "type": kind}), max_bytes=LIMIT)
    except FrameError as error:
        assert explain(error, "es")
    else:
        assert type(frame) in (Message, Cancel, Ping, Resume)


@pytest.mark.parametrize("good", ["a", "a" * 128, "A-b_c.9"])
def test_a_good_connection_id_is_kept(good):
    assert connection_id(good) == good


@pytest.mark.parametrize("bad", [None, "", "a" * 129, "a b", "a/b", "ñ", "a\n", "<b>"])
def test_another_is_made_for_a_bad_one(bad):
    made = connection_id(bad)
    assert made != bad and connection_id(made) == made
    assert connection_id(bad) != made


def test_server_frames_carry_their_type_and_raw_events():
    assert msgspec.json.decode(encode(Pong()))["type"] == "pong"
    events = raw_events(['{"seq":1}', '{"seq":2}'])
    snapshot = Snapshot(run_id=None, running=False, last_seq=2, epoch="e", events=events)
    assert msgspec.json.decode(encode(snapshot))["events"] == [{"seq": 1}, {"seq": 2}]
