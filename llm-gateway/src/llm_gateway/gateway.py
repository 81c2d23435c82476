"""The pipeline: admit, look up, route, call, price, observe, keep. It knows no dialect and no provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from service_kit.errors import ApiError

from llm_gateway.aggregate import Aggregate, events_of
from llm_gateway.answer import Answer, CacheStatus, Origin
from llm_gateway.cache.flight import Flight, Flights
from llm_gateway.calls import Caller
from llm_gateway.catalog import Model
from llm_gateway.errors import UpstreamProtocol
from llm_gateway.journey import Journey, Waist
from llm_gateway.routing import Routed, within
from llm_gateway.types import Event, Request

_Piece = Model | list[Event] | Answer
"""What the followers of a stream get: who speaks, what they say, and at the end all of it."""

_UNREAD = Request(model="", messages=())


class Gateway:
    """One API over every provider."""

    def __init__(self, waist: Waist) -> None:
        self._waist = waist
        self._answers: Flights[Answer] = Flights()
        self._streams: Flights[_Piece] = Flights()

    def refused(self, error: ApiError, caller: Caller) -> None:
        """Record a request that could not even be read."""
        Journey(self._waist, _UNREAD, caller).failed(error)

    async def generate(self, request: Request, caller: Caller) -> Answer:
        """The whole answer to `request`.

        Raises:
            ModelNotFound, ProviderNotConfigured, InvalidRequest: nobody was asked.
            UpstreamError: nobody who was asked answered.
        """
        journey = Journey(self._waist, request, caller)
        try:
            answering = self._generate(journey)
            return journey.arrived(await (answering if journey.ends_at is None else journey.in_time(answering)))
        except (ApiError, asyncio.CancelledError) as error:
            journey.failed(error)
            raise

    async def _generate(self, journey: Journey) -> Answer:
        kept = await journey.look_up()
        if kept is not None:
            return journey.from_cache(kept)
        key = journey.flight_key
        flight = self._answers.find(key) if key else None
        if flight is not None:
            async for answer in flight.follow():
                return journey.shared(answer)
        if key is None or journey.ends_at is not None:  # nobody shares a call that ends before it is done
            answer = await journey.ask()
            await journey.keep(answer)
            return answer
        flight = journey.start(self._answers, key)
        try:
            answer = await journey.ask()
        except BaseException as error:
            self._answers.land(key, flight, _for_followers(error))
            raise
        await journey.keep(answer)
        flight.publish(answer)
        self._answers.land(key, flight)
        return answer

    async def stream(self, request: Request, caller: Caller) -> LiveStream:
        """The answer as a stream; it is returned once somebody has begun to speak. Raises as `generate`."""
        journey = Journey(self._waist, request, caller)
        try:
            return await journey.in_time(self._stream(journey))
        except (ApiError, asyncio.CancelledError) as error:
            journey.failed(error)
            raise

    async def _stream(self, journey: Journey) -> LiveStream:
        kept = await journey.look_up()
        if kept is not None:
            answer = journey.from_cache(kept)
            return LiveStream(answer.origin, "hit", journey, _replayed(answer))
        key = journey.flight_key
        flight = self._streams.find(key) if key else None
        if flight is not None:
            return await self._follow(journey, flight)
        flight = journey.start(self._streams, key) if key and journey.ends_at is None else None
        try:
            answered = await journey.listen()
        except BaseException as error:
            if key and flight:
                self._streams.land(key, flight, _for_followers(error))
            raise
        if flight:
            flight.publish(answered.model)
        cache: CacheStatus = "miss" if key else "bypass"
        return LiveStream(journey.origin(answered.model), cache, journey, self._lead(journey, answered, flight))

    async def _lead(
        self,
        journey: Journey,
        answered: Routed[AsyncIterator[list[Event]]],
        flight: Flight[_Piece] | None,
    ) -> AsyncIterator[list[Event] | Answer]:
        """The upstream's events, then the answer; followers get the same."""
        aggregate = journey.aggregate = Aggregate()
        key = journey.flight_key
        events = answered.value if journey.ends_at is None else within(answered.value, journey.ends_at)
        try:
            async with aclosing(cast("AsyncGenerator[list[Event]]", events)) as upstream:
                async for batch in upstream:
                    aggregate.feed(batch)
                    if flight:
                        flight.publish(batch)
                    yield batch
            answer = journey.answer(aggregate.result(), answered.model, "miss" if key else "bypass")
            await journey.keep(answer)
            if key and flight:
                flight.publish(answer)
                self._streams.land(key, flight)
            yield answer
        except BaseException as error:
            if key and flight:
                self._streams.land(key, flight, _for_followers(error))
            raise

    async def _follow(self, journey: Journey, flight: Flight[_Piece]) -> LiveStream:
        """A stream that shares somebody else's, from its first event."""
        followed = flight.follow()
        if journey.ends_at is not None:
            followed = within(followed, journey.ends_at)
        pieces = cast("AsyncGenerator[_Piece]", followed)
        model = cast("Model", await anext(pieces))
        journey.following(model)

        async def shared() -> AsyncIterator[list[Event] | Answer]:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield journey.shared(piece) if isinstance(piece, Answer) else cast("list[Event]", piece)

        return LiveStream(journey.origin(model), "coalesced", journey, shared())


class LiveStream:
    """A stream that has begun. Iterate `batches()`; afterwards `answer` is set."""

    def __init__(
        self,
        origin: Origin,
        cache: CacheStatus,
        journey: Journey,
        pieces: AsyncIterator[list[Event] | Answer],
    ) -> None:
        self.origin = origin
        self.cache: CacheStatus = cache
        self.overhead_ms = journey.elapsed_ms() - journey.upstream_ms
        self.dropped = journey.dropped
        self.answer: Answer | None = None
        self._journey = journey
        self._pieces = pieces

    async def batches(self) -> AsyncIterator[list[Event]]:
        """Lists of events, one for each piece that arrived.

        Raises:
            UpstreamError: the stream broke; what came so far is not a whole answer.
        """
        try:
            async with aclosing(cast("AsyncGenerator[list[Event] | Answer]", self._pieces)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Answer):
                        self.answer = self._journey.arrived(piece)
                    else:
                        self._journey.spoke()
                        yield piece
            if self.answer is None:
                raise UpstreamProtocol("a stream without an end", code="upstream_stream_cut")
        except (ApiError, asyncio.CancelledError, GeneratorExit) as error:
            if self.answer is None:
                self._journey.failed(error)
            raise


def _for_followers(error: BaseException) -> BaseException:
    """What those who share a call are told: not that they were cancelled, which they were not."""
    if isinstance(error, ApiError):
        return error
    return UpstreamProtocol("the shared call was given up")


async def _replayed(answer: Answer) -> AsyncIterator[list[Event] | Answer]:
    yield list(events_of(answer.result))
    yield answer
