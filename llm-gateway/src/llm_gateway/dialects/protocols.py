"""The protocols of dialects: what surfaces need of one that is served, and providers of one that is spoken upstream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from service_kit.errors import ApiError

from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Event, Request, Result
from llm_gateway.canonical.answer import Answer, AnsweredBy
from llm_gateway.catalog.models import Model
from llm_gateway.errors import UpstreamError

Frame = TypeVar("Frame")
FrameIn = TypeVar("FrameIn", contravariant=True)


class StreamEncoder(Protocol):
    """Renders one stream as the bytes of server-sent events: `start`, `feed` any number of times, then `finish` or
    `fail`."""

    def start(self) -> bytes: ...
    def feed(self, events: list[Event]) -> bytes: ...
    def finish(self, answer: Answer) -> bytes: ...
    def fail(self, error: ApiError) -> bytes: ...


class ServerDialect(Protocol):
    """A dialect that clients speak to the gateway. `parse_request` raises InvalidRequest, naming the field."""

    def parse_request(self, body: bytes) -> Request: ...
    def render_result(self, answer: Answer, request: Request) -> bytes: ...
    def stream_encoder(self, answered_by: AnsweredBy, request: Request) -> StreamEncoder: ...
    def render_error(self, error: ApiError, request_id: str) -> bytes: ...


class Framing(Protocol[Frame]):
    """Splits the bytes of a stream, in pieces of any size, into the frames that a StreamDecoder takes. Raises
    UpstreamProtocol for a frame that is too large or malformed."""

    def feed(self, chunk: bytes) -> list[Frame]: ...
    def finish(self) -> list[Frame]: ...


class StreamDecoder(Protocol[FrameIn]):
    """Decodes one stream. `feed` and `finish` raise UpstreamError; `finish` does so if the stream was cut off.

    `done` says that nothing more can come: a connection that stays open need not be waited for. `complete` says that
    the answer is whole: a connection that breaks now does no harm.
    """

    complete: bool

    @property
    def done(self) -> bool: ...
    def feed(self, frame: FrameIn, /) -> list[Event]: ...
    def finish(self) -> list[Event]: ...


class ClientDialect(Protocol[Frame]):
    """A dialect that the gateway speaks to providers. `encode_request` raises InvalidRequest for what it does not
    support.

    `carries` names the optional fields of a Request (`parameters.OPTIONAL`) that the dialect supports; a request with
    others is refused before `encode_request`. `stream_type` is the content type of its streams. `framing` takes the
    most bytes of one frame. `dropped` returns the names of the hints that are not sent.
    """

    @property
    def name(self) -> str: ...
    @property
    def carries(self) -> frozenset[str]: ...
    @property
    def stream_type(self) -> str: ...
    def encode_request(self, request: Request, model: Model) -> bytes: ...
    def dropped(self, request: Request, model: Model) -> tuple[str, ...]: ...
    def decode_result(self, body: bytes, request: Request, model: Model) -> Result: ...
    def framing(self, max_bytes: int) -> Framing[Frame]: ...
    def stream_decoder(self, request: Request, model: Model) -> StreamDecoder[Frame]: ...
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError: ...


class EmbeddingDialect(Protocol):
    """A dialect in which the gateway asks providers for embeddings.

    A request becomes one body, or several if the provider limits the texts of one; `decode_embeddings` gets the answers
    in the same order. `encode_embeddings` raises InvalidRequest for what the dialect does not support (token ids,
    dimensions).
    """

    @property
    def name(self) -> str: ...
    def encode_embeddings(self, request: EmbeddingRequest, model: Model) -> list[bytes]: ...
    def decode_embeddings(self, bodies: list[bytes]) -> EmbeddingResult: ...
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError: ...
