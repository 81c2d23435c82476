from __future__ import annotations

import asyncio

import pytest
from llm_gateway.cache.flight import Flight, Flights


class Abandoned:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


async def collect(flight: Flight[int]) -> list[int]:
    return [piece async for piece in flight.follow()]


async def test_followers_get_every_piece_from_the_first():
    flight: Flight[int] = Flight(Abandoned())
    flight.publish(1)
    early = asyncio.create_task(collect(flight))
    await asyncio.sleep(0)
    flight.publish(2)
    await asyncio.sleep(0)
    late = asyncio.create_task(collect(flight))
    await asyncio.sleep(0)
    flight.publish(3)
    flight.end()
    assert await early == await late == await collect(flight) == [1, 2, 3]


async def test_followers_get_the_failure_after_the_pieces():
    flight: Flight[int] = Flight(Abandoned())
    flight.publish(1)
    flight.end(ValueError("broken"))
    got: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        async for piece in flight.follow():
            got.append(piece)
    assert got == [1]


async def test_it_is_abandoned_when_the_last_one_leaves():
    abandoned = Abandoned()
    flight: Flight[int] = Flight(abandoned)
    followers = [asyncio.create_task(collect(flight)) for _ in range(2)]
    await asyncio.sleep(0)
    flight.starter_leaves()
    followers[0].cancel()
    await asyncio.wait([followers[0]])
    assert abandoned.times == 0
    followers[1].cancel()
    await asyncio.wait([followers[1]])
    assert abandoned.times == 1


async def test_followers_may_go_while_the_starter_stays():
    abandoned = Abandoned()
    flight: Flight[int] = Flight(abandoned)
    follower = asyncio.create_task(collect(flight))
    await asyncio.sleep(0)
    follower.cancel()
    await asyncio.wait([follower])
    assert abandoned.times == 0
    flight.starter_leaves()
    assert abandoned.times == 1


async def test_what_has_ended_cannot_be_abandoned():
    abandoned = Abandoned()
    flight: Flight[int] = Flight(abandoned)
    flight.end()
    flight.starter_leaves()
    assert abandoned.times == 0


async def test_a_landed_flight_is_found_no_more():
    flights: Flights[int] = Flights()
    first = flights.start(b"k", lambda: None)
    assert flights.find(b"k") is first and flights.find(b"other") is None
    second = flights.start(b"k", lambda: None)
    flights.land(b"k", first)
    assert flights.find(b"k") is second, "an old flight must not take a new one off the board"
    flights.land(b"k", second)
    assert flights.find(b"k") is None
