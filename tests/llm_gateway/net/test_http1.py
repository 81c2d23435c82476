"""The HTTP/1.1 client at every split of the bytes, and against peers that do not behave."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.net.http1 import (
    Broken,
    ConnectFailed,
    Connection,
    Malformed,
    Origin,
    Pool,
    post_head,
    target_of,
)

from tests.peers import Peer, listening

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


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a", (Origin("a", 80, False), "a", "/")),
        ("https://a.example:8443/v1/x?y=1&z", (Origin("a.example", 8443, True), "a.example:8443", "/v1/x?y=1&z")),
        ("http://[::1]:9/p", (Origin("::1", 9, False), "[::1]:9", "/p")),
        ("http://user:secret@a/p", (Origin("a", 80, False), "a", "/p")),
    ],
)
def test_an_address_is_taken_apart(url: str, target: object) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize("url", ["", "a/b", "ftp://a", "http://", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an http address"):
        target_of(url)


def test_a_header_cannot_break_out_of_the_head() -> None:
    with pytest.raises(ValueError, match="line break"):
        post_head(target_of("http://a"), {"x": "1\r\nevil: 1"}, 0)


@asynccontextmanager
async def _served(peer: Peer) -> AsyncIterator[Origin]:
    async with listening(peer) as port:
        yield Origin("127.0.0.1", port, False)


def _certificate(folder: Path) -> Path:
    """A certificate for localhost that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


async def test_tls_works_and_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async def always(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PLAIN)

    file = _certificate(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    async with listening(always, tls=serving) as port:
        origin = Origin("localhost", port, True)
        trusting = Pool(1, keepalive=10, tls=ssl.create_default_context(cafile=str(file)))
        connection = await trusting.acquire(origin, 5)
        connection.send(post_head(target_of("https://localhost"), {}, 0))
        assert await _finish(connection) == b"hello"
        trusting.release(connection, origin)
        trusting.close()
        with pytest.raises(ConnectFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await Pool(1, keepalive=10).acquire(origin, 5)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _finish(connection: Connection) -> bytes:
    until = asyncio.get_running_loop().time() + 5
    while not connection.complete and connection.error is None:
        await connection.news(until)
    return _body(connection)


async def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PLAIN)
        writer.close()

    async with _served(once) as origin:
        pool = Pool(2, keepalive=10)
        for _ in range(3):
            connection = await pool.acquire(origin, 1)
            connection.send(post_head(target_of("http://a"), {}, 0))
            assert await _finish(connection) == b"hello"
            pool.release(connection, origin)
            await asyncio.sleep(0.02)
        pool.close()


async def test_an_idle_connection_is_not_kept_for_longer_than_agreed() -> None:
    async def always(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(PLAIN)

    async with _served(always) as origin:
        pool = Pool(2, keepalive=0.05)
        seen = []
        for pause in (0, 0.2, 0):
            connection = await pool.acquire(origin, 1)
            connection.send(post_head(target_of("http://a"), {}, 0))
            await _finish(connection)
            seen.append(connection)
            pool.release(connection, origin)
            await asyncio.sleep(pause)
        pool.close()
        assert seen[0] is seen[1] and seen[1] is not seen[2]


async def test_no_more_connections_than_allowed_and_a_wait_is_bounded() -> None:
    async with _served(_silent) as origin:
        pool = Pool(1, keepalive=10)
        first = await pool.acquire(origin, 1)
        with pytest.raises(TimeoutError):
            await pool.acquire(origin, 0.05)
        pool.release(first, origin)
        pool.release(await pool.acquire(origin, 1), origin)
        pool.close()


async def test_nobody_there_is_a_failure_and_gives_its_place_back() -> None:
    pool = Pool(1, keepalive=10)
    for _ in range(3):
        with pytest.raises(ConnectFailed):
            await pool.acquire(Origin("127.0.0.1", 1, False), 1)
    pool.close()


async def test_waiting_ends_in_time() -> None:
    async with _served(_silent) as origin:
        pool = Pool(1, keepalive=10)
        connection = await pool.acquire(origin, 1)
        connection.send(b"POST / HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            await connection.news(asyncio.get_running_loop().time() + 0.05)
        pool.release(connection, origin)
        pool.close()
