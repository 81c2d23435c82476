"""A provider that is called over HTTP: an endpoint, a dialect and the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

from llm_gateway.catalog import Model
from llm_gateway.dialects import ClientDialect
from llm_gateway.errors import UpstreamProtocol
from llm_gateway.sse import SseDecoder
from llm_gateway.transport import StreamedReply, Transport
from llm_gateway.types import Event, Request, Result

_MAX_EVENT_BYTES = 4 * 1024 * 1024
_LAST_WORDS_SECONDS = 2.0
"""How long a complete answer's usage and `[DONE]` are waited for."""


class HttpProvider:
    """Speaks `dialect` to whatever endpoint a model names."""

    def __init__(self, dialect: ClientDialect, transport: Transport) -> None:
        self._dialect = dialect
        self._transport = transport

    async def complete(self, request: Request, model: Model) -> Result:
        endpoint = model.endpoint
        body = self._dialect.encode_request(request, model)
        reply = await self._transport.post(endpoint.url(model.id), endpoint.headers, body, model.timeouts)
        if reply.status != 200:
            raise self._dialect.decode_error(reply.status, reply.headers, reply.body)
        return self._dialect.decode_result(reply.body)

    async def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        endpoint = model.endpoint
        body = self._dialect.encode_request(request, model)
        url = endpoint.url(model.id)
        async with self._transport.stream(url, endpoint.headers, body, model.timeouts) as reply:
            if reply.status != 200:
                raise self._dialect.decode_error(reply.status, reply.headers, await reply.read())
            if not reply.is_event_stream:
                raise UpstreamProtocol(f"a stream was asked for, and came as {reply.headers.get('content-type')}")
            async for events in self._events(reply, request, model):
                yield events

    async def _events(self, reply: StreamedReply, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        begun, one_choice = False, (request.n or 1) == 1
        framing = SseDecoder(_MAX_EVENT_BYTES)
        decoder = self._dialect.stream_decoder()
        async for chunk in reply.chunks():
            events: list[Event] = []
            for data in framing.feed(chunk):
                events += decoder.feed(data)
            if events:
                if not begun:
                    begun = True
                    reply.allow_silence(model.timeouts.idle)
                yield events
            if decoder.done:
                break
            if decoder.complete and one_choice:
                reply.may_end(_LAST_WORDS_SECONDS)
        else:
            rest = [event for data in framing.finish() for event in decoder.feed(data)]
            if rest:
                yield rest
        yield decoder.finish()

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        return self._dialect.dropped(request)
