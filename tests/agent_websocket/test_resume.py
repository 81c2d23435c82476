"""Drops and returns: the run goes on, and who comes back misses nothing and gets nothing twice."""

import asyncio
import json

import pytest
from agent_core.events import Token
from agent_websocket import session
from agent_websocket.testing import ScriptedAgent, begin, finish

from tests.waiting import eventually


class Words:
    """A script that says one word each time it is told to, and ends when told to."""

    def __init__(self) -> None:
        self._words: asyncio.Queue[str | None] = asyncio.Queue()

    def say(self, *words: str) -> None:
        for word in words:
            self._words.put_nowait(word)

    def end(self) -> None:
        self._words.put_nowait(None)

    async def all_said(self) -> None:
        """Returns when the run has said them all."""
        async with asyncio.timeout(5):
            await self._words.join()

    async def __call__(self, request, emit):
        begin(request, emit)
        while (word := await self._words.get()) is not None:
            emit(Token(run_id=request.run_id, content=word))
            self._words.task_done()
        finish(request, emit, "done")


async def ended(stage, id_: str) -> None:
    """Returns when the run of this id is over, as a greeting tells."""

    async def over() -> bool:
        async with stage.client(id_) as client:
            return not client.greeting["running"]

    await eventually(over)


@pytest.fixture
def words():
    return Words()


def seqs(frames):
    return [frame["seq"] for frame in frames]


def said(frames):
    return [frame["content"] for frame in frames if frame["type"] == "token"]


async def started(client):
    await client.say("go")
    return await client.until("step", "error") + await client.until("step", "error")


async def test_after_a_drop_another_socket_gets_the_rest_once_and_in_order(stage_of, words):
    async with stage_of(ScriptedAgent(words)) as stage:
        async with stage.client("c") as client:
            seen = await started(client)
            words.say("a", "b")
            seen += [await client.next(), await client.next()]
            client.connection.transport.abort()
        words.say("c", "d")
        await words.all_said()
        async with stage.client("c") as client:
            assert client.greeting["running"] is True
            assert client.greeting["run_id"] == seen[0]["run_id"]
            assert client.greeting["last_seq"] == 7
            words.say("e")
            await client.resume(seen[-1]["seq"], epoch=client.greeting["epoch"])
            words.say("f")
            words.end()
            seen += await client.until("complete")
            assert said(seen) == list("abcdef")
            assert seqs(seen) == list(range(1, len(seen) + 1))
            await client.silence()


async def test_live_events_wait_for_the_resume_that_follows_the_greeting(stage_of, words):
    async with stage_of(ScriptedAgent(words)) as stage:
        async with stage.client("c") as client:
            await started(client)
        async with stage.client("c") as client:
            words.say("early")
            await client.silence(0.1)
            await client.resume(0)
            words.end()
            frames = await client.until("complete")
            assert seqs(frames) == list(range(1, 7))


async def test_without_resume_a_client_gets_what_comes_from_now_on(stage_of, words):
    async with stage_of(ScriptedAgent(words)) as stage:
        async with stage.client("c") as client:
            await started(client)
        async with stage.client("c") as client:
            words.say("now")
            frame = await client.next()
            assert (frame["type"], frame["seq"]) == ("token", client.greeting["last_seq"] + 1)


async def test_a_question_says_as_well_that_there_will_be_no_resume(stage, monkeypatch):
    monkeypatch.setattr(session, "RESUME_WITHIN_SECONDS", 60)
    async with stage.client("c") as client:
        await client.say("one")
        await client.until("complete")
    async with stage.client("c") as client, asyncio.timeout(8):
        await client.say("two")
        assert (await client.next())["seq"] == client.greeting["last_seq"] + 1


async def test_a_run_that_ended_while_nobody_listened_is_replayed(stage_of, words):
    async with stage_of(ScriptedAgent(words)) as stage:
        async with stage.client("c") as client:
            await started(client)
        words.say("alone")
        words.end()
        await ended(stage, "c")
        async with stage.client("c") as client:
            assert client.greeting["running"] is False
            await client.resume(3)
            assert [f["type"] for f in await client.until("complete")] == ["token", "response", "complete"]


async def test_two_sockets_on_one_id_both_get_everything(stage_of, words):
    async with stage_of(ScriptedAgent(words)) as stage, stage.client("c") as one, stage.client("c") as two:
        await one.say("go")
        words.say("a")
        words.end()
        assert await one.until("complete") == await two.until("complete")
        await two.send("{")
        assert (await one.next())["code"] == (await two.next())["code"] == "malformed_json"


async def test_one_of_two_sockets_may_cancel_what_the_other_asked(stage_of, words):
    async with stage_of(ScriptedAgent(words)) as stage, stage.client("c") as one, stage.client("c") as two:
        await started(one)
        await two.send({"type": "cancel"})
        assert (await one.until("cancelled"))[-1] == (await two.until("cancelled"))[-1]


