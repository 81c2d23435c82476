"""Dialects: pure translations between bytes and the canonical types, one a module, without I/O or clock.

A module that a *server* speaks has `parse_request`, `render_result`, `StreamEncoder` and `render_error`; one that
a *client* speaks has `encode_request`, `decode_result`, `StreamDecoder` and `decode_error`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from service_kit.errors import ApiError

from llm_gateway.answer import Answer, Origin
from llm_gateway.catalog import Model
from llm_gateway.errors import UpstreamError
from llm_gateway.types import Event, Request, Result


class StreamEncoder(Protocol):
    """Renders one stream as the bytes of server-sent events."""

    def start(self) -> bytes: ...
    def feed(self, events: list[Event]) -> bytes: ...
    def finish(self, answer: Answer) -> bytes: ...
    def fail(self, error: ApiError) -> bytes: ...


class ServerDialect(Protocol):
    """What a surface needs. `parse_request` raises InvalidRequest, naming the field."""

    def parse_request(self, body: bytes) -> Request: ...
    def render_result(self, answer: Answer) -> bytes: ...
    def stream_encoder(self, origin: Origin, request: Request) -> StreamEncoder: ...


class StreamDecoder(Protocol):
    """Decodes one stream. Both methods raise UpstreamError; `finish` does when the stream was not complete.

    `done` says that nothing more can come, so that a connection which stays open need not be waited for;
    `complete` that nothing more is needed, so that one which breaks does no harm.
    """

    complete: bool

    @property
    def done(self) -> bool: ...
    def feed(self, data: bytes) -> list[Event]: ...
    def finish(self) -> list[Event]: ...


class ClientDialect(Protocol):
    """What a provider needs. `encode_request` raises InvalidRequest for what the dialect cannot say."""

    def encode_request(self, request: Request, model: Model) -> bytes: ...
    def dropped(self, request: Request) -> tuple[str, ...]: ...
    def decode_result(self, body: bytes) -> Result: ...
    def stream_decoder(self) -> StreamDecoder: ...
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError: ...
