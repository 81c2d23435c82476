"""Resources and prompts of other servers, and what is asked of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PromptReference, ResourceTemplateReference
from mcp_toolbox.app import create_app, mounted
from mcp_toolbox.approvals.approvals import Approvals
from mcp_toolbox.approvals.destructive import Destructive
from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.registry.context import NO_CALLER
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.server.server import create_server
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.upstream.manager import UpstreamManager
from service_kit.settings import load
from service_kit.testing import running

from tests.waiting import eventually

URI = "file:///notes/a%20b.txt"
ANSWERS: dict[str, Any] = {
    "resources/list": {
        "resources": [{"uri": URI, "name": "n\u200bote", "description": "A note.", "mimeType": "text/x"}]
    },
    "resources/templates/list": {
        "resourceTemplates": [{"uriTemplate": "file:///{+path}", "name": "file", "title": "Any file"}]
    },
    "resources/read": {"contents": [{"uri": URI, "mimeType": "text/x", "text": "hello"}, {"uri": URI, "blob": "AAE="}]},
    "prompts/list": {
        "prompts": [{"name": "review it", "description": "Review.", "arguments": [{"name": "code", "required": True}]}]
    },
    "prompts/get": {
        "messages": [
            {"role": "user", "content": {"type": "text", "text": "Review x"}},
            {"role": "user", "content": {"type": "resource", "resource": {"uri": URI, "text": "x"}}},
        ]
    },
    "completion/complete": {"completion": {"values": ["python", "perl"]}},
}
ALL = {"resources": {"listChanged": True}, "prompts": {}, "completions": {}}


def told(path: Path, method: str) -> dict[str, Any]:
    """The parameters of the last message of that method that the server got."""
    messages = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [message for message in messages if message.get("method") == method][-1]["params"]


async def offered(all_: Any, *servers: str) -> None:
    """Waits until these servers' prompts, which come last, are there."""
    await eventually(lambda: {f"{name}__review_it" for name in servers} <= {prompt.name for prompt in all_.prompts})


async def test_they_are_listed_under_names_of_their_own_and_read(upstreams_of: Any, plain: Any, tmp_path: Path):
    record = tmp_path / "record"
    files = plain(capabilities=ALL, answers=ANSWERS, record=str(record))
    async with upstreams_of({"my_files": files, "other": plain(capabilities=ALL, answers=ANSWERS)}) as all_:
        await offered(all_, "my_files", "other")
        assert all_.server("my_files").get("problems") is None
        assert [(each.uri, each.name, each.mime_type) for each in all_.resources.plain] == [
            (f"my-files+{URI}", "my_files__note", "text/x"),
            (f"other+{URI}", "other__note", "text/x"),
        ]
        assert [(each.uri, each.title) for each in all_.resources.templates] == [
            ("my-files+file:///{+path}", "Any file"),
            ("other+file:///{+path}", "Any file"),
        ]
        contents = await all_.resources.read(f"my-files+{URI}", NO_CALLER)
        assert contents == [
            {"uri": f"my-files+{URI}", "mimeType": "text/x", "text": "hello"},
            {"uri": f"my-files+{URI}", "blob": "AAE="},
        ]
        assert told(record, "resources/read")["uri"] == URI
        await all_.resources.read("my-files+file:///never/listed", NO_CALLER)  # a template's, or a tool's result's
        assert told(record, "resources/read")["uri"] == "file:///never/listed"
        assert await all_.resources.read("nobody+file:///x", NO_CALLER) is None


async def test_prompts_are_filled_in_by_their_server(upstreams_of: Any, plain: Any, tmp_path: Path):
    record = tmp_path / "record"
    async with upstreams_of({"s": plain(capabilities=ALL, answers=ANSWERS, record=str(record))}) as all_:
        await offered(all_, "s")
        (prompt,) = all_.prompts
        assert (prompt.name, prompt.description) == ("s__review_it", "Review.")
        answer = await prompt.filled_in({"code": "x"}, NO_CALLER)
        assert answer["messages"][0] == {"role": "user", "content": {"type": "text", "text": "Review x"}}
        assert answer["messages"][1]["content"]["resource"]["uri"] == f"s+{URI}"
        asked = told(record, "prompts/get")
        assert (asked["name"], asked["arguments"]) == ("review it", {"code": "x"})
        assert await prompt.arguments[0].complete("p", NO_CALLER) == ["python", "perl"]
        asked = told(record, "completion/complete")
        assert (asked["ref"]["name"], asked["argument"]) == ("review it", {"name": "code", "value": "p"})
        (template,) = all_.resources.templates
        assert await template.complete["path"]("p", NO_CALLER) == ["python", "perl"]
        assert told(record, "completion/complete")["ref"]["uri"] == "file:///{+path}"


