from __future__ import annotations

import asyncio

import pytest
from llm_gateway.calls import Presence


async def test_leaving_ends_the_call_at_once():
    task = asyncio.create_task(asyncio.sleep(10))
    presence = Presence(task)
    assert not presence.left
    presence.leave()
    assert presence.left
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_shared_call_decides_for_itself():
    task = asyncio.create_task(asyncio.sleep(0.01))
    presence = Presence(task)
    told: list[bool] = []
    presence.on_leave = lambda: told.append(True)
    presence.leave()
    await task
    assert told == [True]
