"""The persistent MCP client, against real servers."""

import asyncio
import time

import pytest
from agent_core.clients.toolbox import open_toolbox
from agent_core.clients.tools import ToolAnswer, text_of, tool_of
from agent_core.errors import ToolboxUnavailable
from agent_core.testing import FakeToolbox, Wire
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool
from service_kit.testing import running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.waiting import eventually


def guarded(app: Starlette, seen: list[str]) -> Starlette:
    """`app` behind a door that notes the key with which it is opened."""

    async def door(scope, receive, send):
        if scope["type"] == "http":
            seen.append(Request(scope).headers.get("authorization", ""))
        await app(scope, receive, send)

    return door  # type: ignore[return-value]


async def test_tools_are_found_and_called():
    async with FakeToolbox().running() as url, open_toolbox(f"{url}/mcp", None, 5) as toolbox:
        tools = {tool.name: tool for tool in await toolbox.tools()}
        assert set(tools) == {"add", "multiply", "slow", "fail"}
        function = tools["add"].as_function()["function"]
        assert function["description"] == "Add two numbers." and function["parameters"]["type"] == "object"
        assert await toolbox.call("add", {"a": 5, "b": 3}) == ToolAnswer("8")


@pytest.mark.parametrize(("name", "args"), [("fail", {}), ("nothing", {}), ("add", {"a": "x", "b": 1})])
async def test_a_call_that_fails_is_an_answer_that_says_so(name, args):
    async with FakeToolbox().running() as url, open_toolbox(f"{url}/mcp", None, 5) as toolbox:
        assert (await toolbox.call(name, args)).is_error
        assert toolbox.connected


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        (None, None), (ToolAnnotations(), None), (ToolAnnotations(read_only_hint=True), True),
        (ToolAnnotations(read_only_hint=False), False), (ToolAnnotations(destructive_hint=True), False),
        (ToolAnnotations(destructive_hint=False), None),
    ],
)  # fmt: skip
async def test_what_a_tool_says_of_its_effects_goes_with_it(annotations, told):
    listed = tool_of(ListedTool(name="look", input_schema={"type": "object"}, annotations=annotations))
    assert listed.as_function().get("annotations") == (None if told is None else {"readOnlyHint": told})


async def test_the_key_goes_with_every_request():
    seen: list[str] = []
    async with running(guarded(FakeToolbox().app, seen)) as url, open_toolbox(f"{url}/mcp", "k-1", 5) as toolbox:
        await toolbox.call("add", {"a": 1, "b": 1})
    assert len(seen) >= 3 and set(seen) == {"Bearer k-1"}


async def test_many_calls_share_one_client():
    fake = FakeToolbox()
    async with fake.running() as url, open_toolbox(f"{url}/mcp", None, 5) as toolbox:
        await toolbox.tools()
        began = time.perf_counter()
        answers = await asyncio.gather(*[toolbox.call("slow", {"seconds": 0.3}) for _ in range(30)])
        assert time.perf_counter() - began < 9
    assert answers == [ToolAnswer("slept 0.3")] * 30
    assert fake.most_running > 15


async def test_a_call_whose_connection_is_lost_fails_alone():
    fake = FakeToolbox()
    async with fake.running() as url, Wire.to(url) as wire, open_toolbox(f"{wire.url}/mcp", None, 5) as toolbox:
        await toolbox.tools()
        first = asyncio.create_task(toolbox.call("slow", {"seconds": 1}))
        await eventually(lambda: fake.running_now == 1)
        doomed = asyncio.create_task(toolbox.call("slow", {"seconds": 20}))
        await eventually(lambda: fake.running_now == 2)
        wire.cut_newest()
        with pytest.raises(ToolboxUnavailable):
            await doomed
        assert await toolbox.call("add", {"a": 1, "b": 2}) == ToolAnswer("3")
        assert await first == ToolAnswer("slept 1")


async def test_a_restarted_toolbox_is_found_with_its_new_tools():
    fake = FakeToolbox()
    async with fake.running() as url:
        port = int(url.rpartition(":")[2])
        toolbox_context = open_toolbox(f"{url}/mcp", None, 5)
        toolbox = await toolbox_context.__aenter__()
        assert len(await toolbox.tools()) == 4
    try:
        with pytest.raises(ToolboxUnavailable):
            await toolbox.call("add", {"a": 1, "b": 2})
        async with FakeToolbox(extra="divide").running(port=port):
            assert (await toolbox.call("add", {"a": 1, "b": 2})).text == "3"
            assert len(await toolbox.tools()) == 5
    finally:
        await toolbox_context.__aexit__(None, None, None)


def legacy(app: Starlette) -> Starlette:
    """`app` for clients of the earlier revisions alone, with sessions that end with the process."""

    async def old(scope, receive, send):
        headers = dict(scope.get("headers", ()))
        if headers.get(b"mcp-protocol-version", b"").startswith(b"2026"):
            return await Response("unknown revision", 400)(scope, receive, send)
        return await app(scope, receive, send)

    return old  # type: ignore[return-value]


