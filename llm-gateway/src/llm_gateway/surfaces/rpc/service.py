"""`proto.AIService`: parses gRPC messages, calls the pipeline and renders its answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import grpc
import msgspec
from service_kit.auth.principal import Principal
from service_kit.edge.metadata import MetadataEdge, MetadataRequest
from service_kit.errors import ApiError

from llm_gateway.canonical import Request
from llm_gateway.canonical.answer import Answer
from llm_gateway.dialects.prompt.render_stream import ChunkEncoder
from llm_gateway.pipeline.caller import Caller, Disconnect
from llm_gateway.pipeline.live_call import LiveCall
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.surfaces.chunks import emit_stream, shown
from llm_gateway.surfaces.http.answer_headers import answer_headers, stream_headers
from llm_gateway.surfaces.http.raw_endpoint import as_told, in_session, session_id
from llm_gateway.surfaces.rpc.generated import ai_service_pb2 as pb
from llm_gateway.surfaces.rpc.messages import chunk_of, models_of, request_in, response_of, status_of
from llm_gateway.surfaces.send_limits import SendLimits
from llm_gateway.surfaces.status import StatusReader

T = TypeVar("T")
Context = Any
"""`grpc.aio.ServicerContext`, of which the library's types say too little."""

_STATUSES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    409: grpc.StatusCode.ABORTED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    499: grpc.StatusCode.CANCELLED,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_SHORTEST_SECONDS = 0.001


class AIService:
    """The service's methods, as handlers of `grpc.aio`. `stopping` says that the server cuts what is under way."""

    def __init__(self, pipeline: Pipeline, reader: StatusReader, edge: MetadataEdge, limits: SendLimits) -> None:
        self._pipeline = pipeline
        self._reader = reader
        self._edge = edge
        self._limits = limits
        self.stopping = False

    async def generate(self, message: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        async def answer(caller: Caller) -> pb.GenerateResponse:
            async with self._call(message, caller, stream=False) as call:
                whole = await call.whole()
                await context.send_initial_metadata(_metadata(answer_headers(whole), caller))
                return response_of(whole)

        return await self._answered(message, context, answer)

    async def generate_stream(self, message: pb.GenerateRequest, context: Context) -> None:
        async def answer(caller: Caller) -> None:
            disconnect = cast("Disconnect", caller.disconnect)
            now = asyncio.get_running_loop().time

            async def emit(chunk: dict[str, Any]) -> None:
                disconnect.sending_since = now()
                await context.write(chunk_of(chunk))
                disconnect.sending_since = 0.0

            async with self._call(message, caller, stream=True) as call:
                await call.begun()
                await context.send_initial_metadata(_metadata(stream_headers(call), caller))
                await emit_stream(call, ChunkEncoder(caller.request_id), emit)

        await self._answered(message, context, answer)

    async def list_models(self, message: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        _, principal = await self._admitted(context)
        return models_of(self._reader.models(principal))

    async def get_status(self, message: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        await self._admitted(context)
        return status_of(self._reader.status())

    # --- what every method does ---

    async def _admitted(self, context: Context) -> tuple[MetadataRequest, Principal]:
        """Returns the request and its principal; ends the call where it has none."""
        request = MetadataRequest.of(context.invocation_metadata() or (), context.peer())
        try:
            return request, await self._edge.principal(request)
        except ApiError as error:
            await _abort(context, error, request.id)
            raise

    async def _answered(
        self, message: pb.GenerateRequest, context: Context, answer: Callable[[Caller], Awaitable[T]]
    ) -> T:
        request, principal = await self._admitted(context)
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        disconnect = Disconnect(task)
        caller = Caller.of(principal, request.id, "grpc", disconnect)
        self._limits.open.add(disconnect)
        try:
            return await answer(self._told(caller, principal, request, message, context))
        except asyncio.CancelledError:
            if not disconnect.left or disconnect.reason == "client_gone":
                raise
            task.uncancel()
            await _abort(context, ApiError(499, "client_stalled", "The client read nothing for too long."), request.id)
            raise
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await _abort(context, shown(error), request.id)
            raise
        finally:
            self._limits.open.discard(disconnect)

    def _told(
        self, caller: Caller, principal: Principal, request: MetadataRequest, message: pb.GenerateRequest,
        context: Context,
    ) -> Caller:  # fmt: skip
        """Returns `caller` with what its metadata, its message and its deadline say."""
        try:
            caller = as_told(caller, principal, request.headers)
            session = session_id(message.session_id, "session_id") or caller.session
        except BaseException as error:
            self._pipeline.unread(error, caller)
            raise
        user = principal.end_user(message.user_id) if message.user_id else caller.user
        options, remaining = caller.options, context.time_remaining()
        if remaining is not None:
            timeout = max(_SHORTEST_SECONDS, min(remaining, options.timeout or remaining))
            options = msgspec.structs.replace(options, timeout=timeout)
        return in_session(msgspec.structs.replace(caller, user=user, session=session, options=options))

    @asynccontextmanager
    async def _call(
        self, message: pb.GenerateRequest, caller: Caller, *, stream: bool
    ) -> AsyncIterator[LiveCall[Answer]]:
        async with self._pipeline.generate(self._read(message, caller, stream=stream), caller) as call:
            try:
                yield call
            except asyncio.CancelledError:
                disconnect = cast("Disconnect", caller.disconnect)
                if not self.stopping and not disconnect.left:
                    disconnect.reason = "client_gone"  # gRPC cancels the task itself
                raise

    def _read(self, message: pb.GenerateRequest, caller: Caller, *, stream: bool) -> Request:
        try:
            return request_in(message, stream=stream)
        except BaseException as error:
            self._pipeline.unread(error, caller)
            raise


def _metadata(headers: list[tuple[bytes, bytes]], caller: Caller) -> tuple[tuple[str, str], ...]:
    """Returns an answer's headers as metadata."""
    told = [(name.decode(), value.decode()) for name, value in headers]
    return (*told, ("x-request-id", caller.request_id))


async def _abort(context: Context, error: ApiError, request_id: str) -> None:
    """Ends the call with the status of `error`, and its code in the trailers."""
    trailers = (("x-error-code", error.code), ("x-request-id", request_id), *error.headers().items())
    status = _STATUSES.get(error.status, grpc.StatusCode.INTERNAL)
    await context.abort(status, error.message, trailers)
