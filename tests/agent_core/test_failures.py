"""Runs that are stopped, and dependencies that die, stall and come back: clear errors, no hang, no poisoned thread."""

import asyncio
import itertools
import time

import pytest
from agent_core.errors import ToolboxUnavailable
from agent_core.testing import Answer, Raw, call
from service_kit.errors import ApiError

from tests.waiting import eventually

SUM = Answer(calls=(call("add", {"a": 10, "b": 5}),))


async def failure(run) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await run
    return caught.value


async def stop(task: asyncio.Task) -> None:
    task.cancel()
    began = time.perf_counter()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.perf_counter() - began < 12


def assert_no_dangling_calls(messages: list[dict]) -> None:
    """What providers insist on: every call is answered right after it, and roles take turns."""
    for index, message in enumerate(messages):
        for position, asked in enumerate(message.get("tool_calls", ())):
            answer = messages[index + 1 + position]
            assert (answer["role"], answer["tool_call_id"]) == ("tool", asked["id"])
    spoken = [message["role"] for message in messages if message["role"] in ("user", "assistant")]
    assert all(one != other for one, other in itertools.pairwise(spoken) if one == "user")


# --- a run that its user stops ---


async def test_stopped_in_the_middle_of_a_stream_the_model_stops_and_the_thread_goes_on(stage):
    stage.gateway.then(Answer("uno dos tres cuatro cinco", pause=0.2), Answer("sigo"))
    run = asyncio.create_task(stage.ask("cuenta", thread_id="t"))
    await eventually(lambda: stage.told()[-1:] == ["token"])
    await stop(run)
    await eventually(lambda: stage.gateway.abandoned == 1)
    assert stage.told()[-1] == "token"
    assert (await stage.ask("sigue", thread_id="t")).result == "sigo"
    messages = stage.gateway.requests[1]["messages"]
    assert_no_dangling_calls(messages)
    assert messages[2]["content"].startswith("uno") and "interrumpida" in messages[2]["content"]


async def test_stopped_before_the_first_token_the_thread_goes_on(stage):
    stage.gateway.then(Answer(stall=30), Answer("sigo"))
    run = asyncio.create_task(stage.ask("cuenta", thread_id="t", language="en"))
    await eventually(lambda: len(stage.gateway.requests) == 1)
    await stop(run)
    assert (await stage.ask("sigue", thread_id="t")).result == "sigo"
    messages = stage.gateway.requests[1]["messages"]
    assert [message["content"] for message in messages[1:]] == ["cuenta", "[answer interrupted]", "sigue"]


async def test_stopped_in_the_middle_of_a_tool_the_tool_stops_and_its_call_is_closed(stage):
    calls = (call("add", {"a": 1, "b": 2}, id="c1"), call("slow", {"seconds": 30}, id="c2"))
    stage.gateway.then(Answer(calls=calls), Answer("sigo"))
    run = asyncio.create_task(stage.ask("suma y espera", thread_id="t"))
    await eventually(lambda: "tool_result" in stage.told() and stage.toolbox.running_now == 1)
    await stop(run)
    await eventually(lambda: stage.toolbox.stopped == 1)
    assert (await stage.ask("sigue", thread_id="t")).result == "sigo"
    messages = stage.gateway.requests[1]["messages"]
    assert_no_dangling_calls(messages)
    results = {message["tool_call_id"]: message["content"] for message in messages if message["role"] == "tool"}
    assert results["c1"] == "3" and "interrumpió" in results["c2"]


async def test_stopped_while_it_waits_for_its_thread_a_run_leaves_no_trace(stage):
    stage.gateway.then(Answer("uno", stall=0.3), Answer("tres"))
    first = asyncio.create_task(stage.ask("primera", thread_id="t"))
    await eventually(lambda: len(stage.gateway.requests) == 1)
    second = asyncio.create_task(stage.ask("segunda", thread_id="t"))
    await eventually(lambda: "queued" in stage.told())
    await stop(second)
    await first
    await stage.ask("tercera", thread_id="t")
    assert "segunda" not in str(stage.gateway.requests)


async def test_too_many_questions_for_one_thread_are_refused(stage):
    stage.gateway.brain = lambda request: Answer("x", stall=0.2)
    runs = [asyncio.create_task(stage.ask("hola", thread_id="t")) for _ in range(12)]
    results = await asyncio.gather(*runs, return_exceptions=True)
    refused = [error for error in results if isinstance(error, ApiError)]
    assert [(error.status, error.code) for error in refused] == [(429, "thread_busy")] * 3
    assert all(not isinstance(result, Exception) for result in results if result not in refused)