async def test_resume_again_replays_again(stage):
    async with stage.client("c") as client:
        await client.say("one two")
        whole = await client.until("complete")
        for after in (0, 4, 0):
            await client.resume(after)
            assert await client.until("complete") == whole[after:]
        await client.resume(len(whole))
        await client.silence()


async def test_other_ids_get_nothing(stage):
    async with stage.client("a") as one, stage.client("b") as other:
        await one.say("x")
        await one.until("complete")
        await other.silence()


async def refused(client):
    frames = [await client.next(), await client.next()]
    assert (frames[0]["type"], frames[0]["code"]) == ("error", "resume_failed")
    assert "seq" not in frames[0]
    assert frames[1]["type"] == "snapshot"
    return frames[1]


async def test_an_epoch_that_is_not_ours_is_refused_with_a_snapshot_of_the_run(stage_of, words):
    async with stage_of(ScriptedAgent(words)) as stage:
        async with stage.client("c") as client:
            await started(client)
            words.say("kept")
            await client.next()
        async with stage.client("c") as client, stage.client("c") as other:
            await client.resume(2, epoch="of-a-former-life")
            snapshot = await refused(client)
            assert snapshot["running"] is True
            assert snapshot["epoch"] == client.greeting["epoch"]
            assert snapshot["last_seq"] == 4
            assert [event["type"] for event in snapshot["events"]] == ["start", "step", "step", "token"]
            assert {event["run_id"] for event in snapshot["events"]} == {snapshot["run_id"]}
            words.say("live")
            assert (await client.next())["seq"] == 5
            assert (await other.next())["seq"] == 5


async def test_a_position_of_the_future_is_refused(stage):
    async with stage.client("c") as client:
        await client.resume(5)
        snapshot = await refused(client)
        assert (snapshot["run_id"], snapshot["running"], snapshot["last_seq"], snapshot["events"]) == (
            None, False, 0, [],
        )  # fmt: skip
        await client.say("x")
        assert (await client.next())["seq"] == 1


async def test_a_trimmed_position_is_refused_and_the_snapshot_has_what_is_left(stage_of):
    async with stage_of(EVENT_LOG_MAX_EVENTS="4") as stage, stage.client("c") as client:
        await client.say("one two three four")
        await client.until("complete")
        await client.resume(1)
        while (frame := await client.next())["type"] != "snapshot":
            pass
        assert [event["type"] for event in frame["events"]] == ["token", "token", "response", "complete"]
        assert frame["last_seq"] == frame["events"][-1]["seq"]
        await client.say("x")
        assert (await client.next())["seq"] == frame["last_seq"] + 1


async def test_a_restarted_service_refuses_the_old_epoch(stage_of):
    async with stage_of() as stage, stage.client("c") as client:
        await client.say("x")
        last = (await client.until("complete"))[-1]["seq"]
        epoch = client.greeting["epoch"]
    async with stage_of() as stage, stage.client("c") as client:
        assert client.greeting["epoch"] != epoch
        await client.resume(last, epoch=epoch)
        await refused(client)


async def test_a_forgotten_id_has_another_epoch(stage_of):
    async with stage_of(CONNECTION_IDLE_SECONDS="0") as stage:
        async with stage.client("c") as client:
            await client.say("x")
            await client.until("complete")
            epoch = client.greeting["epoch"]

        async def forgotten() -> dict:
            async with stage.client("c") as client:
                return client.greeting if client.greeting["epoch"] != epoch else {}

        assert (await eventually(forgotten))["last_seq"] == 0


async def test_clients_that_come_and_go_at_random_all_read_the_same_story(stage_of):
    async def many(request, emit):
        begin(request, emit)
        for number in range(300):
            emit(Token(run_id=request.run_id, content=str(number)))
            await asyncio.sleep(0.001)
        finish(request, emit, "done")

    async def reader(stage, every: int) -> list[dict]:
        story: list[dict] = []
        while not story or story[-1]["type"] != "complete":
            async with stage.client("c") as client:
                await client.resume(len(story), epoch=client.greeting["epoch"])
                for _ in range(every):
                    story.append(await client.next())
                    if story[-1]["type"] == "complete":
                        break
                client.connection.transport.abort()
        return story

    async with stage_of(ScriptedAgent(many)) as stage:
        async with stage.client("c") as client:
            await client.say("go")
        stories = await asyncio.gather(*(reader(stage, every) for every in (7, 31, 100)))
        assert stories[0] == stories[1] == stories[2]
        assert seqs(stories[0]) == list(range(1, 306))
        assert json.loads(json.dumps(said(stories[0]))) == [str(number) for number in range(300)]
