"""MCP Inspector's command line, as its users have it, against the toolbox over each transport."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.app import built_in, create_app
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

from tests.nodejs import Finished, program, run_node

WAYS = {
    "streamable-http": ["{url}/mcp", "--transport", "http", "--protocol-era", "modern"],
    "sse": ["{url}/sse", "--transport", "sse"],
    "stdio": [sys.executable, "-m", "mcp_toolbox", "--stdio"],
}
TOOL_FAILED = 5
"""Inspector's exit code for a result that says `isError`."""

CALLS = [
    ("add", {"a": 5, "b": 3}, "8", 8),
    ("multiply", {"a": 0.1, "b": 3}, "0.3", 0.3),
    ("uppercase", {"text": "straße, señor"}, "STRASSE, SEÑOR", "STRASSE, SEÑOR"),
    ("count_words", {"text": "¿qué tal, mundo?"}, "3", 3),
]


class Inspector:
    """Inspector's CLI, told where the toolbox is."""

    def __init__(self, target: list[str], home: Path) -> None:
        self._target = target
        self._home = home
        self._at_once = asyncio.Semaphore(2)  # each run is a process that compiles megabytes of JavaScript

    async def run(self, method: str, *options: str) -> Finished:
        """One method, with its result as JSON."""
        async with self._at_once:
            return await run_node(
                program("@modelcontextprotocol/inspector", "inspector"), "--cli",
                *self._target, "--method", method, *options,
                "--format", "json", "--quiet", "--connect-timeout", "50000",
                environ={"HOME": str(self._home)},
            )  # fmt: skip

    async def ask(self, method: str, *options: str) -> Any:
        """The result of one method that has to succeed."""
        ended = await self.run(method, *options)
        assert ended.code == 0, ended
        return json.loads(ended.output)["result"]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Finished:
        return await self.run("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))


def serve(**environ: str):
    return running(create_app(load(ToolboxSettings, environ), built_in()))


@pytest.fixture(params=WAYS)
async def inspector(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Inspector]:
    async with serve() as url:
        yield Inspector([word.format(url=url) for word in WAYS[request.param]], tmp_path)


async def test_it_lists_and_calls_every_tool(inspector: Inspector):
    listed, *called = await asyncio.gather(
        inspector.ask("tools/list", "--strict"),  # fails where a schema would not suit every client
        *(inspector.call(name, arguments) for name, arguments, _, _ in CALLS),
    )
    assert sorted(tool["name"] for tool in listed["tools"]) == sorted(name for name, *_ in CALLS)
    for ended, (_, _, text, value) in zip(called, CALLS, strict=True):
        assert ended.code == 0, ended
        result = json.loads(ended.output)["result"]
        assert (result["content"][0]["text"], result["structuredContent"]) == (text, {"result": value})


async def test_it_reads_resources_prompts_and_what_is_wrong(tmp_path: Path):
    async with serve() as url:
        inspector = Inspector([f"{url}/mcp", "--transport", "http", "--protocol-era", "legacy"], tmp_path)
        wrong, registry, prompt = await asyncio.gather(
            inspector.call("add", {"a": "five", "b": 3}),
            inspector.ask("resources/read", "--uri", "toolbox://catalogue"),
            inspector.ask("prompts/get", "--prompt-name", "use_tools", "--prompt-args", "task=suma 5 y 3"),
        )
    assert wrong.code == TOOL_FAILED
    assert "a: Input should be a number" in wrong.output
    assert "add" in [tool["name"] for tool in json.loads(registry["contents"][0]["text"])["tools"]]
    assert "suma 5 y 3" in prompt["messages"][0]["content"]["text"]


async def test_it_shows_its_key(tmp_path: Path):
    async with serve(AUTH_MODE="keys", API_KEYS="secret-key") as url:
        target = [f"{url}/mcp", "--transport", "http"]
        with_key = Inspector([*target, "--header", "Authorization: Bearer secret-key"], tmp_path)
        without = Inspector([*target, "--stored-auth-only"], tmp_path)
        called, refused = await asyncio.gather(with_key.call("add", {"a": 5, "b": 3}), without.run("tools/list"))
    assert json.loads(called.output)["result"]["content"][0]["text"] == "8"
    assert refused.code != 0
    assert "secret-key" not in refused.output + refused.errors
