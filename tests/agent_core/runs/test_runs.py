"""Channels and their runs: one at a time, a bounded queue, one last event each, whoever listens."""

import asyncio

import pytest
from agent_core.agent import RunRequest
from agent_core.events import Complete, Start, Token, parse_event
from agent_core.runs.errors import NotOwner, NotRunning, QueueFull, RunNotFound, ServiceStopping, TooManyChannels
from agent_core.runs.event_log import MemoryEventLog
from agent_core.runs.runs import Runs
from service_kit.errors import ApiError

from tests.waiting import eventually


class Gate:
    """A runner whose runs wait for `open`, unless the question says what else to do."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.started: list[str] = []
        self.stubborn_until = asyncio.Event()

    async def run(self, request: RunRequest, emit):
        self.started.append(request.run_id)
        emit(Start(run_id=request.run_id, message="go"))
        match request.input:
            case "api error":
                raise ApiError(503, "llm_gateway_unavailable", "away", retry_after=2.0)
            case "fault":
                raise ZeroDivisionError("secret detail")
            case "says nothing":
                return
            case "stubborn":
                while not self.stubborn_until.is_set():
                    try:
                        await self.stubborn_until.wait()
                    except asyncio.CancelledError:
                        emit(Token(run_id=request.run_id, content="no!"))
                emit(Token(run_id=request.run_id, content="late"))
            case "completes, then waits":
                emit(Complete(run_id=request.run_id, steps=1))
                await self.open.wait()
                emit(Token(run_id=request.run_id, content="after the end"))
                return
        await self.open.wait()
        emit(Complete(run_id=request.run_id, steps=1))


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def runs_of(gate):
    def make(**bounds):
        return Runs(gate, MemoryEventLog(), **{"stop_seconds": 0.05, **bounds})

    return make


@pytest.fixture
def runs(runs_of):
    return runs_of()


def ask(run_id: str, text: str = "?") -> RunRequest:
    return RunRequest(input=text, thread_id="t", run_id=run_id, language="en")


def told(channel) -> list[tuple[str, str | None]]:
    return [(event.type, event.run_id) for event in events(channel)]


def events(channel) -> list:
    return [parse_event(entry.text) for entry in channel.after(0, 10_000)]


async def settled(channel) -> None:
    await eventually(lambda: not channel.running)


async def moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_run_starts_at_once_and_ends_without_anyone_following(runs, gate):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1"))
    await moment()
    assert channel.running and channel.run_id == "1"
    gate.open.set()
    await settled(channel)
    assert told(channel) == [("start", "1"), ("complete", "1")]
    assert channel.run_id == "1"


async def test_the_second_message_is_queued_says_so_and_runs_after_the_first(runs, gate):
    channel = runs.channel("c", "me", "en")
    for run_id in "123":
        runs.submit(channel, ask(run_id))
    await moment()
    assert gate.started == ["1"]
    assert [(e.run_id, e.position) for e in events(channel) if e.type == "queued"] == [("2", 1), ("3", 2)]
    gate.open.set()
    await settled(channel)
    assert gate.started == ["1", "2", "3"]
    assert [run for kind, run in told(channel) if kind == "complete"] == ["1", "2", "3"]


async def test_two_channels_do_not_wait_for_each_other(runs, gate):
    for name in "ab":
        runs.submit(runs.channel(name, "me", "en"), ask(name))
    await moment()
    assert gate.started == ["a", "b"]


async def test_past_the_queue_limit_a_message_is_refused_and_nothing_is_told(runs_of):
    runs = runs_of(queue_limit=1)
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1"))
    runs.submit(channel, ask("2"))
    before = channel.last_seq
    with pytest.raises(QueueFull) as refused:
        runs.submit(channel, ask("3"))
    assert (refused.value.status, refused.value.code) == (429, "queue_full")
    assert channel.last_seq == before


async def test_a_queue_of_none_still_runs_one(runs_of, gate):
    runs = runs_of(queue_limit=0)
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1"))
    with pytest.raises(QueueFull):
        runs.submit(channel, ask("2"))
    gate.open.set()
    await settled(channel)
    runs.submit(channel, ask("3"))
    await settled(channel)
    assert gate.started == ["1", "3"]


@pytest.mark.parametrize("named", [None, "1"])
async def test_cancel_stops_the_run_and_the_next_one_starts(runs, gate, named):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1"))
    runs.submit(channel, ask("2"))
    await moment()
    channel.cancel(named, "en")
    channel.cancel(named, "en")
    await moment()
    gate.open.set()
    await settled(channel)
    assert [kind for kind, run in told(channel) if run == "1"] == ["start", "cancelled"]
    assert [kind for kind, run in told(channel) if run == "2"] == ["queued", "start", "complete"]


async def test_cancel_before_the_run_took_its_first_step(runs, gate):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1"))
    channel.cancel(None, "en")
    await settled(channel)
    assert told(channel) == [("cancelled", "1")]
    assert gate.started == []


async def test_a_queued_run_can_be_cancelled_by_name(runs, gate):
    channel = runs.channel("c", "me", "en")
    for run_id in "123":
        runs.submit(channel, ask(run_id))
    channel.cancel("2", "en")
    gate.open.set()
    await settled(channel)
    assert gate.started == ["1", "3"]
    assert [kind for kind, run in told(channel) if run == "2"] == ["queued", "cancelled"]


async def test_there_must_be_something_to_cancel(runs, gate):
    channel = runs.channel("c", "me", "en")
    with pytest.raises(NotRunning):
        channel.cancel(None, "en")
    runs.submit(channel, ask("1"))
    with pytest.raises(RunNotFound):
        channel.cancel("other", "en")
    gate.open.set()
    await settled(channel)
    with pytest.raises(RunNotFound):
        channel.cancel("1", "en")


async def test_a_run_that_does_not_let_go_is_left_behind_and_no_longer_heard(runs, gate):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1", "stubborn"))
    runs.submit(channel, ask("2"))
    await moment()
    channel.cancel(None, "en")
    gate.open.set()
    await settled(channel)
    gate.stubborn_until.set()
    await moment()
    assert [kind for kind, run in told(channel) if run == "1"] == ["start", "token", "cancelled"]
    assert [kind for kind, run in told(channel) if run == "2"] == ["queued", "start", "complete"]


async def test_what_the_agent_refuses_is_told_as_it_is(runs):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1", "api error"))
    await settled(channel)
    last = events(channel)[-1]
    assert (last.type, last.code, last.message, last.retry_after) == ("error", "llm_gateway_unavailable", "away", 2.0)


@pytest.mark.parametrize("text", ["fault", "says nothing"])
async def test_a_fault_is_an_error_event_without_detail_and_the_channel_goes_on(runs, gate, text):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1", text))
    await settled(channel)
    last = events(channel)[-1]
    assert (last.type, last.code) == ("error", "internal_error")
    assert "secret" not in last.message
    gate.open.set()
    runs.submit(channel, ask("2"))
    await settled(channel)
    assert told(channel)[-1] == ("complete", "2")


async def test_after_complete_a_run_says_nothing_more_even_when_cancelled(runs, gate):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1", "completes, then waits"))
    await moment()
    channel.cancel(None, "en")
    await settled(channel)
    assert told(channel) == [("start", "1"), ("complete", "1")]


async def test_followers_are_woken_until_they_leave(runs, gate):
    channel = runs.channel("c", "me", "en")
    woken = []
    with channel.follow(lambda: woken.append("a")), channel.follow(lambda: woken.append("b")):
        runs.submit(channel, ask("1"))
        await moment()
        assert sorted(woken) == ["a", "b"]
    gate.open.set()
    await settled(channel)
    assert len(woken) == 2


async def test_a_channel_belongs_to_whoever_opened_it(runs):
    runs.channel("c", "me", "en")
    assert runs.channel("c", "me", "en").owner == "me"
    with pytest.raises(NotOwner):
        runs.channel("c", "you", "en")


async def test_idle_channels_are_forgotten_by_age_and_busy_ones_are_not(runs_of, gate):
    now = [0.0]
    runs = runs_of(idle_seconds=10, clock=lambda: now[0])
    idle, busy, followed = (runs.channel(name, "me", "en") for name in ("idle", "busy", "followed"))
    runs.submit(busy, ask("1"))
    with followed.follow(lambda: None):
        now[0] = 11.0
        assert runs.channel("idle", "you", "en").epoch != idle.epoch
        assert runs.channel("busy", "me", "en") is busy
        assert runs.channel("followed", "me", "en") is followed
    gate.open.set()
    await settled(busy)
    now[0] = 20.0
    assert runs.channel("busy", "me", "en") is busy
    assert runs.channel("followed", "me", "en") is followed
    now[0] = 31.0
    assert runs.channel("busy", "me", "en") is not busy


async def test_the_longest_idle_makes_room_and_a_full_house_of_busy_ones_refuses(runs_of, gate):
    runs = runs_of(max_channels=2)
    first = runs.channel("1", "me", "en")
    second = runs.channel("2", "me", "en")
    runs.submit(first, ask("a"))
    runs.channel("3", "me", "en")
    assert runs.channel("1", "me", "en") is first
    runs.submit(runs.channel("3", "me", "en"), ask("b"))
    with pytest.raises(TooManyChannels):
        runs.channel("4", "me", "en")
    gate.open.set()
    await settled(first)
    assert runs.channel("2", "me", "en") is not second


async def test_an_owner_of_many_channels_pushes_out_its_own(runs_of, gate):
    runs = runs_of(max_channels=3)
    mine = runs.channel("mine", "ana", "en")
    for number in range(10):
        runs.channel(f"bob's {number}", "bob", "en")
    assert runs.channel("mine", "ana", "en") is mine
    hers = runs.channel("hers", "eva", "en")
    runs.channel("bob's last", "bob", "en")
    assert runs.channel("mine", "ana", "en") is mine and runs.channel("hers", "eva", "en") is hers


async def test_an_owner_whose_channels_are_all_busy_shuts_no_other_out(runs_of, gate):
    runs = runs_of(max_channels=4)
    mine = runs.channel("mine", "ana", "en")
    for number in (1, 2, 3):
        runs.submit(runs.channel(f"bob's {number}", "bob", "en"), ask("a"))
    with pytest.raises(TooManyChannels):
        runs.submit(runs.channel("bob's 4", "bob", "en"), ask("a"))
    assert runs.channel("hers", "eva", "en").owner == "eva"
    assert runs.channel("mine", "ana", "en") is mine
    gate.open.set()


async def test_drain_lets_a_run_finish_gives_up_the_queue_and_takes_no_more(runs, gate):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1"))
    runs.submit(channel, ask("2"))
    asyncio.get_running_loop().call_later(0.02, gate.open.set)
    await runs.drain(3.0)
    assert told(channel)[-1] == ("complete", "1")
    ends = {event.run_id: getattr(event, "code", event.type) for event in events(channel)}
    assert ends == {"1": "complete", "2": "service_stopping"}
    with pytest.raises(ServiceStopping):
        runs.submit(channel, ask("3"))


@pytest.mark.parametrize("text", ["?", "stubborn"])
async def test_drain_stops_what_does_not_finish_in_time(runs, gate, text):
    channel = runs.channel("c", "me", "en")
    runs.submit(channel, ask("1", text))
    await moment()
    await asyncio.wait_for(runs.drain(0.01), 8)
    await settled(channel)
    last = events(channel)[-1]
    assert (last.type, last.code, last.run_id) == ("error", "service_stopping", "1")
    gate.stubborn_until.set()
