"""What an operator sets for requests that do not say, and models that no longer take it."""

from __future__ import annotations

import pytest
from fake_providers import FakeOpenAI, Says

from tests.llm_gateway.harness import error_of, staged

THINKS = "openai/gpt-5"


async def test_a_default_fills_in_what_a_request_leaves_open():
    fake = FakeOpenAI(Says("a"), Says("b"))
    async with staged(fake, TEMPERATURE="0.3", MAX_TOKENS="50") as stage:
        await stage.chat()
        await stage.chat(temperature=0.9, max_tokens=7)
    sent = [(call.body["temperature"], call.body["max_completion_tokens"]) for call in fake.calls]
    assert sent == [(0.3, 50), (0.9, 7)]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_default_that_a_model_does_not_take_is_left_out(stream: bool):
    fake = FakeOpenAI(Says("a"))
    async with staged(fake, TEMPERATURE="0.3", MAX_TOKENS="50") as stage:
        answer = await stage.chat(model=THINKS, stream=stream)
    assert answer.status_code == 200
    assert answer.headers["x-dropped-params"] == "temperature"
    assert "temperature" not in fake.calls[0].body and fake.calls[0].body["max_completion_tokens"] == 50


async def test_what_a_caller_asks_for_itself_is_never_left_out_unasked():
    async with staged(FakeOpenAI(), TEMPERATURE="0.3") as stage:
        error = error_of(await stage.chat(model=THINKS, temperature=0.4))
    assert (error["code"], error["param"]) == ("unsupported_parameter", "temperature")
