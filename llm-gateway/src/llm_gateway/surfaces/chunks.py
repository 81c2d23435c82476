"""A call's stream as chunks of the prompt API, whatever carries them: events of a batch, or messages of a socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, cast

from service_kit.errors import ApiError, internal_error
from service_kit.telemetry.logs import get_logger

from llm_gateway.canonical.answer import Answer
from llm_gateway.dialects.prompt.render_stream import ChunkEncoder
from llm_gateway.pipeline.context import nested_too_deeply
from llm_gateway.pipeline.live_call import LiveCall

_log = get_logger(__name__)

Emit = Callable[[dict[str, Any]], Awaitable[None]]


async def emit_stream(call: LiveCall[Answer], chunks: ChunkEncoder, emit: Emit) -> Answer:
    """Emits each chunk as it comes, and the last. Returns the whole answer; raises what the call raises."""
    await call.begun()
    async with aclosing(call.batches()) as batches:  # type: ignore[type-var]
        async for events in batches:
            for chunk in chunks.feed(events):
                await emit(chunk)
    answer = cast("Answer", call.answer)
    await emit(chunks.finish(answer))
    return answer


def shown(error: Exception) -> ApiError:
    """Returns `error` as a client may see it; one that is a fault of ours is logged."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RecursionError):
        return nested_too_deeply()
    _log.error("unexpected error in an item", exc_info=error)
    return internal_error()
