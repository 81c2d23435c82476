"""A provider that is called over HTTP: an endpoint, a dialect and the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from llm_gateway.canonical import Event, Finish, Request, Result
from llm_gateway.catalog.models import Endpoint, Model
from llm_gateway.dialects import ClientDialect, Framing, StreamDecoder
from llm_gateway.errors import UpstreamError, UpstreamProtocol
from llm_gateway.net.transport import StreamedReply, Transport

_LAST_WORDS_SECONDS = 2.0
"""How long a complete answer's usage and `[DONE]` are waited for."""

Signer = Callable[[Endpoint, str, bytes], Awaitable[Mapping[str, str]]]
"""All headers for a body that goes to this address of an endpoint, for providers that sign each request."""


class HttpProvider:
    """Speaks `dialect` to whatever endpoint a model names; `sign` replaces an endpoint's fixed headers."""

    def __init__(self, dialect: ClientDialect[Any], transport: Transport, sign: Signer | None = None) -> None:
        self._dialect = dialect
        self._transport = transport
        self._sign = sign

    async def complete(self, request: Request, model: Model) -> Result:
        endpoint = model.endpoint
        body = self._dialect.encode_request(request, model)
        url = endpoint.url(model.id)
        headers = await self._sign(endpoint, url, body) if self._sign else endpoint.headers
        reply = await self._transport.post(url, headers, body, model.timeouts)
        if reply.status != 200:
            raise self._dialect.decode_error(reply.status, reply.headers, reply.body)
        return self._dialect.decode_result(reply.body, request, model)

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        endpoint = model.endpoint
        body = self._dialect.encode_request(request, model)
        url = endpoint.stream_url(model.id)
        headers = await self._sign(endpoint, url, body) if self._sign else endpoint.headers
        async with self._transport.stream(url, headers, body, model.timeouts) as reply:
            if reply.status != 200:
                raise self._dialect.decode_error(reply.status, reply.headers, await reply.read())
            if not reply.may_be(self._dialect.STREAM_TYPE):
                self._dialect.decode_result(await reply.read(), request, model)  # an error in it is what is raised
                raise UpstreamProtocol(f"a stream was asked for, and came as {reply.headers.get('content-type')}")
            async for events in self._events(reply, request, model):
                yield events

    async def _events(self, reply: StreamedReply, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        begun, wanted = False, request.n or 1
        framing = self._dialect.framing()
        decoder = self._dialect.stream_decoder(request, model)
        async for chunk in reply.chunks():
            events: list[Event] = []
            try:
                for frame in framing.feed(chunk):
                    events += decoder.feed(frame)
            except UpstreamError:
                if begun and events:  # what came together with the failure was said before it
                    yield events
                raise
            if events:
                if not begun:
                    begun = True
                    reply.allow_silence(model.timeouts.idle)
                yield events
            if decoder.done:
                break
            if decoder.complete and wanted == 1:
                reply.may_end(_LAST_WORDS_SECONDS)
        else:
            rest = _last_words(framing, decoder)
            if rest:
                yield rest
        closing = decoder.finish()
        if wanted > 1 and not decoder.done and sum(type(event) is Finish for event in closing) < wanted:
            raise UpstreamProtocol("the stream ended before all of its choices", code="upstream_stream_cut")
        yield closing

    def carries(self, model: Model) -> frozenset[str]:
        return self._dialect.CARRIES | model.endpoint.also_carries

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return self._dialect.dropped(request, model)


def _last_words(framing: Framing[Any], decoder: StreamDecoder[Any]) -> list[Event]:
    """What a stream that ended without its last blank line still says; half an event does no harm to an answer that
    needs nothing more."""
    try:
        return [event for frame in framing.finish() for event in decoder.feed(frame)]
    except UpstreamProtocol:
        if decoder.complete:
            return []
        raise
