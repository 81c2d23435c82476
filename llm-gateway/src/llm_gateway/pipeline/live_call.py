"""A call under way as a surface sees it: who answers it, the stream or the whole answer, and the cost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

from llm_gateway.cache.entry import Entry
from llm_gateway.canonical import Event
from llm_gateway.canonical.aggregate import events_of
from llm_gateway.canonical.answer import Answer, AnsweredBy, AnswerMeta, CacheStatus
from llm_gateway.canonical.cost import Cost
from llm_gateway.catalog.models import Model
from llm_gateway.errors import UpstreamProtocol
from llm_gateway.pipeline.admission import Ticket
from llm_gateway.pipeline.context import CallContext
from llm_gateway.pipeline.kinds import CallKind
from llm_gateway.pipeline.single_flight import CallReader
from llm_gateway.pipeline.upstream_call import Begun, Outcome, Piece, UpstreamCall

A = TypeVar("A", bound=AnswerMeta)

_FREE_OF_CHARGE = Cost(Decimal(0), "computed")


class LiveCall(Generic[A]):
    """One caller's view of a call, for the length of its block in the pipeline.

    Either `whole` is awaited, or `begun` and then `batches` is iterated; `answer` is set once the answer is complete.
    """

    __slots__ = ("_answered_by", "_clock", "_context", "_kind", "_reader", "_ticket", "answer", "overhead_ms")

    def __init__(
        self,
        kind: CallKind[Any, A],
        context: CallContext,
        ticket: Ticket,
        clock: Callable[[], float],
        reader: CallReader[Piece] | None,
    ) -> None:
        self._kind = kind
        self._context = context
        self._ticket = ticket
        self._clock = clock
        self._reader = reader
        self._answered_by: AnsweredBy | None = None
        self.answer: A | None = None
        self.overhead_ms = 0.0

    # --- what surfaces tell before the answer is complete ---

    @property
    def cache(self) -> CacheStatus:
        return self._context.cache

    @property
    def dropped(self) -> tuple[str, ...]:
        return self._context.dropped

    @property
    def cache_key(self) -> bytes | None:
        return self._context.key

    @property
    def answered_by(self) -> AnsweredBy:
        """The model that answers. Set once the call has begun."""
        return cast("AnsweredBy", self._answered_by)

    # --- the answer ---

    def replay(self, entry: Entry[Any]) -> None:
        """Completes the call with an answer from the cache."""
        context = self._context
        context.cache, context.cache_level = "hit", "memory"
        context.model = context.meant
        self._completed(entry, cast("Model", context.meant), billed=False)

    async def begun(self) -> None:
        """Returns when a model has begun to answer. Raises as `whole`."""
        while self.answer is None and self._context.model is None:
            await self._take()
        self._answered_by = self._context.answered_by(cast("Model", self._context.model), self._clock())
        self.overhead_ms = self._context.elapsed_ms() - self._context.upstream_ms

    async def whole(self) -> A:
        """Returns the whole answer.

        Raises:
            UpstreamError: no model that was asked answered.
            InvalidRequest: the request cannot be put into the provider's words.
        """
        while self.answer is None:
            await self._take()
        return self.answer

    async def batches(self) -> AsyncIterator[list[Event]]:
        """Yields lists of events, one list for each piece that arrived.

        Raises:
            UpstreamError: the stream broke; what came so far is not a whole answer.
        """
        if self._reader is None and self.answer is not None:
            self._spoke()
            yield list(events_of(cast("Answer", self.answer).result))
            return
        reader = cast("CallReader[Piece]", self._reader)
        while self.answer is None:
            piece = await reader.next()
            if type(piece) is list:
                if self._context.ttft_ms is None:
                    self._spoke()
                yield piece
            else:
                self._note(piece, reader)

    async def _take(self) -> None:
        """Reads the next piece of the call into the context."""
        reader = cast("CallReader[Piece]", self._reader)
        self._note(await reader.next(), reader)

    def _note(self, piece: Piece | None, reader: CallReader[Piece]) -> None:
        context = self._context
        if type(piece) is Begun:
            context.model, context.dropped = piece.model, piece.dropped
            context.upstream_ms = piece.upstream_ms if reader.began else 0.0
            self._note_cache(piece, reader)
        elif type(piece) is Outcome:
            self._outcome(piece, reader)
        elif piece is None:
            raise UpstreamProtocol("a stream without an end", code="upstream_stream_cut")

    def _outcome(self, outcome: Outcome[Any], reader: CallReader[Piece]) -> None:
        context = self._context
        context.model, context.dropped = outcome.model, outcome.dropped
        context.upstream_ms = outcome.upstream_ms if reader.began else 0.0
        self._note_cache(outcome, reader)
        self._completed(outcome, outcome.model, billed=reader.claim(complete=True) and outcome.cache is None)

    def _note_cache(self, piece: Begun | Outcome[Any], reader: CallReader[Piece]) -> None:
        """Notes that the shared cache had the answer; a caller that joined the call shares that too."""
        if piece.cache is not None:
            self._context.cache = piece.cache if reader.began else "coalesced"
            self._context.cache_level = "redis"

    def _completed(self, said: Outcome[Any] | Entry[Any], model: Model, *, billed: bool) -> None:
        """Sets the answer and settles the ticket, before the first byte of a whole answer goes out."""
        context = self._context
        context.usage, context.billed, context.complete = said.usage, billed, True
        context.cost = said.cost if billed else _FREE_OF_CHARGE
        context.saved = None if billed else said.cost
        self.answer = self._kind.answer(
            result=said.result,
            answered_by=context.answered_by(model, self._clock()),
            usage=said.usage,
            cost=context.cost,
            latency_ms=context.elapsed_ms(),
            upstream_ms=context.upstream_ms,
            cache=context.cache,
            saved_usd=context.saved.usd if context.saved else None,
            dropped=context.dropped,
            cache_key=context.key,
        )
        self._ticket.settle()

    def _spoke(self) -> None:
        """Notes the time of the first content."""
        self._context.ttft_ms = self._context.elapsed_ms()

    # --- the end ---

    async def close(self) -> None:
        """Leaves the call, and notes what it used if this caller is billed for it."""
        self._ticket.release()
        reader, context = self._reader, self._context
        if reader is None:
            return
        if not context.complete:
            context.billed = reader.claim()
        await reader.close()
        call = cast("UpstreamCall[Any]", reader.source)
        if call.from_cache:
            context.billed = False
        context.model = context.model or call.model
        if context.billed:
            context.attempts = call.attempts(time.time())
            context.upstream_ms = context.upstream_ms or call.elapsed_ms()
            if not context.complete:
                context.usage, context.cost = call.spent()
