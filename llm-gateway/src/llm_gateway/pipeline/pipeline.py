"""The pipeline: resolve → admit → look up → share → route → price → settle → record.

It is written once, for answers, streams and vectors. `Pipeline.enter` and `Pipeline.leave` hold the stages in their
order. No dialect and no provider is named here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, TypeVar

from llm_gateway.cache.levels import CacheLevels
from llm_gateway.cache.lifetimes import Lifetimes
from llm_gateway.canonical import EmbeddingRequest, EmbeddingResult, Request, Result
from llm_gateway.canonical.answer import Answer, AnswerMeta, EmbeddingAnswer
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.errors import UpstreamTimeout
from llm_gateway.pipeline.admission import AdmissionControl
from llm_gateway.pipeline.cache_stage import CacheStage
from llm_gateway.pipeline.caller import Caller
from llm_gateway.pipeline.context import UNREAD, CallContext
from llm_gateway.pipeline.kinds import CallKind, Generation, Vectors
from llm_gateway.pipeline.live_call import LiveCall
from llm_gateway.pipeline.single_flight import CallReader, SingleFlight
from llm_gateway.pipeline.upstream_call import Piece, UpstreamCall
from llm_gateway.routing import too_late
from llm_gateway.telemetry.record import CallRecord

R = TypeVar("R")
A = TypeVar("A", bound=AnswerMeta)


class Pipeline:
    """One API over every provider. `catalog` gives the snapshot of now, `clock` seconds since 1970."""

    def __init__(
        self,
        *,
        catalog: Callable[[], Catalog],
        generation: Generation,
        vectors: Vectors,
        cache: CacheLevels | None,
        lifetimes: Lifetimes | None = None,
        admission: AdmissionControl,
        calls: SingleFlight[Piece],
        records: Callable[[CallRecord], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalog = catalog
        self._generation: CallKind[Result, Answer] = generation
        self._vectors: CallKind[EmbeddingResult, EmbeddingAnswer] = vectors
        self._cache = cache
        self._cache_stage = CacheStage(cache, lifetimes or Lifetimes(3600)) if cache is not None else None
        self._admission = admission
        self._calls = calls
        self._records = records
        self._clock = clock

    # --- what surfaces call ---

    def generate(self, request: Request, caller: Caller) -> AbstractAsyncContextManager[LiveCall[Answer]]:
        """Serves a chat request: the call is under way for the length of the block, and leaves one record at its end.

        Raises:
            ModelNotFound, ProviderNotConfigured, InvalidRequest: no model was asked.
            GatewaySaturated: too many calls are under way.
            UpstreamTimeout: the time that the caller gave has passed.
        """
        return self._call(self._generation, request, caller)

    def embed(
        self, request: EmbeddingRequest, caller: Caller
    ) -> AbstractAsyncContextManager[LiveCall[EmbeddingAnswer]]:
        """Serves a request for vectors, as `generate` does."""
        return self._call(self._vectors, request, caller)

    def unread(self, error: BaseException, caller: Caller) -> None:
        """Leaves the record of a request that could not be read, or did not arrive."""
        self._records(CallContext(UNREAD, caller, self._catalog()).record(error, self._clock()))

    def _call(self, kind: CallKind[R, A], request: Request | EmbeddingRequest, caller: Caller) -> _Passage[R, A]:
        return _Passage(self, kind, CallContext(request, caller, self._catalog()))

    # --- the stages, in their order ---

    async def enter(self, kind: CallKind[R, A], context: CallContext) -> LiveCall[A]:
        """On the way in: resolve → admit → look up → share, which begins route → price in a task of the call's own.

        Raises as `generate` does.
        """
        kind.resolve(context)
        ticket = self._admission.admit()
        try:
            entry = self._look_up(kind, context)
            reader = None if entry is not None else self._share(kind, context)
            live = LiveCall(kind, context, ticket, self._clock, reader)
            if entry is not None:
                live.replay(entry)
        except BaseException:
            ticket.release()
            raise
        return live  # which settles the ticket once its answer is complete and priced

    async def leave(self, context: CallContext, live: LiveCall[A] | None, error: BaseException | None) -> None:
        """Releases what the call holds and leaves its record, whatever ended it: settle → record."""
        try:
            if live is not None:
                await live.close()
        finally:
            self._records(context.record(error, self._clock()))

    def _look_up(self, kind: CallKind[R, A], context: CallContext) -> Any:
        """Returns the cached entry of an equal call, or None. Sets the keys."""
        cache, control = self._cache, context.caller.cache_control
        if cache is None or not (control.read or control.write):
            return None
        context.cache = "miss"
        context.key = context.share_key = key = kind.key(context)
        options = context.options  # of these, answers are alike that are not asked for alike
        if options.drop or options.safe_stream:
            context.share_key = key + repr((context.streamed, sorted(options.drop), options.safe_stream)).encode()
        elif context.streamed:
            context.share_key = key + b"stream"
        if cache.is_shared and not (control.read and control.max_age is None):
            # The call of a caller that takes any entry may be answered by one of the shared level.
            context.share_key += repr((control.read, control.max_age)).encode()
        if not control.read:
            return None
        data = cache.find(key, control.max_age)
        return kind.decode_entry(data) if data is not None else None

    def _share(self, kind: CallKind[R, A], context: CallContext) -> CallReader[Piece]:
        """Returns a reader of an equal call in flight, or of one that it starts.

        A caller with a time limit of its own may join a call, but no other may join one that it began: such a call is
        given up between two attempts when its caller would not wait for the next.
        """
        key = context.share_key
        reader = self._calls.join(key) if key is not None else None
        if reader is not None:
            context.cache = "coalesced"
            return reader
        call = UpstreamCall(kind, context, self._admission, self._cache_stage and self._cache_stage.of(context))
        return self._calls.start(call, f"call {context.caller.request_id}", key if context.ends_at is None else None)


class _Passage(Generic[R, A]):
    """One call through the pipeline as a context manager. It is a class, since it is on the hot path, where a
    generator around every call can be measured.

    The caller's own time limit covers the whole block, and ends the wait of that caller alone.
    """

    __slots__ = ("_context", "_kind", "_limit", "_live", "_pipeline")

    def __init__(self, pipeline: Pipeline, kind: CallKind[R, A], context: CallContext) -> None:
        self._pipeline = pipeline
        self._kind = kind
        self._context = context
        self._live: LiveCall[A] | None = None
        self._limit: asyncio.Timeout | None = None

    async def __aenter__(self) -> LiveCall[A]:
        if self._context.ends_at is not None:
            self._limit = asyncio.timeout_at(self._context.ends_at)
            await self._limit.__aenter__()
        try:
            self._live = await self._pipeline.enter(self._kind, self._context)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self._live

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        late: UpstreamTimeout | None = None
        if self._limit is not None:
            try:
                await self._limit.__aexit__(kind, error, trace)
            except TimeoutError:
                late = too_late()
        await self._pipeline.leave(self._context, self._live, late or error)
        if late is not None:
            raise late from error
