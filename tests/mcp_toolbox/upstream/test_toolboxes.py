"""A toolbox behind a toolbox: each transport with both of its ends from this suite."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_toolbox import tools
from mcp_toolbox.app import create_app
from mcp_toolbox.registry.tool import Hints, from_function
from mcp_toolbox.registry.tools import ToolRegistry, discover
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.upstream.manager import UpstreamManager
from service_kit.settings import load
from service_kit.testing import running as serving

from tests.mcp_toolbox.upstream.conftest import until


def late() -> str:
    """Come later than the others."""
    return "late"


@pytest.mark.parametrize("entry", [{"path": "/mcp"}, {"path": "/sse", "type": "sse"}], ids=["http", "sse"])
async def test_the_inner_ones_tools_are_the_outer_ones_and_so_are_changes(
    upstreams_of: Any, eventually: Any, entry: dict[str, Any]
):
    inner = ToolRegistry(discover(tools))
    app = create_app(load(ToolboxSettings, {}), inner)
    async with serving(app) as url, upstreams_of({"inner": _entry(url, entry)}) as outer:
        await outer.connected("inner")
        assert outer.names() == [f"inner__{name}" for name in ("add", "count_words", "multiply", "uppercase")]
        result = await outer.registry.call("inner__add", {"a": 0.1, "b": 0.2})
        assert (result.text, result.structured) == ("0.3", {"result": 0.3})
        inner.replace("pack", [from_function(late, Hints())])
        await eventually(lambda: "inner__late" in outer.names())
        assert await outer.text("inner__late") == "late"
        inner.replace("pack", [])
        await eventually(lambda: "inner__late" not in outer.names())


async def test_health_and_every_way_in_know_of_other_servers(upstreams_of: Any, plain: Any):
    async with upstreams_of({"one": plain()}) as running:
        settings = load(ToolboxSettings, {})
        app = create_app(settings, running.registry, running.upstreams)
        await running.connected("one")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
            health = (await http.get("/health")).json()
            listed = (await http.get("/mcp/tools/list")).json()["tools"]
            called = await http.post("/mcp/tools/call", json={"name": "one__echo", "arguments": {"text": "ñ"}})
            wrong = await http.post("/mcp/tools/call", json={"name": "one__echo", "arguments": {"text": 5}})
    assert health["servers"]["one"].keys() == {"status", "transport", "tools", "since", "restarts"}
    assert (health["status"], health["tools_count"]) == ("healthy", len(listed))
    assert called.json()["content"] == [{"type": "text", "text": "ñ"}]
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (422, "text")


def _entry(url: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "path"} | {"url": url + entry["path"]}


@asynccontextmanager
async def ring(folder: Path, links: dict[str, list[str]]) -> AsyncIterator[dict[str, ToolRegistry]]:
    """Toolboxes that list one another: each by its name, with the names of those that it lists."""
    registries = {name: ToolRegistry(discover(tools)) for name in links}
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        managers: dict[str, UpstreamManager] = {}
        for name, registry in registries.items():
            file = folder / f"{name}.json"
            file.write_text('{"mcpServers": {}}')
            managers[name] = UpstreamManager(file, {}, poll_seconds=0.05)
            app = create_app(load(ToolboxSettings, {}), registry, managers[name])
            urls[name] = await stack.enter_async_context(serving(app))
        for name, listed in links.items():
            entries = {other: {"url": f"{urls[other]}/mcp"} for other in listed}
            (folder / f"{name}.json").write_text(json.dumps({"mcpServers": entries}))
        await until(lambda: all(len(manager.to_health()) == len(links[n]) for n, manager in managers.items()))
        await until(lambda: all(not manager.degraded for manager in managers.values()))
        yield registries


OWN = {"add", "count_words", "multiply", "uppercase"}


@pytest.mark.parametrize(
    "links",
    [
        {"a": ["a"]},
        {"a": ["b"], "b": ["a"]},
        {"a": ["b"], "b": ["c"], "c": ["a"]},
        {"a": ["a", "b"], "b": ["b", "a"]},
    ],
    ids=["itself", "each other", "three", "both"],
)
async def test_a_ring_of_toolboxes_does_not_grow(tmp_path: Path, links: dict[str, list[str]]):
    async with ring(tmp_path, links) as registries:
        others = len(links) - 1
        await until(lambda: all(len(registry) == 4 * (1 + others) for registry in registries.values()))
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert all(len(registry) == 4 * (1 + others) for registry in registries.values())
        for registry in registries.values():
            assert {tool.name.rpartition("__")[2] for tool in registry} == OWN
            for tool in registry:
                if tool.name.endswith("add"):
                    assert (await registry.call(tool.name, {"a": 1, "b": 2})).text == "3"
