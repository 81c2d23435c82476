"""The shared call as a state machine: hypothesis plays readers and producer in any order, against a plain model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule
from llm_gateway.pipeline.shared_calls import (
    BufferLimits,
    CallState,
    Position,
    ReaderBehind,
    SharedCall,
    Signal,
)

CAPACITY, AHEAD = 100, 30


class Broken(Exception):
    pass


class SharedCallMachine(RuleBasedStateMachine):
    """`said` is all that was published; each reader must get exactly that, from the first piece, or be told why not."""

    readers = Bundle("readers")

    def __init__(self) -> None:
        super().__init__()
        self.call: SharedCall[int] = SharedCall(BufferLimits(CAPACITY, AHEAD))
        self.said: list[tuple[int, int]] = []
        self.got: dict[Position, int] = {}
        self.lost: set[Position] = set()
        self.furthest = 0
        self.error: Broken | None = None

    def weight(self, pieces: int) -> int:
        return sum(weight for _, weight in self.said[:pieces])

    @precondition(lambda self: self.call.joinable)
    @rule(target=readers)
    def attach(self) -> Position:
        position = self.call.attach()
        self.got[position] = 0
        return position

    @precondition(lambda self: not self.call.joinable)
    @rule()
    def attach_too_late(self) -> None:
        with pytest.raises(ValueError):
            self.call.attach()

    @precondition(lambda self: self.call.state is CallState.RUNNING and self.call.has_room)
    @rule(weight=st.integers(0, 60))
    def publish(self, weight: int) -> None:
        placed = [position for position in self.got if position.attached]
        self.call.publish(len(self.said), weight)
        self.said.append((len(self.said), weight))
        if placed:
            furthest = max(self.got[position] for position in placed)
            assert all(position.attached for position in placed if self.got[position] == furthest)

    @rule(position=readers)
    def read(self, position: Position) -> None:
        try:
            piece = self.call.read(position)
        except ReaderBehind:
            assert self.furthest > self.got[position], "another reader had read further; it may have left since"
            self.lost.add(position)
            return
        except Broken as error:
            assert error is self.error and self.got[position] == len(self.said)
            return
        if isinstance(piece, Signal):
            assert self.got[position] == len(self.said), "a reader that is not at the end is given a piece"
            assert (piece is Signal.NOTHING_YET) == (self.call.state is CallState.RUNNING)
        else:
            assert piece == self.got[position]
            self.got[position] += 1
            self.furthest = max(self.furthest, self.got[position])

    @rule(position=consumes(readers))
    def detach(self, position: Position) -> None:
        running = self.call.state is CallState.RUNNING
        self.call.detach(position)
        self.call.detach(position)
        del self.got[position]
        if running:
            assert (self.call.state is CallState.ABANDONED) == (self.call.readers == 0)

    @precondition(lambda self: self.got)
    @rule()
    def finish(self) -> None:
        before = self.call.state
        self.call.finish()
        assert self.call.state is (CallState.FINISHED if before is CallState.RUNNING else before)

    @precondition(lambda self: self.got)
    @rule()
    def fail(self) -> None:
        before, error = self.call.state, Broken()
        self.call.fail(error)
        if before is CallState.RUNNING:
            self.error = error
        assert self.call.state is (CallState.FAILED if before is CallState.RUNNING else before)

    @rule()
    def publish_after_the_end(self) -> None:
        if self.call.state is not CallState.RUNNING:
            self.call.publish(-1, 1)

    @invariant()
    def the_producer_stops_in_front_of_the_fastest(self) -> None:
        attached = [self.got[position] for position in self.got if position.attached]
        if attached and self.call.state is CallState.RUNNING:
            ahead = self.weight(len(self.said)) - self.weight(max(attached))
            assert self.call.has_room == (ahead < AHEAD)

    @invariant()
    def the_buffer_is_bounded(self) -> None:
        held = sum(weight for _, weight in self.call._pieces)  # pyright: ignore[reportPrivateUsage]
        assert held <= CAPACITY + AHEAD + 60


TestSharedCall = SharedCallMachine.TestCase
TestSharedCall.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def call(capacity: int = CAPACITY, ahead: int = AHEAD) -> SharedCall[str]:
    return SharedCall(BufferLimits(capacity, ahead))


def test_a_slow_reader_loses_its_place_and_the_fast_one_does_not_notice():
    shared = call()
    slow, fast = shared.attach(), shared.attach()
    got = []
    for number in range(20):
        assert shared.has_room
        shared.publish(str(number), 20)
        got.append(shared.read(fast))
    assert got == [str(number) for number in range(20)]
    with pytest.raises(ReaderBehind):
        shared.read(slow)
    assert shared.readers == 1 and shared.state is CallState.RUNNING
    shared.detach(slow)
    assert shared.state is CallState.RUNNING, "whose place is lost already does not count as the last one to go"


def test_the_producer_waits_for_a_lone_reader_however_slow():
    shared = call()
    reader = shared.attach()
    shared.publish("a", 29)
    assert shared.has_room
    shared.publish("b", 1)
    assert not shared.has_room
    assert shared.read(reader) == "a" and shared.has_room


def test_a_piece_that_is_heavier_than_the_buffer_is_read_all_the_same():
    shared = call()
    reader = shared.attach()
    shared.publish("heavy", 10 * CAPACITY)
    shared.publish("light", 1)
    assert [shared.read(reader), shared.read(reader)] == ["heavy", "light"]


def test_a_call_whose_beginning_is_gone_is_not_joined():
    shared = call()
    reader = shared.attach()
    for _ in range(10):
        shared.publish("x", 20)
        shared.read(reader)
    assert not shared.joinable


def test_a_finished_call_is_joined_from_its_first_piece():
    shared = call()
    first = shared.attach()
    shared.publish("x", 1)
    shared.finish()
    shared.detach(first)
    assert shared.state is CallState.FINISHED
    late = shared.attach()
    assert [shared.read(late), shared.read(late)] == ["x", Signal.END]
