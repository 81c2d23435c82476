"""The pipeline: resolve → admit → look up → share → route → price → settle → record.

It is written once, for answers, streams and vectors alike, and reads from top to bottom here. It knows no dialect and
no provider.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, TypeVar

from llm_gateway.answer import Answer, EmbeddingAnswer, Provenance
from llm_gateway.cache import Cache
from llm_gateway.cache.behind import WriteBehind
from llm_gateway.catalog import Catalog
from llm_gateway.pipeline.admission import AdmissionControl
from llm_gateway.pipeline.caller import Caller
from llm_gateway.pipeline.context import UNREAD, CallContext
from llm_gateway.pipeline.kinds import CallKind, Generation, Vectors
from llm_gateway.pipeline.live_call import LiveCall
from llm_gateway.pipeline.single_flight import CallReader, SingleFlight
from llm_gateway.pipeline.upstream_call import Piece, UpstreamCall
from llm_gateway.routing import too_late
from llm_gateway.telemetry.record import CallRecord
from llm_gateway.types import EmbeddingRequest, EmbeddingResult, Request, Result

R = TypeVar("R")
A = TypeVar("A", bound=Provenance)

_NO_DEADLINE: AbstractAsyncContextManager[None] = nullcontext()


class Pipeline:
    """One API over every provider. `catalog` gives the snapshot of now, `clock` seconds since 1970."""

    def __init__(
        self,
        *,
        catalog: Callable[[], Catalog],
        generation: Generation,
        vectors: Vectors,
        cache: Cache | None,
        admission: AdmissionControl,
        calls: SingleFlight[Piece],
        records: Callable[[CallRecord], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalog = catalog
        self._generation: CallKind[Result, Answer] = generation
        self._vectors: CallKind[EmbeddingResult, EmbeddingAnswer] = vectors
        self._cache = cache
        self._keeping = WriteBehind(cache) if cache is not None else None
        self._admission = admission
        self._calls = calls
        self._records = records
        self._clock = clock

    # --- what surfaces call ---

    def generate(self, request: Request, caller: Caller) -> AbstractAsyncContextManager[LiveCall[Answer]]:
        """A chat request: the call is under way, for the length of the block, and leaves its record at the end.

        Raises:
            ModelNotFound, ProviderNotConfigured, InvalidRequest: nobody was asked.
            GatewaySaturated: too many calls are under way.
            UpstreamTimeout: the time that the caller gave has passed.
        """
        return self._call(self._generation, request, caller)

    def embed(
        self, request: EmbeddingRequest, caller: Caller
    ) -> AbstractAsyncContextManager[LiveCall[EmbeddingAnswer]]:
        """A request for vectors; as `generate`."""
        return self._call(self._vectors, request, caller)

    def unread(self, error: BaseException, caller: Caller) -> None:
        """Leaves the record of a request that could not be read."""
        self._records(CallContext(UNREAD, caller, self._catalog()).record(error, self._clock()))

    # --- the stages ---

    @asynccontextmanager
    async def _call(
        self, kind: CallKind[R, A], request: Request | EmbeddingRequest, caller: Caller
    ) -> AsyncIterator[LiveCall[A]]:
        context = CallContext(request, caller, self._catalog())
        failure: BaseException | None = None
        try:
            async with _deadline(context):
                kind.resolve(context)
                async with self._admission.admit() as ticket:
                    entry = await self._look_up(kind, context)
                    reader = None if entry is not None else self._share(kind, context)  # → route → price
                    live = LiveCall(kind, context, ticket, self._clock, reader)
                    try:
                        if entry is not None:
                            live.replay(entry)
                        yield live  # which settles the ticket once the answer is complete
                    finally:
                        await live.close()
        except BaseException as error:
            failure = error
            raise
        finally:
            self._records(context.record(failure, self._clock()))

    async def _look_up(self, kind: CallKind[R, A], context: CallContext) -> Any:
        """What is kept of an equal call. Finds the keys on the way."""
        cache, control = self._cache, context.caller.cache_control
        if cache is None or not (control.read or control.write):
            return None
        context.cache = "miss"
        context.key = context.share_key = key = kind.key(context)
        options = context.options
        if context.streamed or options.drop or options.safe_stream:  # answers alike, but not asked for alike
            context.share_key = key + repr((context.streamed, sorted(options.drop), options.safe_stream)).encode()
        if not control.read:
            return None
        data = await cache.get(key, control.max_age)
        return kind.decode_entry(data) if data is not None else None

    def _share(self, kind: CallKind[R, A], context: CallContext) -> CallReader[Piece]:
        """A reader of an equal call that is in flight, or of one that is started now.

        A caller with a limit of its own may join another's call, but none joins its: what it asks is given up between
        two attempts when that caller would not wait for the next one.
        """
        key = context.share_key
        reader = self._calls.join(key) if key is not None else None
        if reader is not None:
            context.cache = "coalesced"
            return reader
        call = UpstreamCall(kind, context, self._admission, self._keeping)
        return self._calls.start(call, f"call {context.caller.request_id}", key if context.ends_at is None else None)


@asynccontextmanager
async def _limited(ends_at: float) -> AsyncIterator[None]:
    limit = asyncio.timeout_at(ends_at)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise too_late() from error
        raise


def _deadline(context: CallContext) -> AbstractAsyncContextManager[None]:
    """The caller's own limit in time, over all that follows. It ends that caller's wait alone."""
    return _NO_DEADLINE if context.ends_at is None else _limited(context.ends_at)
