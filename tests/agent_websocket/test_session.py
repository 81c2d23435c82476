"""One client: questions, queue, cancel, and frames that it should not have sent."""

import asyncio
import re

import pytest
from agent_core.events import Token, ToolCall, ToolResult
from agent_websocket.testing import ScriptedAgent, begin, finish
from service_kit.errors import ApiError


class Pausing:
    """A script that waits in the middle, until `go`."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, request, emit):
        begin(request, emit)
        emit(Token(run_id=request.run_id, content="half "))
        await self.go.wait()
        emit(Token(run_id=request.run_id, content="whole"))
        finish(request, emit, "half whole")


def types(frames):
    return [frame["type"] for frame in frames]


async def test_the_greeting(stage):
    async with stage.client("here") as client:
        assert client.greeting["type"] == "connected"
        assert client.greeting["connection_id"] == "here"
        assert client.greeting["last_seq"] == 0
        assert client.greeting["running"] is False
        assert client.greeting["models"][0]["name"] == "scripted"
        assert client.greeting["tools"] == [{"name": "add", "description": "Adds."}]
        assert client.greeting["message"] and client.greeting["epoch"]
        assert "seq" not in client.greeting


async def test_without_an_id_or_with_a_bad_one_an_id_is_made(stage):
    async with stage.client() as one, stage.client("no%20good") as two:
        ids = {one.greeting["connection_id"], two.greeting["connection_id"]}
        assert len(ids) == 2
        assert all(re.fullmatch(r"[A-Za-z0-9._-]{16,128}", id_) for id_ in ids)


async def test_a_question_is_answered_in_sequence(stage):
    async with stage.client("c") as client:
        await client.say("hola mundo")
        frames = await client.until("complete")
        assert types(frames) == ["start", "step", "step", "token", "token", "response", "complete"]
        assert [frame["seq"] for frame in frames] == list(range(1, 8))
        assert len({frame["run_id"] for frame in frames}) == 1
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", frame["timestamp"]) for frame in frames)
        await client.say("otra")
        assert (await client.next())["seq"] == 8


async def test_the_agent_gets_what_the_client_said(stage):
    async with stage.client("c", additional_headers={"Accept-Language": "en", "X-Request-ID": "mine"}) as client:
        await client.say("one")
        await client.until("complete")
        await client.say("two", model="gpt-4o", thread_id="notes")
        await client.until("complete")
    first, second = stage.agent.requests
    assert (first.input, first.model, first.thread_id, first.language) == ("one", None, "c", "en")
    assert (second.model, second.thread_id) == ("gpt-4o", "notes")
    assert first.user == "anonymous"
    assert first.run_id == first.request_id != second.run_id


async def test_ping_is_answered_outside_the_sequence(stage):
    async with stage.client() as client:
        await client.send({"type": "ping"})
        pong = await client.next()
        assert pong["type"] == "pong" and "seq" not in pong
        await client.say("x")
        assert (await client.next())["seq"] == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "malformed_json"),
        ("[]", "invalid_frame"),
        (b'{"type": "ping"}', "binary_frame"),
        ({"type": "nonsense"}, "unknown_type"),
        ({"type": "message", "content": 5}, "invalid_message"),
        ({"type": "message", "content": "  \n"}, "empty_input"),
        ({"type": "message", "content": "x" * 501}, "input_too_large"),
        ({"type": "message", "content": "x" * 3_000}, "message_too_large"),
        ({"type": "resume", "after": -1}, "invalid_message"),
        ({"type": "cancel"}, "not_running"),
        ({"type": "cancel", "run_id": "run_never"}, "run_not_found"),
    ],
)
async def test_a_bad_frame_is_an_error_event_and_the_connection_stays(stage_of, frame, code):
    agent = ScriptedAgent(max_input_chars=500)
    async with stage_of(agent, WS_MAX_MESSAGE_BYTES="2048") as stage, stage.client() as client:
        await client.send(frame)
        error = await client.next()
        assert (error["type"], error["code"], error["seq"], error["run_id"]) == ("error", code, 1, None)
        assert error["message"] and error["timestamp"]
        assert set(error["error"]) == {"message", "type", "code", "param", "request_id"}
        assert {name: error[name] for name in ("message", "code", "request_id")}.items() <= error["error"].items()
        await client.say("still here")
        assert types(await client.until("complete"))[-1] == "complete"
    assert [request.input for request in stage.agent.requests] == ["still here"]


async def test_errors_are_told_in_the_clients_language(stage):
    async with stage.client(additional_headers={"Accept-Language": "en-GB"}) as client:
        await client.send("{")
        assert (await client.next())["message"] == "The message is not valid JSON."
    async with stage.client(additional_headers={"Accept-Language": "es"}) as client:
        await client.send("{")
        assert (await client.next())["message"] == "El mensaje no es JSON válido."


async def test_a_frame_that_is_not_even_read_closes_with_1009(stage_of):
    async with stage_of(WS_MAX_MESSAGE_BYTES="1024") as stage, stage.client() as client:
        await client.send("x" * 5_000)
        assert await client.closed() == 1009


async def test_text_that_is_not_utf_8_closes_with_1007(stage):
    async with stage.client() as client:
        await client.connection.send(b"\xff\xfe", text=True)
        assert await client.closed() == 1007


async def test_a_second_message_is_queued_and_runs_after_the_first(stage_of):
    script = Pausing()
    async with stage_of(ScriptedAgent(script)) as stage, stage.client() as client:
        await client.say("one")
        await client.until("token")
        await client.say("two")
        queued = await client.next()
        assert (queued["type"], queued["position"]) == ("queued", 1)
        script.go.set()
        first = await client.until("complete")
        second = await client.until("complete")
        assert {frame["run_id"] for frame in second} == {queued["run_id"]} != {first[0]["run_id"]}


async def test_the_queue_is_bounded(stage_of):
    script = Pausing()
    async with stage_of(ScriptedAgent(script), QUEUE_LIMIT="2") as stage, stage.client() as client:
        for text in ("running", "first", "second", "too many"):
            await client.say(text)
        frames = await client.until("error")
        assert [frame["position"] for frame in frames if frame["type"] == "queued"] == [1, 2]
        assert frames[-1]["code"] == "queue_full"
        assert frames[-1]["retry_after"] > 0
        script.go.set()
        for _ in range(3):
            await client.until("complete")
        assert [request.input for request in stage.agent.requests] == ["running", "first", "second"]


async def test_cancel_stops_the_agent_and_the_next_message_runs(stage_of):
    script = Pausing()
    async with stage_of(ScriptedAgent(script)) as stage, stage.client() as client:
        await client.say("one")
        run_id = (await client.until("token"))[-1]["run_id"]
        await client.send({"type": "cancel"})
        cancelled = await client.next()
        assert (cancelled["type"], cancelled["run_id"]) == ("cancelled", run_id)
        assert stage.agent.cancelled == [run_id]
        script.go.set()
        await client.say("two")
        assert types(await client.until("complete", "cancelled"))[-1] == "complete"


async def test_cancel_may_name_a_run_that_waits(stage_of):
    script = Pausing()
    async with stage_of(ScriptedAgent(script)) as stage, stage.client() as client:
        await client.say("one")
        await client.until("token")
        await client.say("two")
        waiting = await client.next()
        await client.send({"type": "cancel", "run_id": waiting["run_id"]})
        cancelled = await client.next()
        assert (cancelled["type"], cancelled["run_id"]) == ("cancelled", waiting["run_id"])
        script.go.set()
        assert types(await client.until("complete")) == ["token", "response", "complete"]
        assert [request.input for request in stage.agent.requests] == ["one"]


async def test_a_cancel_that_comes_too_late_is_told_and_stops_nothing_else(stage_of):
    async with stage_of(ScriptedAgent(Pausing())) as stage, stage.client() as client:
        await client.say("one")
        run_id = (await client.until("token"))[-1]["run_id"]
        await client.send({"type": "cancel"})
        assert (await client.next())["type"] == "cancelled"
        await client.say("two")
        await client.until("token")
        await client.send({"type": "cancel", "run_id": run_id})
        late = await client.next()
        assert (late["type"], late["code"]) == ("error", "run_not_found")
        assert stage.agent.cancelled == [run_id]


async def test_the_error_of_a_run_is_told_with_its_run_and_the_connection_stays(stage_of):
    async def fails(request, emit):
        begin(request, emit)
        emit(ToolCall(run_id=request.run_id, id="1", tool="add", args={"a": 1}))
        emit(ToolResult(run_id=request.run_id, id="1", tool="add", result="no", duration_ms=1.0, is_error=True))
        if request.input == "fault":
            raise KeyError("/etc/secret")
        raise ApiError(503, "toolbox_unavailable", "The toolbox is away.", retry_after=2.0)

    async with stage_of(ScriptedAgent(fails)) as stage, stage.client() as client:
        for text, code in (("a", "toolbox_unavailable"), ("fault", "internal_error"), ("a", "toolbox_unavailable")):
            await client.say(text)
            frames = await client.until("error")
            assert frames[-1]["code"] == code
            assert frames[-1]["run_id"] == frames[0]["run_id"]
            assert frames[-1]["error"]["request_id"] == frames[-1]["request_id"] == frames[-1]["run_id"]
            assert (frames[-1]["error"]["code"], frames[-1]["error"]["message"]) == (code, frames[-1]["message"])
            assert "secret" not in frames[-1]["message"]
    assert stage.agent.requests[0].run_id == stage.agent.requests[0].request_id


async def test_everything_at_once_and_in_the_wrong_order(stage):
    async with stage.client() as client:
        for frame in (
            {"type": "cancel"}, {"type": "resume", "after": 99}, {"type": "ping"}, "{", {"type": "message"},
            {"type": "resume", "after": 0, "epoch": "another"}, {"type": "cancel", "run_id": "x"},
        ):  # fmt: skip
            await client.send(frame)
        await client.say("fine")
        frames = await client.until("complete")
        in_sequence = [frame["seq"] for frame in frames if "seq" in frame]
        assert in_sequence == sorted(set(in_sequence))
        assert "pong" in types(frames)
        assert types(frames).count("snapshot") == 2


async def test_the_greeting_does_not_wait_for_lists_that_do_not_come(stage_of):
    class Hanging(ScriptedAgent):
        async def models(self):
            await asyncio.sleep(30)
            return []

    async with stage_of(Hanging()) as stage, asyncio.timeout(8), stage.client() as client:
        assert client.greeting["models"] == [] and client.greeting["tools"] == []
