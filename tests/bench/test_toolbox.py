"""The toolbox's part of the bench: its requests against real servers, and what becomes of its samples."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest
from mcp_toolbox.app import built_in, create_app
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

from bench import tool_calls, toolbox
from bench.client import Run
from bench.load import drive
from bench.spec import MARK, Result, Spec
from bench.stats import Spread
from bench.targets import judge_tools
from bench.tool_calls import Call

WAYS: dict[str, Callable[[int, int], Call]] = {
    "rest": tool_calls.rest,
    "modern": tool_calls.modern,
    "session": tool_calls.session,
}


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_calls_the_tool_many_at_a_time(way: str):
    async with running(create_app(load(ToolboxSettings, {}), built_in())) as url:
        port = int(url.rpartition(":")[2])
        call = await asyncio.to_thread(WAYS[way], port, os.getpid())
        result = await drive(call.spec(connections=4, window_s=0.2))
        assert await asyncio.to_thread(tool_calls.listed, port, "add")
        assert not await asyncio.to_thread(tool_calls.listed, port, "subtract")
    assert result.errors == {}
    assert result.answered > 10
    assert result.cpu_s


async def test_a_tool_that_is_not_there_is_an_error_and_no_figure():
    async with running(create_app(load(ToolboxSettings, {}), built_in())) as url:
        call = tool_calls.modern(int(url.rpartition(":")[2]), os.getpid(), "plain__add")
        result = await drive(call.spec(connections=1, window_s=0.1))
    assert result.answered == 0
    assert result.errors


def test_digits_are_a_number_in_every_place_and_what_is_wanted_stands_before_them():
    body = f'{{"id": 2{MARK}, "a": 1{MARK}}}'
    run = Run(Spec(port=1, path="/", body=body, digits=True, wanted='"result":1'))
    nonce, request = run.request()
    assert nonce.isdigit()
    assert request.count(nonce) == 2
    assert run.judge(200, b'{"result":1' + nonce + b"}", nonce) is None
    assert run.judge(200, b'{"id":2' + nonce + b',"error":{}}', nonce) == "not this request's answer"


def window(*, p50: float, answered: int, errors: dict[str, int] | None = None) -> Result:
    return Result(window_s=1.0, answered=answered, sent=answered, errors=errors or {}, p50_ms=p50, cpu_s=0.5)


def test_what_is_added_is_beyond_the_call_in_process_of_the_same_round():
    figures = toolbox.figures(
        toolbox.REST,
        [
            (window(p50=1.0, answered=900), window(p50=4.0, answered=2500), 0.25),
            (window(p50=2.0, answered=400), window(p50=9.0, answered=1000), 0.5),
            (window(p50=9.0, answered=90, errors={"status 500": 2}), window(p50=9.0, answered=10), 0.5),
        ],
    )
    assert figures.added_ms == Spread(median=1.125, low=0.75, high=1.5, rounds=2)
    assert figures.per_second_16 == Spread(median=1750.0, low=1000.0, high=2500.0, rounds=2)
    assert (figures.bad_rounds, figures.errors) == (1, {"status 500": 2})
    rate, added = judge_tools([figures])
    assert (rate.met, added.met) == (False, True)


def test_only_the_toolbox_over_rest_has_targets():
    figures = toolbox.figures("plain server", [(window(p50=1.0, answered=9), window(p50=1.0, answered=9), 0.1)])
    assert list(judge_tools([figures])) == []


def test_the_call_in_process_is_measured():
    assert 0 < toolbox.in_process_ms() < 5
