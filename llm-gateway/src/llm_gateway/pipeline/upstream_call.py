"""The work of a shared call: one route asked once, its attempts, and what it has used so far."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from llm_gateway.cache import Labels
from llm_gateway.cache.behind import WriteBehind
from llm_gateway.canonical import Delta, Event, Logprobs, Signature, Usage
from llm_gateway.canonical.aggregate import Aggregate
from llm_gateway.canonical.cost import UNKNOWN, Cost
from llm_gateway.catalog.models import Model
from llm_gateway.pipeline.admission import AdmissionControl, Ticket
from llm_gateway.pipeline.context import CallContext
from llm_gateway.pipeline.single_flight import Outlet
from llm_gateway.routing import Routed
from llm_gateway.routing.attempts import Attempt
from llm_gateway.telemetry import record

R = TypeVar("R")

_EVENT_BYTES = 160
"""The weight of an event without its text."""


class Begun(msgspec.Struct, frozen=True):
    """The first piece of a stream: the model that answers, and the parameters that it was not sent."""

    model: Model
    dropped: tuple[str, ...]
    upstream_ms: float


class Outcome(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """The last piece of every call: the whole answer, priced. `keepable` says that the cache may hold it."""

    result: R
    usage: Usage
    cost: Cost
    model: Model
    dropped: tuple[str, ...]
    upstream_ms: float
    keepable: bool


Piece = Begun | list[Event] | Outcome[Any]


def weight_of(events: list[Event]) -> int:
    """About how many bytes these take."""
    weight = 0
    for event in events:
        weight += _EVENT_BYTES
        kind = type(event)
        if kind is Delta:
            weight += len(event.text)  # type: ignore[union-attr]
        elif kind is Signature:
            weight += len(event.signature)  # type: ignore[union-attr]
        elif kind is Logprobs:
            weight += 10 * _EVENT_BYTES  # some tens of small objects
    return weight


class Asking(Protocol[R]):
    """How one kind of call asks its route, and what it keeps and counts of it."""

    async def ask(self, call: UpstreamCall[R], outlet: Outlet[Piece]) -> None:
        """Publishes the pieces of the answer, the outcome last. Raises as a router does."""
        ...

    def encode_entry(self, outcome: Outcome[R]) -> bytes:
        """What is kept of an outcome."""
        ...

    def labels(self, call: UpstreamCall[R], model: Model) -> Labels:
        """What the entry of a call that `model` answered is found by."""
        ...

    def spent(self, call: UpstreamCall[R]) -> tuple[Usage | None, Cost]:
        """What a call that has no outcome has used as far as it came."""
        ...


class UpstreamCall(Generic[R]):
    """A `CallSource` for `SingleFlight`. It holds what all readers may ask: the attempts, the model that answers, and
    what the call has used by now."""

    __slots__ = (
        "_admission",
        "_keeping",
        "_key",
        "_kind",
        "_meant",
        "_started",
        "_ticket",
        "aggregate",
        "ends_at",
        "fitted",
        "log",
        "options",
        "outcome",
        "pauses_end_at",
        "request",
        "route",
        "routed",
    )  # fmt: skip

    def __init__(
        self,
        kind: Asking[R],
        context: CallContext,
        admission: AdmissionControl,
        keeping: WriteBehind | None,
    ) -> None:
        self._kind = kind
        self._admission = admission
        self._keeping = keeping if context.key and context.caller.cache_control.write else None
        self._key = context.key
        self._meant = context.meant
        self._ticket: Ticket | None = None
        self._started = time.perf_counter()
        self.request = context.request
        self.route = context.route
        self.options = context.options
        self.fitted = context.fitted
        self.pauses_end_at = context.ends_at
        """When the caller that began the call stops waiting: no pause between two attempts goes beyond it. The call
        itself ends with its last reader."""
        self.ends_at: float | None = None
        self.log: list[Attempt] = []
        self.routed: Routed[Any] | None = None
        self.aggregate: Aggregate | None = None
        self.outcome: Outcome[R] | None = None

    # --- what its task does ---

    async def run(self, outlet: Outlet[Piece]) -> None:
        try:
            await self._kind.ask(self, outlet)
        finally:
            if self._ticket is not None:
                self._ticket.release()

    def entered(self, attempt: Attempt) -> None:
        """Notes an attempt as it begins. The call's place moves with it, to the provider that is asked now.

        Raises:
            ProviderSaturated: all places there are taken.
        """
        self.log.append(attempt)
        provider, ticket = attempt.model.provider, self._ticket
        if ticket is None or ticket.provider != provider:
            if ticket is not None:
                ticket.release()
                self._ticket = None
            self._ticket = self._admission.dispatch(provider)

    async def after(self) -> None:
        """Writes the cache entry, for an answer of the model that was meant: a fallback's would outlive the outage."""
        outcome, keeping, key = self.outcome, self._keeping, self._key
        if outcome is None or keeping is None or key is None or not outcome.keepable or self._meant is None:
            return
        if outcome.model.name == self._meant.name:
            await keeping.put(key, self._kind.encode_entry(outcome), self._kind.labels(self, outcome.model))

    # --- what its readers may ask ---

    def elapsed_ms(self) -> float:
        """How long the call has taken by now."""
        return (time.perf_counter() - self._started) * 1000

    @property
    def model(self) -> Model | None:
        """The model that answers, or None while that is open."""
        return self.routed.model if self.routed is not None else None

    def limit(self) -> None:
        """Sets `ends_at`: the total time that the model allows, counted from the attempt's beginning."""
        if self.model is not None:
            asked_for = time.monotonic() - self.log[-1].began if self.log else 0.0
            self.ends_at = asyncio.get_running_loop().time() + max(0.0, self.model.timeouts.total - asked_for)

    def spent(self) -> tuple[Usage | None, Cost]:
        """Returns what the call has used: its outcome's figures, or an estimate of what came so far."""
        if self.outcome is not None:
            return self.outcome.usage, self.outcome.cost
        return self._kind.spent(self) if self.model is not None else (None, UNKNOWN)

    def attempts(self, now: float) -> tuple[record.Attempt, ...]:
        """Returns all attempts so far; `now` is in seconds since 1970."""
        if not self.log:
            return ()
        clock = time.monotonic()
        tokens = self._tokens()
        return tuple(
            [
                record.Attempt(
                    deployment=attempt.model.deployment,
                    started_at=now - (clock - attempt.began),
                    duration_ms=((attempt.ended or clock) - attempt.began) * 1000,
                    outcome=attempt.outcome,
                    error_code=attempt.error_code,
                    tokens=tokens.get(number),
                )
                for number, attempt in enumerate(self.log)
            ]
        )

    def _tokens(self) -> dict[int, int]:
        """Returns the tokens of each attempt that began to answer, by its number."""
        usage, _ = self.spent()
        if usage is None or self.routed is None:
            return {}
        if len(self.log) == 1:
            return {0: usage.total_tokens}
        before = [segment.usage.total_tokens for segment in self.routed.broken]
        used = [*before, usage.total_tokens - sum(before)]
        return dict(zip((number for number, attempt in enumerate(self.log) if attempt.answered), used, strict=False))