async def test_a_session_that_the_server_has_forgotten_is_opened_again():
    context = running(legacy(FakeToolbox().app))
    url = await context.__aenter__()
    async with open_toolbox(f"{url}/mcp", None, 5) as toolbox:
        assert (await toolbox.call("add", {"a": 1, "b": 2})).text == "3"
        await context.__aexit__(None, None, None)
        async with running(legacy(FakeToolbox().app), port=int(url.rpartition(":")[2])):
            assert await toolbox.check()
            assert (await toolbox.call("add", {"a": 1, "b": 2})).text == "3"


async def test_a_toolbox_too_busy_to_list_its_tools_may_finish_the_calls_that_it_has():
    fake = FakeToolbox()
    async with (
        fake.running() as url,
        Wire.to(url) as wire,
        open_toolbox(f"{wire.url}/mcp", None, 20, list_timeout=0.3) as toolbox,
    ):
        await eventually(toolbox.check)
        call = asyncio.create_task(toolbox.call("slow", {"seconds": 0.5}))
        await eventually(lambda: fake.running_now)
        wire.silence()
        assert not await toolbox.check() and not toolbox.connected
        wire.speak()
        assert await call == ToolAnswer("slept 0.5")


async def test_a_toolbox_that_is_away_costs_nobody_much_time():
    async with open_toolbox("http://127.0.0.1:1/mcp", None, 5) as toolbox:
        began = time.perf_counter()
        results = await asyncio.gather(*[toolbox.call("add", {}) for _ in range(20)], return_exceptions=True)
        assert time.perf_counter() - began < 9
        assert {type(result) for result in results} == {ToolboxUnavailable}
        assert not await toolbox.check() and toolbox.known_tools == ()


@pytest.mark.parametrize("status", [200, 401, 404, 500])
async def test_something_that_is_no_toolbox(status):
    async def answer(request):
        return JSONResponse({"hello": "there"}, status)

    app = Starlette(routes=[Route("/mcp", answer, methods=["GET", "POST", "DELETE"])])
    async with running(app) as url, open_toolbox(f"{url}/mcp", None, 5) as toolbox:
        with pytest.raises(ToolboxUnavailable):
            await toolbox.tools()


async def test_a_cancelled_call_stops_its_tool_and_nothing_else():
    fake = FakeToolbox()
    async with fake.running() as url, open_toolbox(f"{url}/mcp", None, 5) as toolbox:
        await toolbox.tools()
        stays = asyncio.create_task(toolbox.call("slow", {"seconds": 0.5}))
        goes = asyncio.create_task(toolbox.call("slow", {"seconds": 20}))
        await eventually(lambda: fake.running_now == 2)
        goes.cancel()
        assert await stays == ToolAnswer("slept 0.5")
        await eventually(lambda: fake.stopped)
        assert toolbox.connected


def text(value: str) -> TextContent:
    return TextContent(type="text", text=value)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (CallToolResult(content=[text("a"), text("b")]), "a\nb"),
        (CallToolResult(content=[], structured_content={"result": 8}), '{"result":8}'),
        (CallToolResult(content=[text("8")], structured_content={"result": 8}), "8"),
        (CallToolResult(content=[]), ""),
        (CallToolResult(content=[ImageContent(type="image", data="aGk=", mime_type="image/png")]), "[image]"),
        (
            CallToolResult(
                content=[
                    EmbeddedResource(type="resource", resource=TextResourceContents(uri="file:///a", text="inside"))
                ]
            ),
            "inside",
        ),
        (
            CallToolResult(
                content=[
                    text("Found:"),
                    ResourceLink(
                        type="resource_link",
                        name="a.txt",
                        uri="file:///a.txt",
                        mime_type="text/plain",
                        description="Notes",
                    ),
                    ResourceLink(type="resource_link", name="b", uri="https://b.example/"),
                ]
            ),
            "Found:\n[resource_link] name: a.txt, uri: file:///a.txt, mimeType: text/plain, description: Notes\n"
            "[resource_link] name: b, uri: https://b.example/",
        ),
        (
            CallToolResult(
                content=[
                    EmbeddedResource(
                        type="resource",
                        resource=BlobResourceContents(uri="file:///b.bin", mime_type="application/pdf", blob="aGkh"),
                    )
                ]
            ),
            "[resource] uri: file:///b.bin, mimeType: application/pdf, bytes: 3, content: binary, not shown",
        ),
        (
            CallToolResult(
                content=[ImageContent(type="image", data="aGk=", mime_type="image/png")], structured_content={"n": 1}
            ),
            '[image]\n{"n":1}',
        ),
    ],
)
def test_a_result_as_a_model_reads_it(result, expected):
    assert text_of(result) == expected


def test_a_result_that_is_too_long_says_how_much_is_missing():
    assert text_of(CallToolResult(content=[text("x" * 100_005)])).endswith("[… 5 characters left out]")
