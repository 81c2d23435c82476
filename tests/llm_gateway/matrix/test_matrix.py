"""Every surface over every provider, in good times and bad: each cell of the table holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fake_providers import Silent
from llm_gateway.canonical import Choice, Part, Refusal, Result, Text, ToolCall, Usage
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load

from tests.llm_gateway.harness import error_of
from tests.llm_gateway.matrix.asking import ASKINGS, PICTURE, PIXEL, Asking, Body
from tests.llm_gateway.matrix.cells import ASPECTS, PROVIDERS, Carried, Provider, Refused
from tests.llm_gateway.matrix.stage import Actor, Stage, whole_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

USAGE = Usage(prompt_tokens=20, cached_tokens=8, completion_tokens=12, reasoning_tokens=0)
SOON = 3.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with whole_stage() as one:
        yield one


def over(aspect: str, *, upstream: bool = True):
    """All surfaces and the providers of which the table says that `aspect` is carried."""
    columns = [provider for provider in PROVIDERS if isinstance(provider.cell(aspect), Carried)]
    return _each([column for column in columns if bool(column.environ) or not upstream])


def _each(columns: list[Provider]):
    def parametrized(test):
        return pytest.mark.parametrize("asking", ASKINGS, ids=repr)(
            pytest.mark.parametrize("provider", columns, ids=repr)(test)
        )

    return parametrized


# --- answers ---


def answer(*content: Part) -> Result:
    calls = any(isinstance(part, ToolCall) for part in content)
    return Result(choices=(Choice(content=content, finish_reason="tool_calls" if calls else "stop"),), usage=USAGE)


SAID = answer(Text(text="¡Hola! 😀 Son diez."))
ONE = answer(Text(text="Voy."), ToolCall(id="call_1", name="add", arguments='{"a":4,"b":6}'))
TWO = answer(
    ToolCall(id="call_1", name="add", arguments='{"a":4,"b":6}'),
    ToolCall(id="call_2", name="multiply", arguments='{"a":2,"b":3}'),
)
TEN = '{"total":10}'
JSON = answer(Text(text=TEN))


async def both(stage: Stage, asking: Asking, actor: Actor, body: Body) -> tuple[Result, Result]:
    """What a client gets of the same answer, plain and streamed."""
    plain = await stage.http.post(asking.path, json=body)
    assert plain.status_code == 200, plain.text
    streamed = await stage.http.post(asking.path, json=asking.streamed(body))
    assert streamed.status_code == 200, streamed.text
    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
    for response in (plain, streamed):
        assert response.headers["x-provider"] == actor.provider.name
    return asking.read(plain.content), asking.read_stream(streamed.content)


def meant(asking: Asking, actor: Actor, result: Result) -> Choice:
    """What of it the provider's API and the surface's carry."""
    return asking.surface.carried(actor.vendor.carried(result)).choices[0]


@over("plain")
async def test_plain(stage: Stage, asking: Asking, provider: Provider):
    actor = stage.actors[provider.name]
    actor.says(SAID)
    response = await stage.http.post(asking.path, json=asking.ask(provider.model))
    got = asking.read(response.content)
    assert got.choices[0] == meant(asking, actor, SAID)
    assert got.usage and got.usage.prompt_tokens == 20 and got.usage.completion_tokens == 12
    assert response.headers["x-provider"] == provider.name and response.headers["x-request-id"]


@over("stream")
async def test_stream(stage: Stage, asking: Asking, provider: Provider):
    actor = stage.actors[provider.name]
    actor.says(SAID)
    plain, streamed = await both(stage, asking, actor, asking.ask(provider.model))
    assert streamed.choices[0] == plain.choices[0] == meant(asking, actor, SAID)
    assert streamed.usage == plain.usage


@over("one tool")
async def test_one_tool(stage: Stage, asking: Asking, provider: Provider):
    """The call, and the way on: the result goes back to the provider, which answers."""
    actor, asked = stage.actors[provider.name], asking.ask(provider.model, tools=True)
    actor.says(ONE)
    plain, streamed = await both(stage, asking, actor, asked)
    check_calls(plain, streamed, meant(asking, actor, ONE), ids=actor.vendor.gives_ids)
    assert plain.finish_reason == streamed.finish_reason == "tool_calls"
    actor.says(ONE)
    first = await stage.http.post(asking.path, json=asked)
    actor.says(SAID)
    response = await stage.http.post(asking.path, json=asking.answer_tools(asked, first.content, ["10"]))
    assert response.status_code == 200, response.text
    assert asking.read(response.content).choices[0] == meant(asking, actor, SAID)


@over("parallel tools")
async def test_parallel_tools(stage: Stage, asking: Asking, provider: Provider):
    actor, asked = stage.actors[provider.name], asking.ask(provider.model, tools=True)
    actor.says(TWO)
    plain, streamed = await both(stage, asking, actor, asked)
    check_calls(plain, streamed, meant(asking, actor, TWO), ids=actor.vendor.gives_ids)
    actor.says(TWO)
    first = await stage.http.post(asking.path, json=asked)
    actor.says(SAID)
    response = await stage.http.post(asking.path, json=asking.answer_tools(asked, first.content, ["10", "6"]))
    assert response.status_code == 200, response.text
    assert asking.read(response.content).choices[0] == meant(asking, actor, SAID)


def check_calls(*answers: Result | Choice, ids: bool) -> None:
    """The same calls in all of them, and with the same ids where those are the provider's."""
    first, *others = [[call if ids else call[1:] for call in called(answer)] for answer in answers]
    assert first and all(other == first for other in others)


