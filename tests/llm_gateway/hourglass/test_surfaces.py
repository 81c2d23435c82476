"""Every dialect that we serve: what we render its clients read, whole or in pieces; and what they ask we understand."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from llm_gateway.canonical import Choice, Event, Result, Text
from llm_gateway.canonical.aggregate import events_of
from llm_gateway.errors import UpstreamError, UpstreamTimeout

from tests.llm_gateway import values
from tests.llm_gateway.hourglass import drawn
from tests.llm_gateway.hourglass.surfaces import ASKED, SURFACES, Surface, essence
from tests.llm_gateway.hourglass.tape import Recording, call_of, plain, recorded, streamed
from tests.llm_gateway.vendors.table import DIALECTS
from tests.llm_gateway.vendors.vendor import Vendor

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)  # fmt: skip
EACH = pytest.mark.parametrize("surface", SURFACES, ids=repr)
SPOKEN = pytest.mark.parametrize("surface", [surface for surface in SURFACES if surface.vendor], ids=repr)
STREAMED = msgspec.structs.replace(ASKED, stream=True)


def recording(surface: Surface, body: bytes) -> Recording:
    """What our own client side is sent by our own server side."""
    assert surface.vendor
    return Recording(200, {"content-type": surface.vendor.client.stream_type}, (body,))


# --- requests ---


@SPOKEN
@QUICK
@given(data=st.data())
def test_a_request_survives_encode_and_parse(surface: Surface, data: st.DataObject):
    request, vendor = data.draw(surface.requests), surface.vendor
    assert vendor
    encoded = vendor.client.encode_request(request, vendor.model)
    parsed = msgspec.structs.replace(surface.server.parse_request(encoded), model=request.model)
    assert parsed == surface.projected(request)


# --- answers ---


@EACH
@QUICK
@given(data=st.data())
def test_a_result_survives_render_and_read(surface: Surface, data: st.DataObject):
    result = data.draw(surface.results)
    assert essence(surface.read(surface.rendered(result))) == surface.carried(result)


@EACH
@QUICK
@given(data=st.data(), size=st.integers(1, 5))
def test_a_streams_aggregate_is_the_plain_answer(surface: Surface, data: st.DataObject, size: int):
    result = data.draw(surface.results)
    assert essence(surface.read_stream(surface.streamed(result, size))) == essence(
        surface.read(surface.rendered(result))
    )


# --- pairs: what any provider answers reaches the clients of any surface ---


@EACH
@pytest.mark.parametrize("vendor", DIALECTS, ids=repr)
@QUICK
@given(result=drawn.answers(), size=st.integers(1, 5))
def test_a_providers_answer_reaches_every_surfaces_client(surface: Surface, vendor: Vendor, result: Result, size: int):
    whole = plain(
        vendor.client, recorded(vendor.says(result), call_of(vendor.client, ASKED, vendor.model)), ASKED, vendor.model
    )
    live = streamed(
        vendor.client,
        recorded(vendor.says(result), call_of(vendor.client, STREAMED, vendor.model)),
        ASKED,
        vendor.model,
    )
    meant = surface.carried(vendor.carried(result))
    assert essence(surface.read(surface.rendered(whole))) == meant
    assert essence(surface.read_stream(surface.streamed(live, size))) == meant


# --- our own streams, as they arrive ---


@SPOKEN
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_our_stream_in_any_pieces_is_the_same(surface: Surface, newline: bytes):
    assert surface.vendor
    stream = recording(surface, surface.streamed(drawn.EVERYTHING, 3).replace(b"\n", newline))
    meant = surface.carried(drawn.EVERYTHING)
    for cut in (stream.byte_by_byte(), *(stream.cut(position) for position in range(len(stream.body)))):
        assert essence(streamed(surface.vendor.client, cut, ASKED, surface.vendor.model)) == meant


@SPOKEN
def test_our_stream_cut_anywhere_never_looks_whole(surface: Surface):
    assert surface.vendor
    stream, meant = recording(surface, surface.streamed(drawn.EVERYTHING, 3)), surface.carried(drawn.EVERYTHING)
    failed = 0
    for position in range(len(stream.body)):
        try:
            result = streamed(surface.vendor.client, stream.until(position), ASKED, surface.vendor.model)
        except UpstreamError:
            failed = position
        else:
            assert result.choices == meant.choices
    assert failed > len(stream.body) / 2


@SPOKEN
def test_our_stream_that_failed_fails_for_its_client(surface: Surface):
    assert surface.vendor
    encoder = surface.server.stream_encoder(values.answered_by(), ASKED)
    begun = encoder.start() + b"".join(encoder.feed([event]) for event in _opening())
    failed = recording(surface, begun + encoder.fail(UpstreamTimeout("a secret of the provider's")))
    assert b"secret" not in failed.body
    with pytest.raises(UpstreamError):
        streamed(surface.vendor.client, failed, ASKED, surface.vendor.model)


def _opening() -> list[Event]:
    return list(events_of(values.said("Hola")))[:2]


def test_a_choice_that_never_came_is_missed():
    two = Result(
        choices=tuple(Choice(content=(Text(text=text),)) for text in ("uno", "dos")), usage=drawn.EVERYTHING.usage
    )
    [chat] = [surface for surface in SURFACES if surface.name == "chat.completions"]
    assert chat.vendor
    asked = msgspec.structs.replace(ASKED, n=2)
    stream = recording(chat, chat.streamed(two))
    assert streamed(chat.vendor.client, stream, asked, chat.vendor.model).choices == two.choices
    after_one = stream.body.index(b'"index":1')
    with pytest.raises(UpstreamError):
        streamed(chat.vendor.client, stream.until(after_one - 20), asked, chat.vendor.model)
