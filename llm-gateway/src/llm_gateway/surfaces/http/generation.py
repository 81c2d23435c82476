"""The surface of any dialect that asks for an answer: one handler, for plain answers and streams."""

from __future__ import annotations

import asyncio
import time

from service_kit.errors import ApiError, internal_error
from service_kit.telemetry.logs import get_logger

from llm_gateway.canonical import Request
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.dialects.protocols import ServerDialect
from llm_gateway.pipeline.caller import Caller
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.surfaces.http.exchange import Exchange
from llm_gateway.surfaces.http.keep_alive import KeepAlive
from llm_gateway.surfaces.http.raw_endpoint import RawEndpoint
from llm_gateway.surfaces.send_limits import SendLimits

_log = get_logger(__name__)

_LONG_ANSWER_TOKENS = 100_000
"""An answer from this size on is rendered on a thread: that would hold the loop."""


class GenerationSurface(RawEndpoint[Request]):
    """`POST` in one dialect; `name` is what records call it.

    A stream that says nothing for `keep_alive` seconds gets a sign of life. Until the first one the status is held
    back, so that a failure is an HTTP error and another model can take over unnoticed.
    """

    def __init__(
        self,
        name: str,
        dialect: ServerDialect,
        pipeline: Pipeline,
        keep_alive: float = 10.0,
        limits: SendLimits | None = None,
    ) -> None:
        super().__init__(name, dialect, pipeline, limits)
        self._dialect = dialect
        self._keep_alive = keep_alive

    def read(self, body: bytes) -> Request:
        return self._dialect.parse_request(body)

    async def answer(self, request: Request, caller: Caller, exchange: Exchange) -> None:
        if request.stream:
            await self._stream(request, caller, exchange)
            return
        async with self._pipeline.generate(request, caller) as call:
            answer = await call.whole()
            await exchange.respond(answer, await self._rendered(answer, request))

    async def _rendered(self, answer: Answer, request: Request) -> bytes:
        if answer.usage.completion_tokens < _LONG_ANSWER_TOKENS:
            return self._dialect.render_result(answer, request)
        return await asyncio.to_thread(self._dialect.render_result, answer, request)

    async def _stream(self, request: Request, caller: Caller, exchange: Exchange) -> None:
        alive = KeepAlive(exchange.beat, self._keep_alive)
        encoder = None
        try:
            async with self._pipeline.generate(request, caller) as call:
                await call.begun()
                await alive.settled()
                encoder = self._dialect.stream_encoder(call.answered_by, request)
                await exchange.stream(call, encoder, alive)
        except Exception as error:
            alive.stop()
            if not exchange.begun:
                raise
            # The status is sent: the stream itself must say that it failed.
            if not isinstance(error, ApiError):
                _log.error("unexpected error in a stream", exc_info=error)
                error = internal_error()
            encoder = encoder or self._dialect.stream_encoder(_nobody(request, caller), request)
            await exchange.end(encoder.fail(exchange.told(error)))
        finally:
            alive.stop()


def _nobody(request: Request, caller: Caller) -> AnsweredBy:
    """What is said of a stream that failed before any model answered."""
    return AnsweredBy(
        request_id=caller.request_id, created=int(time.time()), model=request.model, provider="", provider_model=""
    )