async def test_links_in_the_results_of_tools_can_be_read(upstreams_of: Any, plain: Any):
    link = {"type": "resource_link", "uri": URI, "name": "a"}
    odd = {"type": "resource_link", "uri": "no uri", "name": "b"}
    page = {"type": "resource_link", "uri": "https://a.example/a", "name": "c"}
    held = {"type": "resource", "resource": {"uri": URI, "text": "x"}}
    async with upstreams_of({"s": plain(capabilities=ALL, answers=ANSWERS)}) as all_:
        await offered(all_, "s")
        result = await all_.registry.call("s__answer", {"result": {"content": [link, odd, held, page]}})
        assert result.content[0]["uri"] == f"s+{URI}"
        assert result.content[1]["uri"] == "no uri"
        assert result.content[2]["resource"]["uri"] == f"s+{URI}"
        assert result.content[3] == page
        assert await all_.resources.read(result.content[0]["uri"], NO_CALLER)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({}, None),  # a capability without its methods costs nothing
        ({"resources/list": {"resources": 7}}, "resources"),
        ({"prompts/list": {"prompts": [{"title": "no name"}]}}, "prompts"),
    ],
)
async def test_a_list_that_is_none_costs_only_itself(upstreams_of: Any, plain: Any, answers: Any, problem: str | None):
    async with upstreams_of({"s": plain(capabilities=ALL, answers=answers)}) as all_:
        await all_.connected("s")
        assert await all_.text("s__echo", text="hi") == "hi"
        if problem is None:
            assert all_.server("s").get("problems") is None
        else:
            found = await eventually(lambda: all_.server("s").get("problems"))
            assert any(problem in text for text in found)


@pytest.mark.parametrize("list_", ["resources", "resources/templates", "prompts"])
async def test_a_list_that_never_comes_costs_only_itself(upstreams_of: Any, plain: Any, tmp_path: Path, list_: str):
    (tmp_path / "tools.json").write_text("[]")
    limits = {"connect_timeout_seconds": 0.5}
    entry = plain(
        limits, capabilities=ALL, answers=ANSWERS, hang_on=f"{list_}/list", tools=str(tmp_path / "tools.json")
    )
    async with upstreams_of({"s": entry}) as all_:
        problems = await eventually(lambda: all_.server("s").get("problems"))
        assert any("within 0.5 s" in problem for problem in problems)
        assert (all_.resources.plain != []) == (list_ != "resources")
        assert (len(all_.prompts) > 0) == (list_ != "prompts")
        more = [{"name": "later", "inputSchema": {"type": "object"}}]
        (tmp_path / "tools.json").write_text(json.dumps(more))  # and the server is still heard
        await eventually(lambda: "s__later" in all_.names())


async def test_what_a_person_does_not_see_is_taken_out(upstreams_of: Any, plain: Any):
    link = {"type": "resource_link", "uri": "javascript:alert(1)", "name": "x"}
    answers = {
        **ANSWERS,
        "resources/read": {"contents": [{"uri": URI, "text": "a\u202eb\U000e0041"}]},
        "prompts/get": {
            "messages": [
                {"role": "user", "content": {"type": "text", "text": "a\u200bb"}},
                {"role": "user", "content": link},
            ]
        },
        "completion/complete": {"completion": {"values": ["a\u200bb"]}},
    }
    async with upstreams_of({"s": plain(capabilities=ALL, answers=answers)}) as all_:
        await offered(all_, "s")
        contents = await all_.resources.read(f"s+{URI}", NO_CALLER)
        assert contents is not None
        assert contents[0]["text"] == "ab"
        prompt = all_.prompts.get("s__review_it")
        assert prompt is not None
        text, left_out = (message["content"]["text"] for message in await prompt.write({"code": "x"}, NO_CALLER))
        assert (text, "left out" in left_out) == ("ab", True)
        assert await prompt.arguments[0].complete("a", NO_CALLER) == ["ab"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"contents": 7}, "not a result of MCP"), ({"contents": [{"uri": URI, "text": "x" * 2_000}]}, "more than 1024")],
)
async def test_what_cannot_be_passed_on_is_an_error_that_names_the_server(
    upstreams_of: Any, plain: Any, answer: Any, said: str
):
    answers = {**ANSWERS, "resources/read": answer}
    async with upstreams_of({"s": plain({"max_result_bytes": 1024}, capabilities=ALL, answers=answers)}) as all_:
        await offered(all_, "s")
        with pytest.raises(ToolFailedError, match=f"'s'.*{said}"):
            await all_.resources.read(f"s+{URI}", NO_CALLER)