def called(answer: Result | Choice) -> list[tuple[str, str, str]]:
    calls = [part for part in answer.content if isinstance(part, ToolCall)]
    assert len({call.id for call in calls}) == len(calls) and all(call.id for call in calls)
    return [(call.id, call.name, call.arguments) for call in calls]


@over("JSON schema")
async def test_json_schema(stage: Stage, asking: Asking, provider: Provider):
    actor = stage.actors[provider.name]
    actor.says_json(TEN, JSON)
    for got in await both(stage, asking, actor, asking.ask(provider.model, schema=True)):
        assert got.choices[0] == meant(asking, actor, JSON)
        assert b'"total"' in actor.last.raw  # the schema was sent


@over("image")
async def test_image(stage: Stage, asking: Asking, provider: Provider):
    await check_picture(stage, asking, provider, PIXEL)


@over("image by URL")
async def test_image_by_url(stage: Stage, asking: Asking, provider: Provider):
    await check_picture(stage, asking, provider, PICTURE)


async def check_picture(stage: Stage, asking: Asking, provider: Provider, image: str) -> None:
    actor = stage.actors[provider.name]
    actor.says(SAID)
    for got in await both(stage, asking, actor, asking.ask(provider.model, image=image)):
        assert got.choices[0] == meant(asking, actor, SAID)
        assert image.encode() in actor.last.raw


# --- embeddings, which have a surface of their own ---

VECTORS = "/v1/embeddings"
CATALOG = load_catalog(load(GatewaySettings, {}), {})


