"""Bodies as other clients take them: compressed unasked, with a byte order mark, of no useful type, of any size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.errors import UpstreamProtocol
from llm_gateway.net.codings import Inflater, Undecodable
from llm_gateway.net.timeouts import Timeouts
from llm_gateway.net.transport import Transport

from tests.peers import listening

LIMITS = Timeouts(connect=5, first_token=5, idle=5, total=5)
BOM = b"\xef\xbb\xbf"


def _raw(data: bytes) -> bytes:
    compress = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compress.compress(data) + compress.flush()


CODINGS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "DEFLATE": _raw}


def _inflated(coding: str, data: bytes, size: int) -> bytes:
    inflater = Inflater(coding)
    pieces = [piece for at in range(0, len(data), size) for piece in inflater.feed(data[at : at + size])]
    assert all(len(piece) <= 256 * 1024 for piece in pieces)
    return b"".join([*pieces, inflater.finish()])


@given(coding=st.sampled_from(sorted(CODINGS)), data=st.binary(), size=st.integers(1, 50))
def test_any_split_gives_what_was_compressed(coding: str, data: bytes, size: int):
    assert _inflated(coding, CODINGS[coding](data), size) == data


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_comes_in_small_pieces(coding: str):
    bomb = CODINGS[coding](bytes(50_000_000))
    assert len(_inflated(coding, bomb, len(bomb))) == 50_000_000


@pytest.mark.parametrize("coding", CODINGS)
def test_what_follows_the_end_is_passed_over_and_what_is_missing_is_not(coding: str):
    data = CODINGS[coding](b"hello")
    assert _inflated(coding, data + bytes(10), 1000) == b"hello"
    for length in range(len(data)):
        with pytest.raises(Undecodable):
            _inflated(coding, data[:length], 1000)
    with pytest.raises(Undecodable):
        _inflated(coding, b"\xff nonsense", 1000)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "", "identity "])
def test_other_codings_are_refused(coding: str):
    with pytest.raises(Undecodable):
        Inflater(coding)


@asynccontextmanager
async def answering(
    body: bytes, head: str = "", status: str = "200 OK", max_bytes: int = 100_000
) -> AsyncIterator[tuple[Transport, str]]:
    async def peer(reader, writer) -> None:
        while await reader.readuntil(b"{}"):
            lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *filter(None, [head])]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    transport = Transport(max_connections=4, max_bytes=max_bytes)
    async with listening(peer) as port, transport.running():
        yield transport, f"http://127.0.0.1:{port}/"


async def streamed(transport: Transport, url: str) -> bytes:
    async with transport.stream(url, {}, b"{}", LIMITS) as reply:
        return b"".join([chunk async for chunk in reply.chunks()])


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_compressed_answer_is_read_plain_and_streamed_and_its_connection_kept(coding: str):
    body = b'{"a": "%b"}' % (b"x" * 50_000)
    async with answering(CODINGS[coding](body), f"Content-Encoding: {coding}") as (transport, url):
        assert (await transport.post(url, {}, b"{}", LIMITS)).body == body
        assert await streamed(transport, url) == body
        async with transport.stream(url, {}, b"{}", LIMITS) as reply:
            assert await reply.read() == body


async def test_the_limit_on_an_answer_is_one_on_its_decoded_bytes():
    bomb = gzip.compress(bytes(20_000_000))
    async with answering(bomb, "Content-Encoding: gzip", max_bytes=100_000) as (transport, url):
        with pytest.raises(UpstreamProtocol) as plain:
            await transport.post(url, {}, b"{}", LIMITS)
        with pytest.raises(UpstreamProtocol) as in_pieces:
            await streamed(transport, url)
    assert "more than 100000 bytes" in plain.value.detail and "more than 100000 bytes" in in_pieces.value.detail


@pytest.mark.parametrize(
    ("coding", "body"), [("gzip", b"{}"), ("gzip", gzip.compress(b"{}", mtime=0)[:-1]), ("br", b"{}")]
)
async def test_what_cannot_be_decoded_is_a_protocol_error(coding: str, body: bytes):
    async with answering(body, f"content-encoding: {coding}") as (transport, url):
        with pytest.raises(UpstreamProtocol):
            await transport.post(url, {}, b"{}", LIMITS)
        with pytest.raises(UpstreamProtocol):
            await streamed(transport, url)


async def test_a_byte_order_mark_is_no_part_of_a_body():
    async with answering(BOM + b"{}") as (transport, url):
        assert (await transport.post(url, {}, b"{}", LIMITS)).body == b"{}"
        async with transport.stream(url, {}, b"{}", LIMITS) as reply:
            assert await reply.read() == b"{}"


@pytest.mark.parametrize("coding", ["", "content-encoding: gzip"])
async def test_of_an_error_as_much_is_read_as_says_which(coding: str):
    body = b'{"error": "' + b"x" * 5_000_000
    sent = gzip.compress(body) if coding else body
    async with answering(sent, coding, "500 Oops", max_bytes=100_000) as (transport, url):
        whole = await transport.post(url, {}, b"{}", LIMITS)
        async with transport.stream(url, {}, b"{}", LIMITS) as reply:
            part = await reply.read()
    assert (whole.status, whole.body) == (500, body[:65536]) and part == body[:65536]


@pytest.mark.parametrize(
    ("type_", "fits"),
    [
        ("", True), ("text/event-stream", True), ("Text/Event-Stream ; charset=utf-8", True), ("text/plain", True),
        ("application/octet-stream", True), ("application/json", False), ("text/html", False),
    ],
)  # fmt: skip
async def test_what_a_stream_may_come_as(type_: str, fits: bool):
    head = f"content-type: {type_}" if type_ else ""
    async with answering(b"", head) as (transport, url), transport.stream(url, {}, b"{}", LIMITS) as reply:
        assert reply.may_be("text/event-stream") is fits