async def test_a_server_that_leaves_takes_them_along(upstreams_of: Any, plain: Any):
    async with upstreams_of({"s": plain(capabilities=ALL, answers=ANSWERS)}) as all_:
        await offered(all_, "s")
        (prompt,) = all_.prompts
        await all_.registry.call("s__die", {})
        await eventually(lambda: len(all_.prompts) == 0 and not all_.resources.plain)
        with pytest.raises(ToolFailedError, match="is away"):
            await prompt.filled_in({"code": "x"}, NO_CALLER)
        await all_.connected("s")
        await eventually(lambda: len(all_.prompts) == 1)


async def test_two_servers_whose_names_are_one_scheme(upstreams_of: Any, plain: Any):
    one = plain(capabilities=ALL, answers=ANSWERS)
    async with upstreams_of({"a_b": one, "a-b": one}) as all_:
        await all_.connected("a_b", "a-b")
        problems = await eventually(lambda: all_.server("a_b").get("problems") or all_.server("a-b").get("problems"))
        assert any("resources are left out" in text for text in problems)
        assert len(all_.resources.plain) == 1
        assert len(all_.prompts) == 2


async def test_a_client_reads_and_asks_through_the_toolbox(plain: Any, tmp_path: Path):
    file = tmp_path / "servers.json"
    file.write_text(json.dumps({"mcpServers": {"s": plain(capabilities=ALL, answers=ANSWERS)}}), "utf-8")
    app = create_app(load(ToolboxSettings, {}), ToolRegistry(), UpstreamManager(file, {}))
    async with running(app) as url, Client(streamable_http_client(f"{url}/mcp")) as client:
        await client.list_resources()
        while not any(str(each.uri).startswith("s+") for each in (await client.list_resources()).resources):
            pass
        read = await client.read_resource(f"s+{URI}")
        assert [type(each).__name__ for each in read.contents] == ["TextResourceContents", "BlobResourceContents"]
        assert len((await client.get_prompt("s__review_it", {"code": "x"})).messages) == 2
        with pytest.raises(MCPError, match="code: is required"):
            await client.get_prompt("s__review_it", {})


@pytest.mark.parametrize(
    ("access", "resources", "prompts"),
    [("", True, True), ("*=s__*", True, True), ("*=s__echo", False, False), ("*=s__echo|s__review*", False, True)],
)
async def test_a_callers_list_holds_for_them_too(
    plain: Any, tmp_path: Path, access: str, resources: bool, prompts: bool
):
    file = tmp_path / "servers.json"
    file.write_text(json.dumps({"mcpServers": {"s": plain(capabilities=ALL, answers=ANSWERS)}}), "utf-8")
    upstreams, registry = UpstreamManager(file, {}), ToolRegistry()
    settings = load(ToolboxSettings, {"TOOL_ACCESS": access})
    approvals = Approvals(Destructive())
    server = create_server(registry, version="1", approvals=approvals)
    app = mounted(settings, registry, server, approvals, upstreams)
    async with running(app) as url, Client(streamable_http_client(f"{url}/mcp")) as client:
        await eventually(lambda: server.prompts.get("s__review_it") is not None)
        listed = [str(each.uri) for each in (await client.list_resources()).resources]
        assert (f"s+{URI}" in listed) == resources
        templates = (await client.list_resource_templates()).resource_templates
        assert any(each.uri_template.startswith("s+") for each in templates) == resources
        assert ("s__review_it" in {each.name for each in (await client.list_prompts()).prompts}) == prompts
        template = ResourceTemplateReference(type="ref/resource", uri="s+file:///{+path}")
        prompt = PromptReference(type="ref/prompt", name="s__review_it")
        for allowed, asked in (
            (resources, client.read_resource(f"s+{URI}")),
            (resources, client.read_resource("s+file:///never/listed")),
            (resources, client.complete(template, {"name": "path", "value": "x"})),
            (prompts, client.get_prompt("s__review_it", {"code": "x"})),
            (prompts, client.complete(prompt, {"name": "code", "value": "p"})),
        ):
            if allowed:
                assert await asked
            else:
                with pytest.raises(MCPError, match=r"not found|Unknown"):
                    await asked
