"""The surface of any dialect that asks for an answer: one handler, for plain answers and streams."""

from __future__ import annotations

import time

from service_kit.errors import ApiError, internal_error
from service_kit.telemetry.logs import get_logger

from llm_gateway.answer import Origin
from llm_gateway.calls import Caller
from llm_gateway.canonical import Request
from llm_gateway.dialects.protocols import ServerDialect
from llm_gateway.gateway import Gateway
from llm_gateway.surfaces.http.exchange import Exchange
from llm_gateway.surfaces.http.keep_alive import KeepAlive
from llm_gateway.surfaces.http.raw_endpoint import RawEndpoint

_log = get_logger(__name__)


class GenerationSurface(RawEndpoint):
    """`POST` in one dialect; `name` is what records call it.

    A stream that says nothing for `keep_alive` seconds gets a sign of life. Until the first one the status is held
    back, so that a failure is an HTTP error and another model can take over unnoticed.
    """

    def __init__(self, name: str, dialect: ServerDialect, gateway: Gateway, keep_alive: float = 10.0) -> None:
        super().__init__(name, dialect)
        self._dialect = dialect
        self._gateway = gateway
        self._keep_alive = keep_alive

    async def answer(self, body: bytes, caller: Caller, exchange: Exchange) -> None:
        try:
            request = self._dialect.parse_request(body)
        except ApiError as error:
            self._gateway.refused(error, caller)
            raise
        if request.stream:
            await self._stream(request, caller, exchange)
            return
        answer = await self._gateway.generate(request, caller)
        await exchange.respond(answer, self._dialect.render_result(answer, request))

    async def _stream(self, request: Request, caller: Caller, exchange: Exchange) -> None:
        alive = KeepAlive(exchange.beat, self._keep_alive)
        encoder = None
        try:
            stream = await self._gateway.stream(request, caller)
            await alive.settled()
            encoder = self._dialect.stream_encoder(stream.origin, request)
            await exchange.stream(stream, encoder, alive)
        except Exception as error:
            alive.stop()
            if not exchange.begun:
                raise
            # The status is sent: the stream itself must say that it failed.
            if not isinstance(error, ApiError):
                _log.error("unexpected error in a stream", exc_info=error)
                error = internal_error()
            encoder = encoder or self._dialect.stream_encoder(_nobody(request, caller), request)
            await exchange.end(encoder.fail(error))
        finally:
            alive.stop()


def _nobody(request: Request, caller: Caller) -> Origin:
    """The origin of a stream that failed before anybody spoke."""
    return Origin(
        request_id=caller.request_id, created=int(time.time()), model=request.model, provider="", provider_model=""
    )
