"""Resources, prompts and completion, as clients of each revision see them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, PromptReference, ResourceTemplateReference
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.prompts import Prompts
from mcp_toolbox.registry.resources import Resource, Resources, in_uri
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.server import create_server

TEMPLATE = "toolbox://tools/{name}"


@pytest.fixture(params=["legacy", "2026-07-28"])
def connect(request: pytest.FixtureRequest, registry: ToolRegistry):
    return lambda **given: Client(create_server(registry, version="1", **given), mode=request.param)


async def test_the_catalog_is_a_resource(connect: Any, registry: ToolRegistry):
    async with connect() as client:
        (listed,) = (await client.list_resources()).resources
        (contents,) = (await client.read_resource(listed.uri)).contents
    assert (str(listed.uri), contents.mime_type) == ("toolbox://catalogue", "application/json")
    assert json.loads(contents.text) == {"tools": [tool.to_wire() for tool in registry]}


async def test_each_tool_is_one_too(connect: Any, registry: ToolRegistry):
    async with connect() as client:
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == TEMPLATE
        (contents,) = (await client.read_resource("toolbox://tools/add")).contents
    tool = registry.get("add")
    assert tool
    assert json.loads(contents.text) == tool.to_wire()


@pytest.mark.parametrize(
    "uri",
    ["toolbox://tools/subtract", "toolbox://tools/", "toolbox://tools/a/b", "toolbox://", "x", "file:///etc/passwd"],
)
async def test_what_is_not_there_is_said(connect: Any, uri: str):
    async with connect() as client:
        with pytest.raises(MCPError, match="Resource not found") as error:
            await client.read_resource(uri)
    assert error.value.error.code in (INVALID_PARAMS, -32002)
    assert error.value.error.data == {"uri": uri}


async def test_a_pack_may_add_its_own(connect: Any, registry: ToolRegistry):
    async def read(variables: Mapping[str, str], context: CallContext) -> bytes | None:
        return variables["day"].encode() if variables["day"] != "never" else None

    resources = Resources()
    async with connect(resources=resources, prompts=Prompts()) as client:
        assert (await client.list_resources()).resources == []
        assert (await client.list_prompts()).prompts == []
        resources.replace("diary", [Resource("diary://{day}", "day", "A day.", "text/plain", read)])
        (contents,) = (await client.read_resource("diary://" + in_uri("día 1/2"))).contents
        assert base64.b64decode(contents.blob).decode() == "día 1/2"
        with pytest.raises(MCPError):
            await client.read_resource("diary://never")


async def test_long_lists_come_in_pages(connect: Any):
    resources = Resources(
        Resource(f"note://{i:03}", f"note {i}", "A note.", "text/plain", lambda variables, context: "…")
        for i in range(25)
    )
    found: list[str] = []
    async with connect(resources=resources, page_size=10) as client:
        cursor = None
        for expected in (10, 10, 5):
            page = await client.list_resources(cursor=cursor)
            assert len(page.resources) == expected
            found += [str(each.uri) for each in page.resources]
            cursor = page.next_cursor
        assert cursor is None
        with pytest.raises(MCPError) as error:
            await client.list_prompts(cursor="nonsense")
        assert error.value.error.code == INVALID_PARAMS
    assert found == [f"note://{i:03}" for i in range(25)]


async def test_prompts_are_filled_in(connect: Any):
    async with connect() as client:
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert set(prompts) == {"use_tools", "explain_tool"}
        assert [(each.name, each.required) for each in prompts["use_tools"].arguments] == [("task", True)]
        (message,) = (await client.get_prompt("use_tools", {"task": "Suma {5} y 3"})).messages
        assert message.role == "user"
        assert "Task: Suma {5} y 3" in message.content.text
        assert "add, count_words, multiply, uppercase" in message.content.text
        (message,) = (await client.get_prompt("explain_tool", {"name": "add"})).messages
        assert '"inputSchema"' in message.content.text


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [("nope", {}, "Unknown prompt: nope"), ("use_tools", {}, "task: is required"), ("use_tools", {"task": ""}, "task")],
)
async def test_a_prompt_that_cannot_be_filled_in_is_refused(connect: Any, name: str, arguments: Any, message: str):
    async with connect() as client:
        with pytest.raises(MCPError, match=message) as error:
            await client.get_prompt(name, arguments)
    assert error.value.error.code == INVALID_PARAMS


async def test_names_of_tools_are_completed(connect: Any):
    template, prompt = ResourceTemplateReference(uri=TEMPLATE), PromptReference(name="explain_tool")
    async with connect() as client:
        for ref in (template, prompt):
            completed = (await client.complete(ref, {"name": "name", "value": "m"})).completion
            assert (completed.values, completed.total, completed.has_more) == (["multiply"], 1, False)
        nothing = await client.complete(PromptReference(name="use_tools"), {"name": "task", "value": "a"})
        assert nothing.completion.values == []
        for ref in (ResourceTemplateReference(uri="x://{y}"), PromptReference(name="nope")):
            with pytest.raises(MCPError) as error:
                await client.complete(ref, {"name": "name", "value": ""})
            assert error.value.error.code == INVALID_PARAMS