@pytest.mark.parametrize("provider", [column for column in PROVIDERS if column.embeddings], ids=repr)
async def test_embeddings(stage: Stage, provider: Provider):
    actor = stage.actors[provider.name]
    actor.does(actor.vendor.embeds())
    response = await stage.http.post(VECTORS, json={"model": provider.embeddings, "input": ["uno", "cuatro", "uno"]})
    assert response.status_code == 200, response.text
    body = response.json()
    first, second, third = [item["embedding"] for item in body["data"]]
    assert [item["index"] for item in body["data"]] == [0, 1, 2]
    assert first == third != second and all(isinstance(number, float) for number in first)
    assert response.headers["x-provider"] == provider.name and body["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize("provider", [column for column in PROVIDERS if not column.embeddings], ids=repr)
async def test_a_model_without_embeddings_is_refused_by_name(stage: Stage, provider: Provider):
    """By us where the catalog lists the model, by its provider where it does not."""
    if provider.environ:
        stage.actors[provider.name].fails(400)
    response = await stage.http.post(VECTORS, json={"model": provider.model, "input": "uno"})
    assert response.status_code == 400
    listed = provider.model in CATALOG.models
    assert error_of(response)["code"] == ("embeddings_not_supported" if listed else "upstream_rejected")


# --- what a provider does not have ---


@pytest.mark.parametrize("asking", ASKINGS, ids=repr)
@pytest.mark.parametrize(
    ("provider", "aspect"),
    [(provider, aspect) for provider in PROVIDERS for aspect in ASPECTS if isinstance(provider.cell(aspect), Refused)],
    ids=repr,
)
async def test_what_a_provider_lacks_is_refused_by_name(stage: Stage, asking: Asking, provider: Provider, aspect: str):
    cell = provider.cell(aspect)
    assert isinstance(cell, Refused)
    asked = asking.ask(
        provider.model,
        image={"image": PIXEL, "image by URL": PICTURE}.get(aspect),
        tools="tool" in aspect,
        schema=aspect == "JSON schema",
    )
    for body in (asked, asking.streamed(asked)):
        response = await stage.http.post(asking.path, json=body)
        assert response.status_code == 400, response.text
        asking.failure(response)
        assert {"messages": "input"}.get(cell.param, cell.param) in response.text or cell.param in response.text


# --- errors ---


async def failing(stage: Stage, asking: Asking, provider: Provider, status: int) -> AsyncIterator[httpx.Response]:
    actor = stage.actors[provider.name]
    actor.fails(status, "7" if status == 429 else None)
    asked = asking.ask(provider.model)
    for body in (asked, asking.streamed(asked)):
        stage.clock.next_day()
        yield await stage.http.post(asking.path, json=body)
    stage.clock.next_day()


@over("error 400")
async def test_error_400(stage: Stage, asking: Asking, provider: Provider):
    async for response in failing(stage, asking, provider, 400):
        assert (response.status_code, asking.failure(response)) == (400, "upstream_rejected")
        assert "own words" not in response.text


@over("error 429")
async def test_error_429(stage: Stage, asking: Asking, provider: Provider):
    async for response in failing(stage, asking, provider, 429):
        assert (response.status_code, asking.failure(response)) == (429, "upstream_rate_limited")
        assert response.headers["retry-after"] == "7"


@over("error 500")
async def test_error_500(stage: Stage, asking: Asking, provider: Provider):
    async for response in failing(stage, asking, provider, 500):
        assert (response.status_code, asking.failure(response)) == (503, "upstream_unavailable")
        assert int(response.headers["retry-after"]) > 0
        assert "own words" not in response.text


COUNTED = answer(Text(text="primero segundo tercero"))


@over("mid-stream death")
async def test_mid_stream_death(stage: Stage, asking: Asking, provider: Provider):
    actor = stage.actors[provider.name]
    actor.breaks(COUNTED, "tercero", "cut")
    response = await stage.http.post(asking.path, json=asking.streamed(asking.ask(provider.model)))
    assert response.status_code == 200 and "primero" in response.text and "tercero" not in response.text
    assert asking.stream_failure(response.text) == "upstream_stream_cut"
    stage.clock.next_day()


@over("client gone")
async def test_client_gone(stage: Stage, asking: Asking, provider: Provider):
    actor, body = stage.actors[provider.name], asking.ask(provider.model)
    actor.breaks(COUNTED, "tercero", "silence")
    async with stage.http.stream("POST", asking.path, json=asking.streamed(body)) as response:
        async for piece in response.aiter_text():
            if "primero" in piece:
                break
    await asyncio.wait_for(actor.last.left.wait(), SOON)

    actor.does(Silent())
    before = len(actor.fake.calls)
    waiting = asyncio.create_task(stage.http.post(asking.path, json=body))
    call = await asyncio.wait_for(actor.fake.call(before), SOON)
    waiting.cancel()
    await asyncio.wait_for(call.left.wait(), SOON)


# --- the planner, which is its own provider: what it says is tested elsewhere, here that every surface can have it ---

OFFLINE = next(column for column in PROVIDERS if not column.environ)
EVERYWHERE = pytest.mark.parametrize("asking", ASKINGS, ids=repr)


async def planned(stage: Stage, asking: Asking, body: Body) -> tuple[Result, Result]:
    plain = await stage.http.post(asking.path, json=body)
    streamed = await stage.http.post(asking.path, json=asking.streamed(body))
    assert plain.headers["x-provider"] == streamed.headers["x-provider"] == OFFLINE.name
    return asking.read(plain.content), asking.read_stream(streamed.content)


@EVERYWHERE
async def test_offline_plain_and_stream(stage: Stage, asking: Asking):
    plain, streamed = await planned(stage, asking, asking.ask(OFFLINE.model))
    assert plain.choices == streamed.choices and isinstance(plain.content[0], Text | Refusal)


@EVERYWHERE
async def test_offline_tools(stage: Stage, asking: Asking):
    body = asking.ask(OFFLINE.model, tools=True)
    for answer in await planned(stage, asking, body):
        assert [call[1:] for call in called(answer)] == [("add", '{"a":4,"b":6}')]
    asked = await stage.http.post(asking.path, json=body)
    done = await stage.http.post(asking.path, json=asking.answer_tools(body, asked.content, ["10"]))
    assert "10" in done.text and done.headers["x-provider"] == OFFLINE.name


@EVERYWHERE
async def test_offline_parallel_tools(stage: Stage, asking: Asking):
    body = asking.ask(OFFLINE.model, tools=True, question="Suma 4 y 6, y multiplica 2 por 3")
    for answer in await planned(stage, asking, body):
        assert [call[1] for call in called(answer)] == ["add", "multiply"]


@EVERYWHERE
async def test_offline_invents_no_json(stage: Stage, asking: Asking):
    for answer in await planned(stage, asking, asking.ask(OFFLINE.model, schema=True)):
        [said] = answer.content
        assert isinstance(said, Text | Refusal) and "sin inventar" in said.text
