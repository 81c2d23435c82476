"""The HTTP/1.1 client at every split of the bytes, and against peers that do not behave."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.net.errors import Broken, Malformed
from llm_gateway.net.http1 import Connection

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing: 1\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN


class _Wire(asyncio.Transport):
    """A transport that only remembers what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def write(self, data: object) -> None:
        self.done.append("write")

    def abort(self) -> None:
        self.done.append("abort")

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")


def _exchange(loop: asyncio.AbstractEventLoop) -> tuple[Connection, _Wire]:
    connection, wire = Connection(loop), _Wire()
    connection.connection_made(wire)
    connection.send(b"request")
    return connection, wire


def _body(connection: Connection) -> bytes:
    body = b""
    while (chunk := connection.take()) is not None:
        body += chunk
    return body


@pytest.mark.parametrize("answer", [PLAIN, CHUNKED, INTERIM])
def test_any_split_of_an_answer_is_the_same_answer(answer: bytes) -> None:
    loop = asyncio.new_event_loop()
    for cut in range(len(answer) + 1):
        connection, _ = _exchange(loop)
        for piece in (answer[:cut], answer[cut:]):
            if piece:
                connection.data_received(piece)
        assert (connection.status, connection.complete, connection.error) == (200, True, None)
        assert _body(connection) == b"hello"
        assert connection.reusable
    loop.close()


@given(st.binary(min_size=1, max_size=200))
def test_noise_is_an_error_or_an_unfinished_answer_and_never_raises(noise: bytes) -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(noise)
    connection.connection_lost(None)
    assert connection.complete or isinstance(connection.error, Malformed | Broken)
    assert not connection.reusable
    loop.close()


def test_names_of_headers_are_in_lower_case() -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(PLAIN)
    assert connection.headers == {"content-length": "5", "x-thing": "1"}
    loop.close()


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert not connection.complete
    connection.connection_lost(None)
    assert (connection.complete, _body(connection), connection.reusable) == (True, b"hello", False)
    loop.close()


@pytest.mark.parametrize(("sent", "begun"), [(b"", False), (PLAIN[:-2], True), (CHUNKED[:-3], True)])
def test_a_cut_is_told_apart_from_an_end(sent: bytes, begun: bool) -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    if sent:
        connection.data_received(sent)
    connection.connection_lost(None)
    assert isinstance(connection.error, Broken) and connection.error.begun is begun
    loop.close()


def test_what_comes_after_an_answer_ends_the_connection() -> None:
    loop = asyncio.new_event_loop()
    connection, wire = _exchange(loop)
    connection.data_received(PLAIN)
    connection.data_received(b"HTTP/1.1 200 OK\r\n")
    assert wire.done[-1] == "abort" and not connection.reusable
    loop.close()


def test_an_endless_head_is_refused() -> None:
    loop = asyncio.new_event_loop()
    connection, wire = _exchange(loop)
    connection.data_received(b"HTTP/1.1 200 OK\r\n")
    for number in range(2000):
        if connection.error:
            break
        connection.data_received(b"x-%d: %s\r\n" % (number, b"y" * 100))
    assert isinstance(connection.error, Malformed) and wire.done[-1] == "abort"
    loop.close()


def test_a_peer_that_is_faster_than_its_reader_is_asked_to_wait() -> None:
    loop = asyncio.new_event_loop()
    connection, wire = _exchange(loop)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(5):
        connection.data_received(b"x" * 100_000)
    assert wire.done.count("pause") == 1
    _body(connection)
    assert wire.done[-1] == "resume"
    loop.close()


_HEAD = b"HTTP/1.1 200 OK\r\n"
_HELLO = b"\r\n\r\nhello"


@pytest.mark.parametrize(
    ("answer", "headers"),
    [
        (_HEAD + b"Content-Length: 5\r\nContent-Length: 5" + _HELLO, {"content-length": "5"}),
        (_HEAD + b"content-length: 5\r\nX: 1\r\nCONTENT-LENGTH:5 " + _HELLO, {"x": "1", "content-length": "5"}),
        (_HEAD + b"Content-Length: 5, 5" + _HELLO, {"content-length": "5"}),
        (_HEAD + b"X: a\r\n  b\r\nContent-Length: 5" + _HELLO, {"x": "a b", "content-length": "5"}),
        (_HEAD + b"X: a\r\n\tb\r\n c\r\nContent-Length:\r\n 5" + _HELLO, {"x": "a b c", "content-length": "5"}),
    ],
)
def test_what_other_clients_read_is_read_at_every_split(answer: bytes, headers: dict[str, str]) -> None:
    loop = asyncio.new_event_loop()
    for cut in range(1, len(answer) + 1):
        connection, _ = _exchange(loop)
        for piece in (answer[:cut], answer[cut:]):
            if piece:
                connection.data_received(piece)
        assert (connection.status, connection.complete, connection.error) == (200, True, None)
        assert (_body(connection), connection.headers) == (b"hello", headers)
    loop.close()


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5, 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: +5",
        b"Content-Length: -5\r\nContent-Length: -5",
        b"X: a\rb\r\nContent-Length: 5",
        b"X: a\nEvil: b\r\nContent-Length: 5",
        b"X: a\0b\r\nContent-Length: 5",
        b"X : a\r\nContent-Length: 5",
        b"X: a\rb\r\nContent-Length: 5\r\nContent-Length: 5",
        b"X: a\r\n b\0\r\nContent-Length: 5",
        b"X: a\r\n b\rc\r\nContent-Length: 5",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(head: bytes) -> None:
    loop = asyncio.new_event_loop()
    answer = _HEAD + head + _HELLO
    for cut in (len(answer), len(_HEAD) + 3, len(answer) - 7):
        connection, wire = _exchange(loop)
        for piece in (answer[:cut], answer[cut:]):
            if piece and not connection.closed:
                connection.data_received(piece)
        assert isinstance(connection.error, Malformed) and wire.done[-1] == "abort"
        assert not connection.reusable and not connection.complete
    loop.close()


