"""The lifecycle of a service: started, draining, and shutdown hooks."""

from __future__ import annotations

import asyncio

from service_kit.lifecycle import Lifecycle


def test_ready_is_started_and_not_draining():
    lifecycle = Lifecycle()
    assert not lifecycle.ready
    lifecycle.started = True
    assert lifecycle.ready
    lifecycle.drain()
    assert (lifecycle.ready, lifecycle.draining) == (False, True)


async def test_who_waits_for_the_drain_is_told():
    lifecycle = Lifecycle()
    waiting = asyncio.create_task(lifecycle.drain_started.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    lifecycle.drain()
    lifecycle.drain()  # a second signal changes nothing
    await asyncio.wait_for(waiting, 8)


async def test_shutdown_hooks_run_in_order():
    lifecycle, said = Lifecycle(), []

    async def say(word: str) -> None:
        await asyncio.sleep(0)
        said.append(word)

    lifecycle.add_shutdown_hook(lambda: say("goodbye"))
    lifecycle.add_shutdown_hook(lambda: say("adiós"))
    await lifecycle.run_shutdown_hooks()
    assert said == ["goodbye", "adiós"]
