"""A dialect driven as the gateway drives it, over recorded bytes in place of a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit

import msgspec
from fake_providers import Behavior, Call, Exchange
from llm_gateway.canonical import Event, Request, Result
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.protocols import ClientDialect
from llm_gateway.net.replies import Reply
from llm_gateway.net.transport import Transport
from llm_gateway.providers.http import HttpProvider

T = TypeVar("T")

_MAX_YIELDS = 100_000


class Recording(msgspec.Struct, frozen=True):
    """An answer as it went over the wire; `pieces` are the body, one for each write."""

    status: int
    headers: Mapping[str, str]
    pieces: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def cut(self, *positions: int) -> Recording:
        """The same body in pieces that end at these positions."""
        body, ends = self.body, [*sorted(positions), len(self.body)]
        pieces = tuple(body[a:b] for a, b in zip([0, *ends], ends, strict=False))
        return msgspec.structs.replace(self, pieces=pieces)

    def byte_by_byte(self) -> Recording:
        return self.cut(*range(1, len(self.body)))

    def until(self, position: int) -> Recording:
        """What of it came before the connection was closed."""
        return msgspec.structs.replace(self, pieces=(self.body[:position],))

    def with_inserted(self, position: int, garbage: bytes) -> Recording:
        body = self.body
        return msgspec.structs.replace(self, pieces=(body[:position], garbage, body[position:]))


class _Played:
    """What a StreamedReply is to a provider."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.status = recording.status
        self.headers = recording.headers
        self.content_type = recording.headers.get("content-type", "").partition(";")[0].strip().lower()

    def may_be(self, media_type: str) -> bool:
        return self.content_type in (media_type, "")

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._recording.pieces:
            yield piece

    async def read(self) -> bytes:
        return self._recording.body

    def allow_silence(self, seconds: float) -> None:
        """There is none on a tape."""

    def may_end(self, seconds: float) -> None:
        """It ends when it ends."""


class Tape:
    """A transport that plays one recording, whatever is asked."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def post(self, *_: Any) -> Reply:
        return Reply(self._recording.status, self._recording.headers, self._recording.body)

    @asynccontextmanager
    async def stream(self, *_: Any) -> AsyncIterator[_Played]:
        yield _Played(self._recording)


def plain(dialect: ClientDialect[Any], recording: Recording, request: Request, model: Model) -> Result:
    """What the gateway makes of a plain answer."""
    return at_once(_provider(dialect, recording).complete(request, model))


def streamed(dialect: ClientDialect[Any], recording: Recording, request: Request, model: Model) -> Result:
    """What the gateway makes of a streamed one, put together."""
    aggregate = Aggregate()
    aggregate.feed(stream_events(dialect, recording, request, model))
    assert aggregate.finished
    return aggregate.result()


def stream_events(dialect: ClientDialect[Any], recording: Recording, request: Request, model: Model) -> list[Event]:
    async def collect() -> list[Event]:
        asked = msgspec.structs.replace(request, stream=True)
        return [event async for batch in _provider(dialect, recording).stream(asked, model) for event in batch]

    return at_once(collect())


def _provider(dialect: ClientDialect[Any], recording: Recording) -> HttpProvider:
    return HttpProvider(dialect, cast("Transport", Tape(recording)))


def recorded(behavior: Behavior, call: Call) -> Recording:
    """What a fake sends when it behaves so at this call."""
    heads: list[tuple[int, dict[str, str]]] = []
    pieces: list[bytes] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            heads.append((message["status"], headers))
        elif message.get("body"):
            pieces.append(message["body"])

    at_once(behavior.play(Exchange(call, send)))
    [(status, headers)] = heads
    return Recording(status, headers, tuple(pieces))


def call_of(dialect: ClientDialect[Any], request: Request, model: Model) -> Call:
    """The request as the provider would receive it."""
    endpoint = model.endpoint
    url = urlsplit(endpoint.stream_url(model.id) if request.stream else endpoint.url(model.id))
    headers = {"content-type": "application/json", **endpoint.headers}
    scope: Any = {
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    return Call(scope, dialect.encode_request(request, model))


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The outcome of something asynchronous that waits for nothing: on the loop that runs, or on one of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    try:
        for _ in range(_MAX_YIELDS):
            assert work.send(None) is None, "it waits for something"
    except StopIteration as done:
        return done.value
    raise AssertionError("it never ends")
