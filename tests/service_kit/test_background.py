"""Supervised loops: they continue after a failure, log it once, show it in health, and stop when told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
import uvloop
from service_kit.background import BackgroundLoops, Wakeup, supervised
from service_kit.telemetry.logs import logging_to


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[Any]], Any]:
    """Runs a coroutine on each of the loops, for at most five seconds."""

    def bounded(main: Awaitable[Any]) -> Any:
        async def within() -> Any:
            async with asyncio.timeout(5):
                return await main

        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(within())

    return bounded


class Turns:
    """Work that raises what it is told to, turn by turn, and then succeeds."""

    def __init__(self, *errors: BaseException | None) -> None:
        self._errors = list(errors)
        self.count = 0
        self._changed = asyncio.Event()

    async def __call__(self) -> None:
        self.count += 1
        self._changed.set()
        if self._errors and (error := self._errors.pop(0)):
            raise error

    async def reach(self, count: int) -> None:
        while self.count < count:
            self._changed.clear()
            await self._changed.wait()


def test_a_turn_that_raises_is_not_the_last(run):
    async def main():
        work = Turns(ValueError("x"), asyncio.CancelledError(), ExceptionGroup("both", [OSError(), ValueError()]))
        async with supervised("flush", work, every_seconds=0.001, longest_pause_seconds=0.002):
            await work.reach(5)

    run(main())


def test_work_with_an_end_is_run_again_until_it_reaches_it_and_then_no_more(run):
    async def main():
        work, loops = Turns(OSError("away"), OSError("away")), BackgroundLoops()
        with loops.collecting():
            async with supervised("prepare", work, longest_pause_seconds=0.001):
                while loops.to_health()[0].state != "done":
                    await asyncio.sleep(0.001)
                assert loops.to_health()[0].error is None
                for _ in range(10):  # turns of the loop, in which it might be run again
                    await asyncio.sleep(0)
        assert work.count == 3

    run(main())


def test_health_says_what_fails_since_when_and_forgets_what_has_ended(run):
    async def main():
        loops, work, mended = BackgroundLoops(), Turns(), asyncio.Event()

        async def turn():
            await work()
            if work.count > 1 and not mended.is_set():
                raise KeyError("secret")

        with loops.collecting():
            async with supervised("metrics", turn, every_seconds=0.001, longest_pause_seconds=0.002):
                [before] = loops.to_health()
                assert (before.name, before.state, before.error, loops.failing) == ("metrics", "running", None, False)
                await work.reach(4)
                [after] = loops.to_health()
                assert (after.state, after.error, loops.failing) == ("failing", "KeyError", True)
                assert after.since >= before.since
                assert "secret" not in after.model_dump_json()
                mended.set()
                while loops.failing:
                    await asyncio.sleep(0.001)
        assert len(loops) == 0

    run(main())


def test_each_change_is_logged_once(run):
    async def main():
        work = Turns(ValueError("a"), ValueError("b"), OSError("c"), OSError("d"), None, None)
        async with supervised("audit", work, every_seconds=0.001, longest_pause_seconds=0.002):
            await work.reach(8)

    stream = StringIO()
    with logging_to("small", "INFO", "json", stream):
        run(main())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line["loop"]) for line in lines] == [
        ("background loop failed; it runs again", "audit"),
        ("background loop failed; it runs again", "audit"),
        ("background loop works again", "audit"),
    ]
    assert "ValueError: a" in lines[0]["exception"]


def test_pauses_grow_after_failures_and_start_anew_after_a_success(run):
    async def main():
        at: list[float] = []
        loop = asyncio.get_running_loop()

        async def work():
            at.append(loop.time())
            if len(at) != 4:
                raise OSError

        async with supervised("slow", work, every_seconds=0.01, longest_pause_seconds=0.8):
            while len(at) < 6:
                await asyncio.sleep(0.005)
        gaps = [later - earlier for earlier, later in pairwise(at)]
        assert gaps[0] >= 0.09
        assert gaps[1] >= 0.19
        assert gaps[2] >= 0.39
        assert gaps[3] < 0.7  # after the success: the loop's own pause, and not the 0.8 that would be next
        assert gaps[4] >= 0.09

    run(main())


def test_the_end_of_the_block_waits_for_the_work_to_stop(run):
    async def main():
        ended, begun = False, asyncio.Event()

        async def work():
            nonlocal ended
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)
                ended = True

        async with supervised("reader", work):
            await begun.wait()
        assert ended

    run(main())


def test_a_cancellation_that_work_turns_into_an_error_still_stops_it(run):
    async def main():
        starts, begun = 0, asyncio.Event()

        async def work():
            nonlocal starts
            starts += 1
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise RuntimeError("the library's own") from None

        async with supervised("client", work):
            await begun.wait()
        assert starts == 1

    run(main())


def test_work_that_swallows_a_cancellation_or_two_is_told_again(run):
    async def main():
        swallowed, begun = 0, asyncio.Event()

        async def work():
            nonlocal swallowed
            begun.set()
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    swallowed += 1
                    if swallowed == 2:
                        raise

        async with supervised("stubborn", work):
            await begun.wait()
        assert swallowed == 2

    run(main())


def test_the_cancellation_of_the_block_goes_on(run):
    async def main():
        inside = asyncio.Event()

        async def holder():
            async with supervised("any", asyncio.Event().wait):
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(holder())
        await inside.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled()

    run(main())


def test_a_second_cancellation_while_the_loop_is_being_stopped_is_not_swallowed(run):
    async def main():
        inside, stopping, release = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work():
            try:
                await asyncio.Event().wait()
            finally:
                stopping.set()
                await release.wait()

        async def holder():
            async with supervised("any", work):
                inside.set()
                await asyncio.sleep(0)

        task = asyncio.create_task(holder())
        await inside.wait()
        await stopping.wait()
        task.cancel()
        release.set()
        await asyncio.wait({task})
        assert task.cancelled()

    run(main())


def test_a_loop_started_by_a_task_belongs_to_the_service_of_the_task(run):
    async def main():
        one, other = BackgroundLoops(), BackgroundLoops()
        async with supervised("nobody's", asyncio.Event().wait):
            with one.collecting():
                started, end = asyncio.Event(), asyncio.Event()

                async def task():
                    async with supervised("child", asyncio.Event().wait):
                        started.set()
                        await end.wait()

                running = asyncio.create_task(task())
            with other.collecting():
                await started.wait()
            assert [loop.name for loop in one.to_health()] == ["child"]
            assert other.to_health() == []
            end.set()
            await running

    run(main())


def test_a_pause_ends_early_when_it_is_asked_to_and_once(run):
    async def main():
        wakeup = Wakeup()
        assert await wakeup.wait(0.001) is False
        wakeup.set()
        assert await wakeup.wait(60) is True
        assert await wakeup.wait(0.001) is False
        waiting = asyncio.create_task(wakeup.wait(60))
        await asyncio.sleep(0)
        wakeup.set()
        assert await waiting is True

    run(main())


def test_a_cancellation_that_comes_with_the_wakeup_is_not_lost(run):
    async def main():
        wakeup = Wakeup()
        waiting = asyncio.create_task(wakeup.wait(60))
        await asyncio.sleep(0)
        wakeup.set()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()

    run(main())
