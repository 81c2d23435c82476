"""The limits of a connection, with the event loop and parser of production, against a service in its own process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.service_kit.hostile import (
    GET,
    POST,
    answer_of,
    connected,
    everything,
    resident_megabytes,
    send_all,
)
from tests.service_kit.others import answers_at_once
from tests.service_kit.service_process import ServiceProcess, process

IMPATIENT = {"head_seconds": "0.6", "body_idle_seconds": "0.6", "send_seconds": "1"}


def refusals(service: ServiceProcess, reason: str, seconds: float = 5.0) -> list[dict[str, object]]:
    """The log's lines about refusals for `reason`, once there is one."""
    deadline = time.monotonic() + seconds
    while True:
        found = [line for line in service.lines("refused") if line["reason"] == reason]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


@pytest.fixture(scope="module")
def service(unused_tcp_port_factory: object) -> Iterator[ServiceProcess]:
    with process(unused_tcp_port_factory()) as one:  # type: ignore[operator]
        one.wait_until_ready()
        yield one


@pytest.fixture(scope="module")
def impatient(unused_tcp_port_factory: object) -> Iterator[ServiceProcess]:
    with process(unused_tcp_port_factory(), **IMPATIENT) as one:  # type: ignore[operator]
        one.wait_until_ready()
        yield one


def asked(service: ServiceProcess, *pieces: bytes) -> bytes:
    with connected(service.port) as one:
        send_all(one, pieces)
        return everything(one)


# --- the head ---


def test_a_head_up_to_the_limits_is_answered(service: ServiceProcess):
    fields = b"".join(b"X-%d: 1\r\n" % number for number in range(126))
    assert b" 200 OK" in asked(service, GET + fields + b"Connection: close\r\n\r\n")
    long = b"X-Long: " + b"a" * (64 * 1024 - len(GET) - 40) + b"\r\n"
    assert b" 200 OK" in asked(service, GET + long + b"Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    [
        GET + b"".join(b"X-%d: 1\r\n" % number for number in range(128)) + b"\r\n",
        GET + b"A:\r\n" * 5_000_000,
        GET + b"X-Long: " + b"a" * 64 * 1024 + b"\r\n\r\n",
        GET + b"X-Endless: " + b"a" * 20_000_000,
        GET + b"x" * 20_000_000,
        b"GET /" + b"a" * 20_000_000,
        b"\r\n" * 10_000_000,
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Long: "
        + b"a" * 9000
        + b"\r\n\r\n",
    ],
    ids=["fields", "many short", "64k", "endless value", "endless name", "endless path", "blank lines", "upgrade"],
)
def test_a_head_over_the_limits_is_refused_and_the_connection_ends(service: ServiceProcess, head: bytes):
    size = 16 * 1024
    pieces = (head[start : start + size] for start in range(0, len(head), size))
    with connected(service.port) as one:
        sent = send_all(one, pieces)
        raw = everything(one)
    assert sent < 8_000_000
    if raw:  # a client that goes on sending may learn by a reset alone
        status, headers, body = answer_of(raw)
        assert (status, body["error"]["code"], headers["connection"]) == (431, "head_too_large", "close")
        assert body["error"]["request_id"] == headers["x-request-id"]
    assert refusals(service, "head_too_large")
    assert answers_at_once(service.port)
    assert resident_megabytes(service.process.pid) < 150


def test_a_client_that_stops_sending_reads_why(service: ServiceProcess):
    status, headers, body = answer_of(asked(service, GET + b"X-Long: " + b"a" * 70_000))
    assert (status, body["error"]["code"]) == (431, "head_too_large")
    assert headers["x-should-retry"] == "false"


def test_the_second_request_of_a_connection_has_the_same_limits(service: ServiceProcess):
    with connected(service.port) as one:
        send_all(one, [GET + b"\r\n"])
        assert b" 200 OK" in one.recv(65536)
        send_all(one, [GET + b"X-Long: " + b"a" * 70_000])
        assert answer_of(everything(one))[0] == 431


