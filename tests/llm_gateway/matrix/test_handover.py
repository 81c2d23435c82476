"""A conversation that one provider began goes on with another one, through every surface.

What the first one said, called and thought, with its ids and signatures, goes back as the client got it, and the
second provider takes it: thoughts that another one signed must not reach it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from llm_gateway.canonical import Choice, Reasoning, Result, Text, ToolCall, Usage

from tests.llm_gateway.matrix.asking import ASKINGS, Asking
from tests.llm_gateway.matrix.cells import PROVIDERS, Provider
from tests.llm_gateway.matrix.stage import Actor, Stage, whole_stage
from tests.llm_gateway.vendors.anthropic import SIGNATURE as ANTHROPICS
from tests.llm_gateway.vendors.bedrock import SIGNATURE as BEDROCKS

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEAKERS = [provider for provider in PROVIDERS if provider.name in ("openai", "anthropic", "google", "aws", "local")]
USAGE = Usage(prompt_tokens=20, completion_tokens=12)
THOUGHT = "Hay que sumar y multiplicar."
CALLING = Result(
    choices=(
        Choice(
            content=(
                Reasoning(text=THOUGHT),
                Text(text="Voy."),
                ToolCall(id="functions.add:0", name="add", arguments='{"a":4,"b":6}'),
                ToolCall(id="functions.multiply:1", name="multiply", arguments='{"a":2,"b":3}'),
            ),
            finish_reason="tool_calls",
        ),
    ),
    usage=USAGE,
)
DONE = Result(choices=(Choice(content=(Text(text="Diez y seis."),)),), usage=USAGE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with whole_stage() as one:
        yield one


@pytest.mark.parametrize("asking", ASKINGS, ids=repr)
@pytest.mark.parametrize("second", SPEAKERS, ids=lambda provider: f"to-{provider.name}")
@pytest.mark.parametrize("first", SPEAKERS, ids=lambda provider: f"from-{provider.name}")
async def test_another_provider_goes_on(stage: Stage, asking: Asking, first: Provider, second: Provider):
    asked = asking.ask(first.model, tools=True)
    stage.actors[first.name].says(CALLING)
    called = await stage.http.post(asking.path, json=asked)
    assert called.status_code == 200, called.text
    calls = [part for part in asking.read(called.content).content if isinstance(part, ToolCall)]
    assert [call.name for call in calls] == ["add", "multiply"]

    actor = stage.actors[second.name]
    actor.says(DONE)
    going_on = {**asking.answer_tools(asked, called.content, RESULTS), "model": second.model}
    plain = await stage.http.post(asking.path, json=going_on)
    assert plain.status_code == 200, plain.text
    check_sent(actor, first)
    streamed = await stage.http.post(asking.path, json=asking.streamed(going_on))
    assert streamed.status_code == 200, streamed.text
    check_sent(actor, first)
    for answer in (asking.read(plain.content), asking.read_stream(streamed.content)):
        assert [part.text for part in answer.content if isinstance(part, Text)] == ["Diez y seis."]


def check_sent(actor: Actor, first: Provider) -> None:
    """The results went on, and a signature to nobody but to who made it: Claude, here, wants its own back."""
    sent = actor.last.raw
    assert all(result.encode() in sent for result in RESULTS)
    found = [signature for signature in SIGNATURES if signature in sent]
    assert found == ([ANTHROPICS.encode()] if first.name == actor.provider.name == "anthropic" else [])


RESULTS = ["diez-exacto", "seis-exacto"]
SIGNATURES = (ANTHROPICS.encode(), BEDROCKS.encode())
