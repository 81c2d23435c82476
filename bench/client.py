"""One run's requests and judgements, and the connection that sends and times them.

An answer counts only when it is right: status 200, the request's own nonce in it, and for a stream every token and
`[DONE]`. Anything else is an error, by kind.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from typing import cast

import httptools

from bench import marker
from bench.spec import MARK, Spec

_TOKEN = marker.TOKEN.encode()
_KEPT_BODIES = 200


class Run:
    """The shared state of one run: makes requests, judges answers, holds the window's samples."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.errors: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.first_tokens: list[float] = []
        self.gaps: list[float] = []
        self.bodies: list[str] = []
        self.tokens = 0
        self.sent = 0
        self.measuring = False
        self.stopping = False
        self._wanted = spec.wanted.encode()
        self._number = secrets.randbits(40)  # no run repeats another's nonces, so no cache knows them
        self._parts = spec.body.split(MARK)
        if len(self._parts) == 1:
            raise ValueError(f"the body has no {MARK}")
        self._head = self._headers(len(self._body(b"0" * marker.NONCE_DIGITS)))

    def _headers(self, length: int) -> bytes:
        fields = {"content-type": "application/json", "content-length": str(length), **self.spec.headers}
        lines = [f"POST {self.spec.path} HTTP/1.1", f"host: {self.spec.host}:{self.spec.port}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _body(self, nonce: bytes) -> bytes:
        spec = self.spec
        if spec.digits:
            return nonce.decode().join(self._parts).encode()
        mark = marker.write(nonce, chunks=spec.chunks, gap_ms=spec.gap_ms, calls=spec.calls)
        return mark.join(self._parts).encode()

    def request(self) -> tuple[bytes, bytes]:
        """The nonce and the bytes of the next request."""
        if self.spec.varied:
            self._number += 1
        self.sent += 1
        nonce = (marker.digits if self.spec.digits else marker.nonce)(self._number)
        return nonce, self._head + self._body(nonce)

    def judge(self, status: int, body: bytes, nonce: bytes) -> str | None:
        """None when the answer is right, else what is wrong with it."""
        if status != 200:
            return f"status {status}"
        if self._wanted + nonce not in body:
            return "not this request's answer"
        if self.spec.stream and body.count(_TOKEN) != self.spec.chunks:
            return "tokens lost or doubled"
        if self.spec.stream and b"data: [DONE]" not in body:
            return "stream without its end"
        return None

    def record(self, took: float, first_token: float | None, body: bytes) -> None:
        self.latencies.append(took * 1000)
        if first_token is not None:
            self.first_tokens.append(first_token * 1000)
        if self.spec.keep_bodies and len(self.bodies) < _KEPT_BODIES:
            self.bodies.append(body.decode())


class Client(asyncio.Protocol):
    """One keep-alive connection that always has one request in flight."""

    def __init__(self, run: Run, finished: asyncio.Future[None]) -> None:
        self._run = run
        self._finished = finished
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._nonce = b""
        self._began = 0.0
        self._first_token: float | None = None
        self._last_token = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        self._body.clear()
        self._first_token = None
        self._nonce, request = self._run.request()
        self._began = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("not HTTP")

    def on_body(self, data: bytes) -> None:
        if self._run.spec.stream:
            tokens = data.count(_TOKEN)
            if tokens:
                self._on_tokens(tokens)
        self._body += data

    def _on_tokens(self, number: int) -> None:
        now = time.perf_counter()
        if self._run.measuring:
            self._run.tokens += number
            if self._first_token is not None:
                self._run.gaps.append((now - self._last_token) * 1000)
            self._run.gaps += [0.0] * (number - 1)
        if self._first_token is None:
            self._first_token = now - self._began
        self._last_token = now

    def on_message_complete(self) -> None:
        took = time.perf_counter() - self._began
        body = bytes(self._body)
        wrong = self._run.judge(self._parser.get_status_code(), body, self._nonce)
        if wrong is not None:
            self._run.errors[wrong] += 1
        elif self._run.measuring:
            self._run.record(took, self._first_token, body)
        if self._run.stopping or not self._parser.should_keep_alive():
            self._end()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._finished.done():
            self._fail("connection lost")

    def abandon(self) -> None:
        """Give up on an answer that does not come."""
        if not self._finished.done():
            self._fail("no answer in time")

    def _fail(self, kind: str) -> None:
        self._run.errors[kind] += 1
        self._end()

    def _end(self) -> None:
        if not self._finished.done():
            self._finished.set_result(None)
        self._transport.close()
