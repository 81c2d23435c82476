"""Every provider's dialect: what we ask it takes, and what it answers we read, whole or in pieces."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import Message, Reasoning, Request, Result, Text
from llm_gateway.canonical.parameters import lacking, without
from llm_gateway.errors import InvalidRequest, UpstreamError

from tests.llm_gateway.hourglass import drawn
from tests.llm_gateway.hourglass.surfaces import essence
from tests.llm_gateway.hourglass.tape import Recording, call_of, plain, recorded, streamed
from tests.llm_gateway.vendors.table import DIALECTS, KINDS
from tests.llm_gateway.vendors.vendor import Vendor

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)  # fmt: skip
BRIEF = settings(QUICK, max_examples=15)
EACH = pytest.mark.parametrize("vendor", DIALECTS, ids=repr)
OF_ALL_KINDS = pytest.mark.parametrize("vendor", KINDS, ids=repr)

ASKED = Request(model="m", messages=(Message(role="user", content=(Text(text="Hola"),)),))
STREAMED = msgspec.structs.replace(ASKED, stream=True)


def refusal(vendor: Vendor, request: Request) -> object:
    """What the provider itself would say against the request, as our dialect sends it."""
    asked = vendor.takes(without(request, lacking(request, vendor.client.carries)))
    return vendor.fake().refusal(call_of(vendor.client, asked, vendor.model))


def answered(vendor: Vendor, result: Result, request: Request = ASKED) -> Recording:
    return recorded(vendor.says(result), call_of(vendor.client, request, vendor.model))


# --- requests ---


@OF_ALL_KINDS
@QUICK
@given(request=drawn.conversations(tuned=False))
def test_any_conversation_is_taken(vendor: Vendor, request: Request):
    assert refusal(vendor, request) is None


@OF_ALL_KINDS
@QUICK
@given(request=drawn.conversations())
def test_any_parameters_are_taken_or_refused_by_name(vendor: Vendor, request: Request):
    """What a provider would refuse must not reach it: our own 400 names what was given, and the client sees why."""
    try:
        assert refusal(vendor, request) is None
    except InvalidRequest as error:
        assert error.param and getattr(request, error.param) not in (None, ())


# --- answers ---


@EACH
@QUICK
@given(result=drawn.answers())
def test_any_answer_is_read_the_same_whole_and_streamed(vendor: Vendor, result: Result):
    meant = vendor.carried(result)
    assert essence(plain(vendor.client, answered(vendor, result), ASKED, vendor.model)) == meant
    assert essence(streamed(vendor.client, answered(vendor, result, STREAMED), ASKED, vendor.model)) == meant


@EACH
@QUICK
@given(result=drawn.answers(), data=st.data())
def test_any_cuts_of_a_stream_give_the_same(vendor: Vendor, result: Result, data: st.DataObject):
    stream = answered(vendor, result, STREAMED)
    cuts = data.draw(st.lists(st.integers(0, len(stream.body)), max_size=12))
    assert essence(streamed(vendor.client, stream.cut(*cuts), ASKED, vendor.model)) == vendor.carried(result)


@EACH
def test_any_split_of_a_stream_in_two_gives_the_same(vendor: Vendor):
    stream, meant = answered(vendor, drawn.EVERYTHING, STREAMED), vendor.carried(drawn.EVERYTHING)
    for position in range(len(stream.body)):
        assert essence(streamed(vendor.client, stream.cut(position), ASKED, vendor.model)) == meant


@EACH
def test_a_stream_byte_by_byte_gives_the_same(vendor: Vendor):
    stream = answered(vendor, drawn.EVERYTHING, STREAMED).byte_by_byte()
    assert essence(streamed(vendor.client, stream, ASKED, vendor.model)) == vendor.carried(drawn.EVERYTHING)


# --- what breaks ---


@EACH
def test_a_stream_that_is_cut_anywhere_never_looks_whole(vendor: Vendor):
    stream, meant = answered(vendor, drawn.EVERYTHING, STREAMED), vendor.carried(drawn.EVERYTHING)
    whole = []
    for position in range(len(stream.body)):
        try:
            result = streamed(vendor.client, stream.until(position), ASKED, vendor.model)
        except UpstreamError:
            assert not whole, "the end was there, and then it was not"
        else:
            assert result.choices == meant.choices
            whole.append(position)
    ends = vendor.framing.ends(stream.body)
    assert len(ends) > 4 and not [position for position in whole if position < ends[-4]]


@EACH
def test_an_answer_that_is_cut_anywhere_is_an_upstream_error(vendor: Vendor):
    answer = answered(vendor, drawn.EVERYTHING)
    for position in range(len(answer.body.rstrip())):
        with pytest.raises(UpstreamError):
            plain(vendor.client, answer.until(position), ASKED, vendor.model)


@EACH
def test_garbage_between_events_is_an_upstream_error(vendor: Vendor):
    stream, meant = answered(vendor, drawn.EVERYTHING, STREAMED), vendor.carried(drawn.EVERYTHING)
    for position in vendor.framing.ends(stream.body):
        for garbage in vendor.framing.garbage:
            try:
                result = streamed(vendor.client, stream.with_inserted(position, garbage), ASKED, vendor.model)
            except UpstreamError:
                continue
            assert result.choices == meant.choices  # it came after the last finish reason, and takes nothing back


@EACH
def test_noise_between_events_means_nothing(vendor: Vendor):
    stream, meant = answered(vendor, drawn.EVERYTHING, STREAMED), vendor.carried(drawn.EVERYTHING)
    for position in vendor.framing.ends(stream.body):
        for noise in vendor.framing.noise:
            noisy = stream.with_inserted(position, noise)
            assert essence(streamed(vendor.client, noisy, ASKED, vendor.model)) == meant


@EACH
@QUICK
@given(body=st.binary(max_size=60) | st.sampled_from([b"", b"null", b"[]", b"7", b'"x"', b"{}", b"[" * 5000]))
def test_what_is_no_answer_is_an_upstream_error(vendor: Vendor, body: bytes):
    kinds = ("application/json", vendor.client.stream_type)
    with pytest.raises(UpstreamError):
        plain(vendor.client, Recording(200, {"content-type": kinds[0]}, (body,)), ASKED, vendor.model)
    with pytest.raises(UpstreamError):
        streamed(vendor.client, Recording(200, {"content-type": kinds[1]}, (body,)), ASKED, vendor.model)


@EACH
@QUICK
@given(
    status=st.integers(300, 599),
    headers=st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "x-amzn-errortype", "date"]), st.text()),
    body=st.binary(max_size=60) | st.sampled_from([b"", b"null", b"[]", b'{"error": 7}', b'{"error": {"code": []}}']),
)
def test_any_error_answer_is_an_upstream_error(vendor: Vendor, status: int, headers: dict[str, str], body: bytes):
    assert isinstance(vendor.client.decode_error(status, headers, body), UpstreamError)
    for ask in (plain, streamed):
        with pytest.raises(UpstreamError):
            ask(vendor.client, Recording(status, headers, (body,)), ASKED, vendor.model)


@OF_ALL_KINDS
@QUICK
@given(
    request=drawn.conversations(calling=True),
    arguments=st.sampled_from(["", "{oops", "[]", "7", '"x"', "null", "[" * 5000]),
)
def test_calls_whose_arguments_are_no_object_break_nothing(vendor: Vendor, request: Request, arguments: str):
    broken = msgspec.structs.replace(
        request, messages=tuple(drawn.with_arguments(m, arguments) for m in request.messages)
    )
    try:
        assert refusal(vendor, broken) is None
    except InvalidRequest as error:
        assert error.status == 400


# --- conversations that other providers' clients may bring along ---


@OF_ALL_KINDS
@BRIEF
@given(
    request=drawn.conversations(tuned=False, calling=True),
    prefix=st.sampled_from(["functions.add:", "call|", "ñ ", "x" * 60, ""]),
)
def test_ids_in_another_alphabet_are_taken(vendor: Vendor, request: Request, prefix: str):
    """Every call keeps an id of its own, and its result finds it: the fake refuses what does not match."""
    assert refusal(vendor, drawn.with_ids(request, lambda id_: f"{prefix}{id_}")) is None


@OF_ALL_KINDS
@BRIEF
@given(request=drawn.conversations(tuned=False, calling=True))
def test_ids_that_differ_in_odd_letters_alone_stay_apart(vendor: Vendor, request: Request):
    odd = drawn.with_ids(request, lambda id_: "call" + ".:/|"[int(id_[-1])] * (1 + int(id_.split("_")[1])))
    assert refusal(vendor, odd) is None


@OF_ALL_KINDS
@BRIEF
@given(request=drawn.conversations(tuned=False, calling=True))
def test_calls_of_tools_that_are_no_longer_offered_are_taken(vendor: Vendor, request: Request):
    without_tools = msgspec.structs.replace(request, tools=(), parallel_tool_calls=None)
    assert refusal(vendor, without_tools) is None


@OF_ALL_KINDS
@BRIEF
@given(request=drawn.conversations(tuned=False), blank=st.sampled_from(["", " ", "\n\t", " "]))
def test_blank_texts_are_taken(vendor: Vendor, request: Request, blank: str):
    messages = tuple(drawn.with_blanks(message, blank) for message in request.messages)
    assert refusal(vendor, msgspec.structs.replace(request, messages=messages)) is None


@OF_ALL_KINDS
@BRIEF
@given(request=drawn.conversations(tuned=False))
def test_a_system_message_may_stand_anywhere(vendor: Vendor, request: Request):
    said = Message(role="system", content=(Text(text="Sé breve."),))
    assert refusal(vendor, msgspec.structs.replace(request, messages=(*request.messages, said))) is None


@OF_ALL_KINDS
@BRIEF
@given(request=drawn.conversations(tuned=False), owner=st.sampled_from(["anthropic", "google", "aws", "openai", None]))
def test_thoughts_of_anybody_are_taken(vendor: Vendor, request: Request, owner: str | None):
    """Signed by this provider or by another one, or not at all; in front of text and of calls."""
    thought = Reasoning(text="Uhm", signature="c2lnbmF0dXJl" if owner else None, provider=owner)
    assert refusal(vendor, drawn.with_thoughts(request, thought)) is None


@EACH
def test_a_stream_with_any_one_bit_wrong_never_raises_another_error(vendor: Vendor):
    """A wrong letter may be read as such where there is no checksum; what cannot be read is an upstream error."""
    stream = answered(vendor, drawn.EVERYTHING, STREAMED)
    for position in range(len(stream.body)):
        wrong = bytes([stream.body[position] ^ (1 << position % 8)])
        broken = msgspec.structs.replace(stream, pieces=(stream.body[:position] + wrong + stream.body[position + 1 :],))
        try:
            result = streamed(vendor.client, broken, ASKED, vendor.model)
        except UpstreamError:
            continue
        assert not vendor.framing.checked or result.choices == vendor.carried(drawn.EVERYTHING).choices