# --- the gateway ---


async def test_a_gateway_that_is_away_is_a_503_and_is_found_again(stage):
    await stage.gateway_wire.cut()
    began = time.perf_counter()
    error = await failure(stage.ask("hola", thread_id="t"))
    assert (error.status, error.code) == (503, "llm_gateway_unavailable")
    assert error.retry_after and time.perf_counter() - began < 8
    assert not (await stage.agent.status()).llm_gateway_connected
    await stage.gateway_wire.mend()
    stage.gateway.then(Answer("hola"))
    assert (await stage.ask("hola", thread_id="t", model="offline")).result == "hola"
    assert len(stage.gateway.requests[0]["messages"]) == 2

    async def found() -> bool:
        return (await stage.agent.status()).llm_gateway_connected

    await eventually(found)


async def test_a_gateway_killed_in_the_middle_of_a_stream_is_a_503(stage):
    stage.gateway.then(Answer("uno dos", stall=30), Answer("hola"))
    run = asyncio.create_task(stage.ask("hola", thread_id="t"))
    await eventually(lambda: stage.told()[-1:] == ["token"])
    await stage.gateway_wire.cut()
    assert (await failure(run)).code == "llm_gateway_unavailable"
    assert "response" not in stage.told() and "complete" not in stage.told()
    await stage.gateway_wire.mend()
    assert (await stage.ask("otra vez", thread_id="t")).result == "hola"


async def test_a_gateway_killed_after_a_tool_ran_leaves_a_thread_that_knows_of_it(stage):
    stage.gateway.then(SUM, Answer("", stall=30), Answer("hola"))
    run = asyncio.create_task(stage.ask("suma 10 y 5", thread_id="t"))
    await eventually(lambda: len(stage.gateway.requests) == 2)
    await stage.gateway_wire.cut()
    await failure(run)
    await stage.gateway_wire.mend()
    await stage.ask("sigue", thread_id="t")
    messages = stage.gateway.requests[2]["messages"]
    assert_no_dangling_calls(messages)
    assert [message["role"] for message in messages[1:]] == ["user", "assistant", "tool", "assistant", "user"]


async def test_a_stream_of_garbage_is_a_502(stage):
    stage.gateway.then(Raw(b"data: {not json\n\n"))
    error = await failure(stage.ask("hola"))
    assert (error.status, error.code) == (502, "llm_gateway_error")


async def test_a_stream_that_never_ends_is_cut_by_its_size(stage):
    stage.gateway.then(Raw(b'data: {"content": "' + b"x" * 100_000 + b'"}\n\n', forever=True))
    error = await failure(stage.ask("hola"))
    assert (error.status, error.code) == (502, "answer_too_large")


# --- the toolbox ---


async def test_a_toolbox_that_is_away_is_a_503_and_is_found_again(stage):
    await stage.agent.status()
    await stage.toolbox_wire.cut()
    status = await stage.agent.status()
    assert (status.mcp_connected, status.mcp_tools) == (False, 0)
    began = time.perf_counter()
    error = await failure(stage.ask("hola"))
    assert (error.status, error.code) == (503, "toolbox_unavailable")
    assert error.retry_after and time.perf_counter() - began < 9
    await stage.toolbox_wire.mend()
    stage.gateway.then(SUM, Answer("15"))
    assert (await stage.ask("suma 10 y 5")).steps[2].tools[0].result == "15"
    assert (await stage.agent.status()).mcp_tools == 4


async def test_a_toolbox_killed_in_the_middle_of_a_call_is_a_503_and_is_found_again(stage):
    stage.gateway.then(Answer(calls=(call("slow", {"seconds": 30}),)), SUM, Answer("15"))
    run = asyncio.create_task(stage.ask("espera", thread_id="t"))
    await eventually(lambda: stage.toolbox.running_now == 1)
    await stage.toolbox_wire.cut()
    began = time.perf_counter()
    assert (await failure(run)).code == "toolbox_unavailable"
    assert time.perf_counter() - began < 12
    await stage.toolbox_wire.mend()
    assert (await stage.ask("suma 10 y 5", thread_id="t")).result == "15"
    assert_no_dangling_calls(stage.gateway.requests[-1]["messages"])


