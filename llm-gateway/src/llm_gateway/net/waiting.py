"""Waiting for a connection's answer within its limits, with network failures as UpstreamError."""

from __future__ import annotations

from llm_gateway.errors import (
    UpstreamError,
    UpstreamFirstByteTimeout,
    UpstreamProtocol,
    UpstreamSilent,
    UpstreamTimeout,
    UpstreamTotalTimeout,
    UpstreamUnavailable,
)
from llm_gateway.net.errors import Broken, Malformed
from llm_gateway.net.http1 import Connection

_LONG_SILENCE_SECONDS = 1.0
"""A connection that broke after so long without a byte was silent, and not merely refused or restarted."""


async def head_of(connection: Connection, ends_at: float, first_byte_at: float) -> None:
    """Waits for the head of an answer. What broke behind it, in the same piece, is for the reader of the body to
    find."""
    while not connection.status:
        try:
            await news(connection, ends_at, first_byte_at, UpstreamFirstByteTimeout)
        except UpstreamError:
            if not connection.status:
                raise


async def news(connection: Connection, ends_at: float, silent_at: float, silent: type[UpstreamSilent]) -> None:
    """Waits for anything to happen on a connection whose answer is not complete, and raises its failures as
    UpstreamError. Which limit would end the wait is decided before it, not by a clock after it."""
    if connection.error is None:
        try:
            await connection.news(min(ends_at, silent_at))
        except TimeoutError as error:
            if ends_at <= silent_at:
                raise total_is_over() from error
            raise silent("nothing more in time") from error
    if connection.error is not None:
        raise translated(connection.error)


def total_is_over() -> UpstreamTimeout:
    """Returns the error for an answer that is not whole in time."""
    return UpstreamTotalTimeout("no end of the answer in time")


def translated(error: Exception) -> UpstreamError:
    """Returns what a failure of the connection means to callers."""
    match error:
        case UpstreamError():
            return error
        case Broken() if error.silence >= _LONG_SILENCE_SECONDS:
            code = "upstream_stream_cut" if error.begun else None
            return UpstreamSilent(f"hung up after {error.silence:.1f} s of silence: {error}", code=code)
        case Broken(begun=True):
            return UpstreamProtocol(repr(error), code="upstream_stream_cut")
        case Malformed():
            return UpstreamProtocol(repr(error))
        case _:
            return UpstreamUnavailable(repr(error))
