"""Records reach every sink, in order and behind the answers, whatever a sink does with them."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from llm_gateway.canonical import Usage
from llm_gateway.routing.breakers import Breakers
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.log import CallLog
from llm_gateway.telemetry.metrics import Metrics
from llm_gateway.telemetry.record import CallRecord
from service_kit.telemetry.logs import logging_to

from tests.llm_gateway.telemetry.test_metrics import call


class Sink:
    """Keeps the ids of records, and a mark for the end of each batch; `refuses` says what it raises on."""

    def __init__(self, refuses: Callable[[CallRecord], bool] = lambda record: False) -> None:
        self.seen: list[str] = []
        self._refuses = refuses

    def observe(self, record: CallRecord) -> None:
        if self._refuses(record):
            raise ValueError("a sink of somebody else's")
        self.seen.append(record.request_id)

    def flush(self) -> None:
        self.seen.append("|")


class NeverFlushed(Sink):
    def flush(self) -> None:
        raise OSError("no space left")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_sinks_are_told_behind_the_answer_and_in_order():
    one, other = Sink(), Sink()
    dispatcher = RecordDispatcher([one, other])
    async with dispatcher.running():
        for number in range(3):
            dispatcher(call(request_id=str(number)))
        assert one.seen == []
        await until(lambda: "2" in one.seen)
        assert one.seen[:4] == other.seen[:4] == ["0", "1", "2", "|"]


async def test_what_is_left_is_told_at_the_end():
    sink = Sink()
    dispatcher = RecordDispatcher([sink])
    async with dispatcher.running():
        dispatcher(call())
    assert sink.seen == ["r", "|"]


@pytest.mark.parametrize("broken", [Sink(lambda record: record.request_id == "bad"), NeverFlushed()])
async def test_a_sink_that_raises_costs_nobody_else_a_record(broken: Sink):
    sound = Sink()
    dispatcher = RecordDispatcher([broken, sound])
    async with dispatcher.running():
        for name in ("a", "bad", "b"):
            dispatcher(call(request_id=name))
        await until(lambda: "b" in sound.seen)
        dispatcher(call(request_id="later"))
        await until(lambda: "later" in sound.seen)
    assert [name for name in sound.seen if name != "|"] == ["a", "bad", "b", "later"]
    assert {"a", "b", "later"} <= set(broken.seen)
    assert dispatcher.failures[type(broken).__name__] >= 1 and dispatcher.troubled


async def test_a_sink_that_always_raises_fills_no_log():
    stream = io.StringIO()
    with logging_to("llm-gateway", "INFO", "json", stream):
        dispatcher = RecordDispatcher([Sink(lambda record: True)])
        for _ in range(100):
            dispatcher(call())
        dispatcher.flush()
    assert dispatcher.failures["Sink"] == 100
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["failures"] for line in lines] == [1, 2, 4, 8, 16, 32, 64]


def test_the_queue_is_bounded_and_what_it_drops_is_counted():
    sink, metrics = Sink(), Metrics(Breakers().providers)
    dispatcher = RecordDispatcher([sink], capacity=3)
    metrics.watch(dispatcher)
    assert not dispatcher.troubled
    for number in range(5):
        dispatcher(call(request_id=str(number)))
    assert (dispatcher.queued, dispatcher.dropped) == (3, 2) and dispatcher.troubled
    dispatcher.flush()
    assert sink.seen == ["0", "1", "2", "|"]
    assert metrics.registry.get_sample_value("mcp_records_dropped_total") == 2


def test_trouble_is_forgotten_after_a_minute():
    now = 0.0
    dispatcher = RecordDispatcher([], capacity=0, clock=lambda: now)
    dispatcher(call())
    now = 59.0
    assert dispatcher.troubled
    now = 60.0
    assert not dispatcher.troubled


@pytest.mark.parametrize(
    "odd",
    [
        {"usage": Usage(prompt_tokens=-1, completion_tokens=-1)},
        {"cost_usd": Decimal("-0.5")},
        {"usage": Usage(prompt_tokens=10**30)},
        {"usage": Usage(cached_tokens=-7, prompt_tokens=3)},
    ],
)
async def test_figures_that_cannot_be_end_no_counting(odd: dict[str, object]):
    metrics = Metrics(Breakers().providers)
    dispatcher = RecordDispatcher([metrics, CallLog()])
    dispatcher(call(**odd))
    dispatcher(call())
    dispatcher.flush()
    assert not dispatcher.failures
    assert metrics.summary()["total_requests"] == 2 and metrics.summary()["total_cost_usd"] >= 0.01
    metrics.exposition("")
