"""The access log: a request pays for an append; lines are written in batches."""

from __future__ import annotations

import json
from io import StringIO

import httpx
import pytest
from service_kit.telemetry.access_log import Access, AccessLog, line_of
from service_kit.telemetry.logs import logging_to
from service_kit.testing import running

from tests.service_kit.harness import small_service, staged
from tests.waiting import eventually

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
            await eventually(stream.getvalue)
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


async def test_what_is_asked_by_itself_has_a_line_only_when_it_fails():
    keys = {"AUTH_MODE": "keys", "API_KEYS": "sk-right-0123456789abcdef"}
    right = {"x-api-key": "sk-right-0123456789abcdef"}
    async with staged(keys, unlogged_paths=frozenset({"/page"}), quiet_paths=frozenset({"/who", "/refused"})) as stage:
        await stage.http.get("/who", headers=right)
        await stage.http.get("/page", headers=right)
        await stage.http.get("/refused", headers=right)
        await stage.http.get("/page")  # which never reached what would have logged it
        lines = await stage.lines(2)
    assert [(line["path"], line["status"]) for line in lines] == [("/refused", 429), ("/page", 401)]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        ([], "203.0.113.9, 198.51.100.7", "127.0.0.1"),
        (["127.0.0.1"], "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (["127.0.0.1", "198.51.100.7"], "203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (["127.0.0.1"], "a" * 5000, "a" * 64),
    ],
)
async def test_the_address_is_what_a_trusted_proxy_says(proxies: list[str], forwarded: str, client: str):
    app, written = small_service({}), StringIO()
    with logging_to("small", "INFO", "json", written):
        options = {"proxy_headers": bool(proxies), "forwarded_allow_ips": proxies}
        async with running(app, http="httptools", **options) as url, httpx.AsyncClient(base_url=url) as http:
            await http.get("/who", headers={"x-forwarded-for": forwarded})
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["client"] for line in lines if line["message"] == "request"] == [client]