async def test_a_toolbox_that_is_not_there_at_the_start_is_found_later(stage_of):
    async with stage_of() as stage:
        await stage.toolbox_wire.cut()
        assert (await failure(stage.ask("hola"))).code == "toolbox_unavailable"
        await stage.toolbox_wire.mend()
        stage.gateway.then(Answer("hola"))
        assert (await stage.ask("hola")).result == "hola"


async def test_a_silent_toolbox_is_not_waited_for_long(stage_of):
    async with stage_of(TOOL_TIMEOUT_SECONDS="0.5") as stage:
        assert (await stage.agent.status()).mcp_connected
        stage.toolbox_wire.silence()
        stage.gateway.then(SUM, Answer("no pude"))
        began = time.perf_counter()
        assert (await stage.ask("suma 10 y 5")).steps[2].tools[0].is_error
        assert time.perf_counter() - began < 8
        assert not (await stage.agent.status()).mcp_connected
        assert time.perf_counter() - began < 12
        stage.toolbox_wire.speak()
        await stage.toolbox_wire.cut()
        await stage.toolbox_wire.mend()
        stage.gateway.then(SUM, Answer("15"))
        assert (await stage.ask("suma 10 y 5")).result == "15"


async def test_a_slow_tool_is_an_answer_that_says_so(stage_of):
    async with stage_of(TOOL_TIMEOUT_SECONDS="0.3") as stage:
        slow, quick = call("slow", {"seconds": 30}, id="c1"), call("add", {"a": 1, "b": 2}, id="c2")
        stage.gateway.then(Answer(calls=(slow, quick)), Answer("tardó"))
        result = await stage.ask("espera y suma")
        late, summed = result.steps[2].tools
        assert late.is_error and "0.3" in late.result and 250 < late.duration_ms < 9000
        assert (summed.result, summed.is_error) == ("3", False)
        await eventually(lambda: stage.toolbox.stopped == 1)


# --- the deadline ---


@pytest.mark.parametrize("reply", [Answer(stall=30), Answer("a b c d e f g h", pause=0.3)])
async def test_a_slow_model_meets_the_deadline(stage_of, reply):
    async with stage_of(RUN_TIMEOUT_SECONDS="0.5") as stage:
        stage.gateway.then(reply, Answer("hola"))
        began = time.perf_counter()
        error = await failure(stage.ask("hola", thread_id="t"))
        assert (error.status, error.code) == (504, "deadline_exceeded")
        assert time.perf_counter() - began < 8
        await eventually(lambda: stage.gateway.abandoned == 1)
        assert (await stage.ask("hola", thread_id="t")).result == "hola"
        assert_no_dangling_calls(stage.gateway.requests[1]["messages"])


async def test_a_slow_tool_meets_the_deadline(stage_of):
    async with stage_of(RUN_TIMEOUT_SECONDS="0.8") as stage:
        stage.gateway.then(Answer(calls=(call("slow", {"seconds": 30}),)), Answer("hola"))
        assert (await failure(stage.ask("espera", thread_id="t"))).code == "deadline_exceeded"
        await eventually(lambda: stage.toolbox.stopped == 1)
        await stage.ask("hola", thread_id="t")
        assert_no_dangling_calls(stage.gateway.requests[1]["messages"])


async def test_a_silent_gateway_meets_the_deadline(stage_of):
    async with stage_of(RUN_TIMEOUT_SECONDS="0.5", DEFAULT_MODEL="offline") as stage:
        stage.gateway_wire.silence()
        assert (await failure(stage.ask("hola"))).code == "deadline_exceeded"


async def test_waiting_for_a_thread_counts_towards_the_deadline(stage_of):
    async with stage_of(RUN_TIMEOUT_SECONDS="1") as stage:
        stage.gateway.brain = lambda request: Answer("x", stall=0.7)
        runs = [stage.ask("hola", thread_id="t") for _ in range(3)]
        results = await asyncio.gather(*runs, return_exceptions=True)
        assert [getattr(result, "code", "ok") for result in results] == ["ok", "deadline_exceeded", "deadline_exceeded"]


@pytest.mark.parametrize(("language", "word"), [("es", "herramientas"), ("en", "tools")])
async def test_a_dependency_that_is_away_is_told_in_the_readers_language(stage, language, word):
    await stage.toolbox_wire.cut()
    with pytest.raises(ToolboxUnavailable) as caught:
        await stage.ask("suma 1 y 2", language=language)
    assert word in caught.value.message
