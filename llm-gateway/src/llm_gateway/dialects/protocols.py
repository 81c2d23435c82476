"""What a surface may ask of a dialect that the gateway serves, and a provider of one that it speaks as a client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from service_kit.errors import ApiError

from llm_gateway.answer import Answer, Origin
from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Event, Request, Result
from llm_gateway.catalog.models import Model
from llm_gateway.errors import UpstreamError

Frame = TypeVar("Frame")
FrameIn = TypeVar("FrameIn", contravariant=True)


class StreamEncoder(Protocol):
    """Renders one stream as the bytes of server-sent events."""

    def start(self) -> bytes: ...
    def feed(self, events: list[Event]) -> bytes: ...
    def finish(self, answer: Answer) -> bytes: ...
    def fail(self, error: ApiError) -> bytes: ...


class ServerDialect(Protocol):
    """What a surface needs. `parse_request` raises InvalidRequest, naming the field."""

    def parse_request(self, body: bytes) -> Request: ...
    def render_result(self, answer: Answer, request: Request) -> bytes: ...
    def stream_encoder(self, origin: Origin, request: Request) -> StreamEncoder: ...
    def render_error(self, error: ApiError, request_id: str) -> bytes: ...


class Framing(Protocol[Frame]):
    """Cuts the bytes of a stream, however they were split, into the frames that a StreamDecoder takes."""

    def feed(self, chunk: bytes) -> list[Frame]: ...
    def finish(self) -> list[Frame]: ...


class StreamDecoder(Protocol[FrameIn]):
    """Decodes one stream. Both methods raise UpstreamError; `finish` does when the stream was not complete.

    `done` says that nothing more can come, so that a connection which stays open need not be waited for;
    `complete` that nothing more is needed, so that one which breaks does no harm.
    """

    complete: bool

    @property
    def done(self) -> bool: ...
    def feed(self, frame: FrameIn, /) -> list[Event]: ...
    def finish(self) -> list[Event]: ...


class ClientDialect(Protocol[Frame]):
    """What a provider needs. `encode_request` raises InvalidRequest for what the dialect cannot say.

    `carries` names the optional fields of a Request (`parameters.OPTIONAL`) that the dialect can say; the others are
    refused before it is asked. `stream_type` is the content type of its streams; `framing` takes the most bytes that a
    single frame may have. `dropped` names the hints of a request that are not sent.
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
    """What a provider of embeddings needs.

    A request becomes one body, or several where the provider takes only so many texts at once; `decode_embeddings`
    gets the answers in the same order. `encode_embeddings` raises InvalidRequest for what the dialect cannot say
    (token ids, dimensions).
    """

    @property
    def name(self) -> str: ...
    def encode_embeddings(self, request: EmbeddingRequest, model: Model) -> list[bytes]: ...
    def decode_embeddings(self, bodies: list[bytes]) -> EmbeddingResult: ...
    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError: ...
