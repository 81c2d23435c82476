from __future__ import annotations

import asyncio

from llm_gateway.calls import Call
from llm_gateway.telemetry.dispatcher import Observation

from tests.llm_gateway.telemetry.test_metrics import call


async def test_observers_are_told_behind_the_answer_and_in_order():
    seen: list[Call] = []
    also: list[Call] = []
    observation = Observation([seen.append, also.append])
    async with observation.running():
        calls = [call(request_id=str(n)) for n in range(3)]
        for each in calls:
            observation(each)
        assert seen == []
        await asyncio.sleep(0.3)
        assert seen == also == calls


async def test_what_is_left_is_told_at_the_end():
    seen: list[Call] = []
    observation = Observation([seen.append])
    async with observation.running():
        observation(call())
    assert len(seen) == 1
    observation.flush()
    assert len(seen) == 1


def test_a_batch_ends_once_for_all_its_calls():
    order: list[str] = []
    observation = Observation([lambda each: order.append(each.request_id)], [lambda: order.append("end")])
    for number in range(2):
        observation(call(request_id=str(number)))
    observation.flush()
    assert order == ["0", "1", "end"]
