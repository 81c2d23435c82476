"""A provider that is called over HTTP: an endpoint, a dialect and the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any

from llm_gateway.canonical import Event, Finish, Request, Result
from llm_gateway.catalog.models import Endpoint, Model
from llm_gateway.dialects.common import MAX_FRAME_BYTES
from llm_gateway.dialects.protocols import ClientDialect, Framing, StreamDecoder
from llm_gateway.errors import UpstreamError, UpstreamProtocol
from llm_gateway.net.replies import StreamedReply
from llm_gateway.net.transport import Transport

_LAST_WORDS_SECONDS = 2.0
"""How long a complete answer's usage and `[DONE]` are waited for."""

_NO_EVENTS = (b"{", b"[", b"<")
"""What neither a line of server-sent events nor a binary frame begins with."""

Signer = Callable[[Endpoint, str, bytes], Awaitable[Mapping[str, str]]]
"""All headers for a body that goes to this address of an endpoint, for providers that sign each request."""


class HttpProvider:
    """Speaks `dialect` to whatever endpoint a model names; `sign` replaces an endpoint's fixed headers, and one event
    of a stream has at most `max_frame_bytes`."""

    def __init__(
        self,
        dialect: ClientDialect[Any],
        transport: Transport,
        sign: Signer | None = None,
        *,
        max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        self._dialect = dialect
        self._transport = transport
        self._sign = sign
        self._max_frame_bytes = max_frame_bytes

    async def complete(self, request: Request, model: Model) -> Result:
        endpoint = model.endpoint
        body = self._dialect.encode_request(request, model)
        url = endpoint.url(model.id)
        headers = await self._sign(endpoint, url, body) if self._sign else endpoint.headers
        reply = await self._transport.post(url, headers, body, model.timeouts)
        if not is_answer(reply.status):
            raise self._dialect.decode_error(reply.status, dated(reply.headers), reply.body)
        return self._dialect.decode_result(reply.body, request, model)

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        endpoint = model.endpoint
        body = self._dialect.encode_request(request, model)
        url = endpoint.stream_url(model.id)
        headers = await self._sign(endpoint, url, body) if self._sign else endpoint.headers
        async with self._transport.stream(url, headers, body, model.timeouts) as reply:
            chunks = reply.chunks()
            first = await anext(chunks, b"") if is_answer(reply.status) else b""
            if not (is_answer(reply.status) and self._may_be_stream(reply, first)):
                raise self._dialect.decode_error(reply.status, dated(reply.headers), first + await reply.read())
            async for events in self._events(first, chunks, reply, request, model):
                yield events

    def _may_be_stream(self, reply: StreamedReply, first: bytes) -> bool:
        """Returns whether the body, which begins with `first`, is read as a stream. Servers that name no type or a
        general one are believed, unless an object stands where events were due: that is an error, or a page of a
        proxy."""
        return reply.may_be(self._dialect.stream_type) and first.lstrip()[:1] not in _NO_EVENTS

    async def _events(
        self, first: bytes, chunks: AsyncIterator[bytes], reply: StreamedReply, request: Request, model: Model
    ) -> AsyncIterator[list[Event]]:
        begun, heard, wanted = False, False, request.n or 1
        framing = self._dialect.framing(self._max_frame_bytes)
        decoder = self._dialect.stream_decoder(request, model)
        chunk: bytes | None = first
        while chunk is not None:
            events, failure, framed = _said(framing, decoder, chunk)
            heard = heard or framed
            whole = decoder.complete and wanted == 1
            if failure is not None and not whole:
                if begun and events:  # what came together with the failure was said before it
                    yield events
                raise failure
            if events:
                if not begun:
                    begun = True
                    reply.allow_silence(model.timeouts.idle)
                yield events
            if decoder.done or failure is not None:  # a failure cannot take back what was said whole
                break
            if whole:
                reply.may_end(_LAST_WORDS_SECONDS)
            chunk = await anext(chunks, None)
        else:
            rest, framed = _last_words(framing, decoder)
            if rest:
                yield rest
            if not (heard or framed):  # bytes that are no events are garbage, which is not asked for twice
                raise UpstreamProtocol("a stream without events")
        closing = decoder.finish()
        if wanted > 1 and not decoder.done and sum(type(event) is Finish for event in closing) < wanted:
            raise UpstreamProtocol("the stream ended before all of its choices", code="upstream_stream_cut")
        yield closing

    def carries(self, model: Model) -> frozenset[str]:
        return self._dialect.carries | model.endpoint.also_carries

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return self._dialect.dropped(request, model)


def is_answer(status: int) -> bool:
    """Returns whether a status promises an answer in its body."""
    return 200 <= status < 300 and status not in (204, 205)


def dated(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Returns `headers` with the gateway's own time where the provider gives none, so that dates in them can be
    measured."""
    return headers if "date" in headers else {**headers, "date": formatdate(usegmt=True)}


def _said(
    framing: Framing[Any], decoder: StreamDecoder[Any], chunk: bytes
) -> tuple[list[Event], UpstreamError | None, bool]:
    """Returns the events of a piece of the body up to the stream's end, behind which nothing counts, or up to a
    failure; and whether there was any frame in it."""
    events: list[Event] = []
    framed = False
    try:
        for frame in framing.feed(chunk):
            framed = True
            events += decoder.feed(frame)
            if decoder.done:
                break
    except UpstreamError as error:
        return events, error, True
    return events, None, framed


def _last_words(framing: Framing[Any], decoder: StreamDecoder[Any]) -> tuple[list[Event], bool]:
    """Returns what a stream that ended without its last blank line still says, and whether that was a frame; half an
    event does no harm to an answer that needs nothing more."""
    try:
        frames = framing.finish()
        return [event for frame in frames for event in decoder.feed(frame)], bool(frames)
    except UpstreamProtocol:
        if decoder.complete:
            return [], True
        raise
