"""Refusals: counted by kind, and logged in one line for each kind."""

from __future__ import annotations

import asyncio
import json
from io import StringIO
from typing import Any

from service_kit.background import BackgroundLoops
from service_kit.telemetry.logs import logging_to
from service_kit.telemetry.refusals import Refusals


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_kind_has_one_line_however_many_there_were():
    stream = StringIO()
    with logging_to("small", "INFO", "json", stream):
        refusals = Refusals()
        for number in range(100):
            refusals.count("malformed", f"198.51.100.{number}")
        refusals.count("gave_way", None)
        refusals.flush()
        refusals.flush()
    malformed, gave_way = lines(stream)
    assert (malformed["reason"], malformed["count"], len(malformed["clients"])) == ("malformed", 100, 8)
    assert (gave_way["reason"], gave_way["count"], "clients" in gave_way) == ("gave_way", 1, False)


async def test_they_are_flushed_by_themselves_and_at_the_end_by_a_loop_that_health_shows():
    stream, loops = StringIO(), BackgroundLoops()
    with logging_to("small", "INFO", "json", stream), loops.collecting():
        refusals = Refusals()
        async with refusals.running(0.01), asyncio.timeout(5):
            assert [loop.name for loop in loops.to_health()] == ["refusals"]
            refusals.count("malformed", None)
            while not stream.getvalue():
                await asyncio.sleep(0.005)
        async with refusals.running(60):
            refusals.count("malformed", None)
    assert len(lines(stream)) == 2
