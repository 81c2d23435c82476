"""The access log: a request pays for an append; lines are written in batches."""

from __future__ import annotations

import asyncio
import json
from io import StringIO

from service_kit.telemetry.access_log import Access, AccessLog, line_of
from service_kit.telemetry.logs import logging_to

from tests.service_kit.harness import staged

ONE = Access("GET", "/who", 200, 1_700_000_000.0, 1.23456, "key_1", "r-1", "198.51.100.7")


def test_the_fields_that_operators_search_by():
    assert dict(line_of(ONE).fields) == {
        "requestId": "r-1", "method": "GET", "path": "/who", "status": 200, "processingTime": 1.23, "userId": "key_1",
        "client": "198.51.100.7",
    }  # fmt: skip


def test_nothing_is_written_before_a_flush_and_nothing_twice():
    stream = StringIO()
    with logging_to("small", "INFO", "json", stream):
        log = AccessLog()
        log.observe(ONE)
        log.observe(ONE)
        log.flush()
        log.flush()
        log.observe(ONE)
    assert len(stream.getvalue().splitlines()) == 2


async def test_it_is_flushed_by_itself_and_at_the_end():
    stream = StringIO()
    with logging_to("small", "INFO", "json", stream):
        log = AccessLog()
        async with log.running(0.01):
            log.observe(ONE)
            while not stream.getvalue():
                await asyncio.sleep(0.005)
        async with log.running(60):
            log.observe(ONE)
    assert len(stream.getvalue().splitlines()) == 2


async def test_each_request_but_the_machines_has_its_line():
    async with staged(unlogged_paths=frozenset({"/page"})) as stage:
        await stage.http.get("/who", headers={"x-request-id": "r-1"})
        await stage.http.get("/healthz")
        await stage.http.get("/page")
        await stage.http.get("/nothing?secret=hunter2")
        await stage.http.get("/who", headers={"host": "evil.example"})
        lines = await stage.lines(3)
    assert [(line["path"], line["status"]) for line in lines] == [("/who", 200), ("/nothing", 404), ("/who", 421)]
    assert lines[0]["requestId"] == "r-1"
    assert lines[0]["processingTime"] > 0
    assert "hunter2" not in json.dumps(lines)


async def test_a_stop_loses_no_line():
    async with staged() as stage:
        await stage.http.get("/who")
        written = stage.written
    assert written.getvalue().count('"message":"request"') == 1