def test_no_more_requests_are_piled_up_than_fit(service: ServiceProcess):
    with connected(service.port) as one:
        send_all(one, [b"GET /slow?seconds=0.02 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5000])
        assert everything(one).count(b"HTTP/1.1 200") <= 33
    assert refusals(service, "pipelined")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELO there\r\n\r\n",
        GET + b"Bad Name: 1\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        POST.replace(b"/length", b"/ws") + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_what_is_no_request_is_a_400_in_our_envelope(service: ServiceProcess, nonsense: bytes):
    status, _, body = answer_of(asked(service, nonsense))
    assert (status, body["error"]["code"]) == (400, "malformed_request")
    assert refusals(service, "malformed")
    assert "Traceback" not in service.output


# --- the body ---

CHUNKED = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


def test_a_chunked_body_is_read_and_its_trailers_are_no_headers(service: ServiceProcess):
    raw = asked(service, CHUNKED, b"3\r\nabc\r\n", b"2;a=b\r\nde\r\n", b"0\r\nHost: elsewhere\r\n\r\n")
    status, _, body = answer_of(raw.replace(b"\r\n1\r\n5\r\n", b"\r\n5"))
    assert (status, body) == (200, 5)


@pytest.mark.parametrize(
    "endless", [b"3;" + b"a" * 20_000_000, b"3\r\nabc\r\n0\r\nX: " + b"a" * 20_000_000], ids=["extension", "trailer"]
)
def test_a_body_without_content_ends(service: ServiceProcess, endless: bytes):
    whole = CHUNKED + endless
    with connected(service.port) as one:
        sent = send_all(one, (whole[start : start + 16384] for start in range(0, len(whole), 16384)))
        everything(one)
    assert sent < 8_000_000
    assert refusals(service, "body_without_content")


def test_a_body_in_a_transfer_coding_of_its_own_is_refused_by_name(service: ServiceProcess):
    raw = asked(service, CHUNKED.replace(b"chunked", b"gzip, chunked"), b"3\r\nabc\r\n0\r\n\r\n")
    status, _, body = answer_of(raw)
    assert (status, body["error"]["code"]) == (415, "unsupported_content_encoding")


@pytest.mark.parametrize("chunk", [b"1\r\n \r\n", b"2;a=bcdefghijkl\r\n  \r\n"], ids=["bytes", "extensions"])
@pytest.mark.parametrize("path", [b"/length", b"/nowhere"], ids=["read", "answered before the body"])
def test_a_body_of_tiny_chunks_ends(service: ServiceProcess, chunk: bytes, path: bytes):
    begun = CHUNKED.replace(b"/length", path).replace(b"Connection: close\r\n", b"")
    with connected(service.port) as one:
        sent = send_all(one, [begun, *[chunk * 1000] * 4000])
    assert sent < 10_000_000
    assert refusals(service, "chunks_too_small")


def test_a_long_body_may_begin_with_small_chunks(service: ServiceProcess):
    with connected(service.port) as one:
        send_all(one, [CHUNKED, b"1\r\n \r\n" * 4000, b"64\r\n" + b" " * 100 + b"\r\n", b"0\r\n\r\n"])
        assert everything(one).endswith(b"4100")
    with connected(service.port) as one:
        send_all(one, [CHUNKED, (b"64\r\n" + b" " * 100 + b"\r\n") * 20_000, b"0\r\n\r\n"])
        assert everything(one).endswith(b"2000000")


def test_unfinished_bodies_hold_a_bounded_part_of_the_memory(service: ServiceProcess):
    before = resident_megabytes(service.process.pid)
    body = b" " * 19_000_000
    with ExitStack() as stack:
        for _ in range(24):
            one = stack.enter_context(connected(service.port))
            one.settimeout(2)
            send_all(one, [POST + b"Content-Length: %d\r\n\r\n" % (len(body) + 1), body])
        assert resident_megabytes(service.process.pid) < 200
        assert resident_megabytes(service.process.pid) > before + 10  # some are taken: else this shows nothing
        assert answers_at_once(service.port)
    assert refusals(service, "too_many_bytes_in_flight")
    answer = httpx.post(f"{service.url}/length", content=body, headers={"content-type": "application/json"})
    assert answer.json() == len(body)  # what was held is given back


# --- time ---


@pytest.mark.parametrize("begun", [b"GET /pi", GET + b"X-Half: ", GET])
def test_half_a_head_is_answered_with_408(impatient: ServiceProcess, begun: bytes):
    started = time.monotonic()
    status, headers, body = answer_of(asked(impatient, begun))
    assert (status, body["error"]["code"], headers["connection"]) == (408, "request_timeout", "close")
    assert 0.3 < time.monotonic() - started < 8
    assert refusals(impatient, "head_timeout")


def test_a_connection_that_never_asks_is_closed_without_a_word(impatient: ServiceProcess):
    assert asked(impatient) == b""
    assert refusals(impatient, "connection_without_request")


def test_a_body_that_stalls_is_answered_with_408(impatient: ServiceProcess):
    raw = asked(impatient, POST + b"Content-Length: 100\r\nX-Request-ID: stalled\r\n\r\nabc")
    status, headers, body = answer_of(raw)
    assert (status, body["error"]["code"], headers["connection"]) == (408, "request_timeout", "close")
    assert body["error"]["request_id"] == "stalled"
    assert refusals(impatient, "body_timeout")


def test_a_body_that_trickles_is_answered_with_408(impatient: ServiceProcess):
    with connected(impatient.port) as one:
        one.sendall(POST + b"Content-Length: 100\r\n\r\n")
        started = time.monotonic()
        while send_all(one, [b"a"]) and time.monotonic() - started < 8:
            time.sleep(0.1)
        assert time.monotonic() - started < 8
    assert refusals(impatient, "body_timeout")


def test_a_request_that_takes_its_time_to_answer_is_not_cut(impatient: ServiceProcess):
    assert httpx.get(f"{impatient.url}/slow", params={"seconds": 2}).json() == {"finished": True}


def test_an_answer_that_is_not_read_is_cut(impatient: ServiceProcess):
    with connected(impatient.port) as one:
        one.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert refusals(impatient, "reader_too_slow")


# --- connections ---


@pytest.mark.parametrize("begun", [b"", b"GET /pi", GET, POST + b"Content-Length: 10\r\n\r\nabc"])
def test_unfinished_requests_leave_room_for_others(unused_tcp_port: int, begun: bytes):
    with process(unused_tcp_port, DESCRIPTORS="256") as service, ExitStack() as stack:
        service.wait_until_ready()
        for _ in range(300):
            one = stack.enter_context(connected(service.port))
            send_all(one, [begun])
        assert answers_at_once(service.port)
        assert len(refusals(service, "gave_way")) < 20  # not a line for each
        assert resident_megabytes(service.process.pid) < 150


def test_a_service_full_of_work_says_so(unused_tcp_port: int):
    with process(unused_tcp_port, max_connections="4") as service, ExitStack() as stack:
        service.wait_until_ready()
        for _ in range(4):
            one = stack.enter_context(connected(service.port))
            one.sendall(b"GET /slow?seconds=5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        deadline = time.monotonic() + 5
        while answer_of(asked(service, GET + b"\r\n"))[0] != 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        status, headers, body = answer_of(asked(service, GET + b"\r\n"))
        assert (status, body["error"]["code"], headers["retry-after"]) == (503, "too_many_connections", "1")
        assert refusals(service, "too_many_connections")


def test_answers_that_are_not_read_give_way(unused_tcp_port: int):
    with process(unused_tcp_port, max_connections="4") as service, ExitStack() as stack:
        service.wait_until_ready()
        deadline = time.monotonic() + 8
        while not refusals(service, "gave_way", seconds=0.2) and time.monotonic() < deadline:
            # One gives way once its buffers are full, which nothing but the service could tell.
            one = stack.enter_context(connected(service.port))
            one.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(1) == b"H"
        assert refusals(service, "gave_way")
        assert answers_at_once(service.port)


# --- sockets ---


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def frame(first: int, payload: bytes) -> bytes:
    """A frame of up to 125 bytes under a mask that changes nothing; `first` is its first byte."""
    return bytes([first, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def test_a_refused_handshake_is_no_error_of_ours(service: ServiceProcess):
    status, _, body = answer_of(asked(service, HANDSHAKE.replace(b"localhost", b"evil.example")))
    assert (status, body["error"]["code"]) == (421, "host_not_allowed")
    with connected(service.port) as one:
        one.sendall(HANDSHAKE)
        assert one.recv(65536).startswith(b"HTTP/1.1 101")
        one.sendall(frame(0x81, b"hi"))
        assert one.recv(65536).startswith(b"\x81\x02hi")
    assert not [line for line in service.output.splitlines() if '"level":"error"' in line]


@pytest.mark.parametrize(
    "wrong",
    [
        HANDSHAKE.replace(b"Version: 13", b"Version: 8"),
        HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key"),
        HANDSHAKE.replace(b"ZQ==", b"!"),
        HANDSHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
        HANDSHAKE.replace(b"GET", b"POST"),
    ],
    ids=["version", "no key", "bad key", "two keys", "method"],
)
def test_a_handshake_that_is_none_is_refused_in_our_envelope(service: ServiceProcess, wrong: bytes):
    status, headers, body = answer_of(asked(service, wrong))
    assert (status, body["error"]["code"]) == (400, "malformed_handshake")
    assert headers["x-request-id"] == body["error"]["request_id"]
    assert headers["sec-websocket-version"] == "13"


def test_a_handshake_at_an_address_without_a_socket_is_a_404_in_our_envelope(service: ServiceProcess):
    raw = asked(service, HANDSHAKE.replace(b"/ws", b"/nowhere").replace(b"\r\n\r\n", b"\r\nX-Request-ID: lost\r\n\r\n"))
    status, headers, body = answer_of(raw)
    assert (status, body["error"]["code"], headers["x-request-id"]) == (404, "not_found", "lost")
    deadline = time.monotonic() + 5
    while not (lines := [line for line in service.lines("request") if line["requestId"] == "lost"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert lines[0]["status"] == 404


@pytest.mark.parametrize(
    ("opening", "endless", "reason"),
    [
        (b"", frame(0x89, b"a" * 125), "too_many_frames"),
        (b"", frame(0x8A, b"a"), "too_many_frames"),
        (b"", frame(0x81, b"a"), "too_many_frames"),
        (frame(0x01, b"a"), frame(0x00, b""), "too_many_fragments"),
    ],
    ids=["pings", "pongs", "messages", "empty fragments"],
)
def test_a_flood_of_frames_ends_the_socket(
    service: ServiceProcess, opening: bytes, endless: bytes, reason: str
):  # fmt: skip
    with connected(service.port) as one:
        one.sendall(HANDSHAKE.replace(b"/ws", b"/ws/echo"))
        assert one.recv(65536).startswith(b"HTTP/1.1 101")
        sent = send_all(one, [opening, *[endless * 1000] * 10_000])
    assert sent < 10_000_000
    assert refusals(service, reason)
    assert answers_at_once(service.port)


def test_a_large_message_in_fragments_and_a_few_pings_are_no_flood(service: ServiceProcess):
    with connected(service.port) as one:
        one.sendall(HANDSHAKE.replace(b"/ws", b"/ws/echo"))
        assert one.recv(65536).startswith(b"HTTP/1.1 101")
        fragments = [frame(0x01, b"a" * 100), *[frame(0x00, b"a" * 100), frame(0x89, b"")] * 900, frame(0x80, b"z")]
        one.sendall(b"".join(fragments))
        received = b""
        while not received.endswith(b"az"):
            received += one.recv(65536)
