from __future__ import annotations

import asyncio

import pytest
from llm_gateway.pipeline.caller import Disconnect


async def test_leaving_ends_the_wait_at_once():
    task = asyncio.create_task(asyncio.sleep(10))
    disconnect = Disconnect(task)
    assert not disconnect.left
    disconnect.leave()
    assert disconnect.left and disconnect.reason == "client_gone"
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_first_reason_to_leave_stands():
    task = asyncio.create_task(asyncio.sleep(10))
    disconnect = Disconnect(task)
    disconnect.leave("client_stalled")
    disconnect.leave()
    assert disconnect.reason == "client_stalled" and task.cancelling() == 1
    with pytest.raises(asyncio.CancelledError):
        await task