def test_what_is_no_http_is_refused_at_once() -> None:
    loop = asyncio.new_event_loop()
    connection, wire = _exchange(loop)
    connection.data_received(b"SSH-2.0-OpenSSH_9.6\r\n")
    assert isinstance(connection.error, Malformed) and wire.done[-1] == "abort"
    loop.close()


@pytest.mark.parametrize("coding", [b"chunked, gzip", b"xchunked"])
def test_a_body_in_a_transfer_coding_that_is_not_known_has_no_end(coding: bytes) -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(_HEAD + b"Transfer-Encoding: " + coding + _HELLO)
    connection.connection_lost(None)
    assert isinstance(connection.error, Broken) and not connection.complete
    loop.close()


async def test_one_timer_serves_many_waits_and_each_ends_at_its_own_limit() -> None:
    loop = asyncio.get_running_loop()
    connection, _ = _exchange(loop)
    for seconds in (0.03, 0.01, 0.05):
        began = loop.time()
        with pytest.raises(TimeoutError):
            await connection.news(began + seconds)
        assert seconds - 0.002 <= loop.time() - began < seconds + 2
    later = asyncio.ensure_future(connection.news(loop.time() + 0.08))
    await asyncio.sleep(0)
    later.cancel()
    await asyncio.gather(later, return_exceptions=True)
    began = loop.time()
    with pytest.raises(TimeoutError):
        await connection.news(began + 0.15)  # longer than the timer that is still set
    assert loop.time() - began >= 0.148
    connection.abort()


async def test_silence_before_a_break_is_measured() -> None:
    loop = asyncio.get_running_loop()
    connection, _ = _exchange(loop)
    with pytest.raises(TimeoutError):
        await connection.news(loop.time() + 0.1)
    connection.connection_lost(None)
    assert isinstance(connection.error, Broken) and 0.09 <= connection.error.silence < 5


_BEGUN = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"


@pytest.mark.parametrize(
    ("opening", "more"),
    [
        (b"0\r\n", b"x-%d: " + b"a" * 8000 + b"\r\n"),
        (b"0\r\nx: ", b"%d" + b"a" * 8000),
        (b"5;", b"%d" + b"e" * 8000),
    ],
    ids=["trailers", "one trailer", "a chunk's extension"],
)
def test_what_is_no_body_has_an_end(opening: bytes, more: bytes) -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(_BEGUN + opening)
    for number in range(20):
        if connection.closed:
            break
        connection.data_received(more % number)
    assert connection.closed and isinstance(connection.error, Malformed)
    loop.close()


def test_trailers_are_no_headers_and_do_not_hurt() -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(_BEGUN + b"0\r\ncontent-encoding: br\r\n\r\n")
    assert connection.complete and _body(connection) == b"ok" and connection.reusable
    assert "content-encoding" not in connection.headers
    loop.close()


def test_a_second_answer_behind_the_first_does_not_count() -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(PLAIN + b"HTTP/1.1 500 No\r\nx-other: 1\r\nContent-Length: 3\r\n\r\nbad")
    assert (connection.status, _body(connection), connection.complete) == (200, b"hello", True)
    assert "x-other" not in connection.headers and not connection.reusable
    loop.close()


@pytest.mark.parametrize("head", [b"connection: upgrade\r\nupgrade: h2c\r\n", b""])
def test_an_upgrade_that_was_not_asked_for_is_no_answer(head: bytes) -> None:
    loop = asyncio.new_event_loop()
    connection, _ = _exchange(loop)
    connection.data_received(b"HTTP/1.1 101 Switching Protocols\r\n" + head + b"\r\nPRI * HTTP/2.0")
    assert connection.closed and isinstance(connection.error, Malformed)
    loop.close()
