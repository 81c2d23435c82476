"""The one line that each run writes."""

import asyncio

import pytest
from agent_core.testing import Answer, Refusal, call
from agent_core.threads.threads import MAX_WAITING
from service_kit.errors import ApiError
from structlog.testing import capture_logs

from tests.waiting import eventually

SUM = Answer(calls=(call("add", {"a": 10, "b": 5}),))


def lines_of(logs: list) -> list[dict]:
    return [line for line in logs if line["event"].startswith("run")]


async def test_a_run_is_one_line_with_what_it_cost(stage):
    stage.gateway.then(SUM, Answer("15", model="gpt-4o", provider="openai", fallback_from="offline"))
    with capture_logs() as logs:
        await stage.ask("suma 10 y 5", thread_id="t", user="ana", request_id="req-1")
    (line,) = lines_of(logs)
    assert line.pop("processingTime") > 0
    assert line == {
        "event": "run",
        "log_level": "info",
        "requestId": "req-1",
        "runId": "run_1",
        "userId": "ana",
        "sessionId": "t",
        "status": "done",
        "model": "gpt-4o",
        "provider": "openai",
        "fallbackFrom": "offline",
        "tokensUsed": 30,
        "costUsd": 0.002,
        "toolCalls": 1,
        "steps": 5,
        "cached": False,
    }


async def test_a_failed_run_says_why_and_what_it_has_cost_so_far(stage):
    stage.gateway.then(SUM, Refusal(502, "upstream_error"))
    with capture_logs() as logs, pytest.raises(ApiError):
        await stage.ask("suma 10 y 5")
    (line,) = lines_of(logs)
    assert (line["event"], line["log_level"], line["status"]) == ("run failed", "warning", "failed")
    assert (line["error"], line["tokensUsed"], line["toolCalls"]) == ("upstream_error", 15, 1)


async def test_an_unknown_cost_is_left_out(stage):
    stage.gateway.then(Answer("hola", cost_usd=None))
    with capture_logs() as logs:
        await stage.ask("hola")
    assert "costUsd" not in lines_of(logs)[0]


async def test_a_stopped_run_is_a_line_too(stage):
    stage.gateway.then(Answer("uno dos", stall=30))
    with capture_logs() as logs:
        run = asyncio.create_task(stage.ask("cuenta", model="offline"))
        async with asyncio.timeout(20):
            while stage.told()[-1:] != ["token"]:
                await asyncio.sleep(0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    (line,) = lines_of(logs)
    assert (line["event"], line["status"], line["model"]) == ("run cancelled", "cancelled", "offline")


async def test_a_run_that_fails_before_any_model_was_asked_has_its_line(stage):
    stage.gateway.brain = lambda request: Answer("x", stall=60)
    with capture_logs() as logs:
        runs = [asyncio.create_task(stage.ask("hola", thread_id="t")) for _ in range(MAX_WAITING + 1)]
        await eventually(lambda: stage.told().count("queued") == MAX_WAITING and stage.gateway.requests)
        with pytest.raises(ApiError):
            await stage.ask("hola", thread_id="t")
        for run in runs:
            run.cancel()
        await asyncio.wait(runs)
    assert len(stage.gateway.requests) == 1
    (line,) = [line for line in lines_of(logs) if line["status"] == "failed"]
    assert line["error"] == "thread_busy"


async def test_a_refused_run_names_the_model_that_was_meant(stage):
    stage.gateway.then(Refusal(404, "model_not_found"))
    with capture_logs() as logs, pytest.raises(ApiError):
        await stage.ask("usa gemini, multiplica 7 por 8")
    (line,) = lines_of(logs)
    assert (line["model"], line["error"]) == ("gemini-pro", "model_not_found")
