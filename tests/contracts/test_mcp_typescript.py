"""The official TypeScript clients, of the generation before 2026-07-28 and of this one, over each transport."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.app import create_app
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

from tests.contracts.working_tools import working_registry
from tests.nodejs import FOLDER, run_node

CURRENT, LAST_HANDSHAKE = "2026-07-28", "2025-11-25"
STDIO = {"transport": "stdio", "command": sys.executable, "args": [str(Path(__file__).parent / "working_tools.py")]}
HTTP, SSE = {"transport": "http", "url": "/mcp"}, {"transport": "sse", "url": "/sse"}

WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "v2, streamable-http": ({"sdk": "v2", "era": "auto", **HTTP}, CURRENT),
    "v2, streamable-http, pinned": ({"sdk": "v2", "era": {"pin": CURRENT}, **HTTP}, CURRENT),
    "v2, streamable-http, legacy": ({"sdk": "v2", "era": "legacy", **HTTP}, LAST_HANDSHAKE),
    "v2, sse": ({"sdk": "v2", "era": "legacy", **SSE}, LAST_HANDSHAKE),
    "v2, stdio": ({"sdk": "v2", "era": "auto", **STDIO}, CURRENT),
    "v1, streamable-http": ({"sdk": "v1", **HTTP}, LAST_HANDSHAKE),
    "v1, sse": ({"sdk": "v1", **SSE}, LAST_HANDSHAKE),
    "v1, stdio": ({"sdk": "v1", **STDIO}, LAST_HANDSHAKE),
}


def serve(**environ: str):
    return running(create_app(load(ToolboxSettings, environ), working_registry()))


@pytest.fixture
async def toolbox() -> AsyncIterator[str]:
    async with serve() as url:
        yield url


async def report_of(asked: dict[str, Any], toolbox: str = "") -> dict[str, Any]:
    """What the client saw that connects as `asked`."""
    if "url" in asked:
        asked = {**asked, "url": toolbox + asked["url"]}
    ended = await run_node(FOLDER / "client.mjs", json.dumps(asked))
    assert ended.code == 0, ended
    return json.loads(ended.output)


@pytest.mark.parametrize("way", WAYS)
async def test_it_works_with_the_tools(toolbox: str, way: str):
    asked, revision = WAYS[way]
    report = await report_of(asked, toolbox)
    assert report["server"]["name"] == "mcp-toolbox", report["connected"]
    if report["revision"] is not None:  # the first generation does not say what it negotiated over every transport
        assert report["revision"] == revision
    assert report["tools"] == ["add", "count", "count_words", "multiply", "uppercase", "wait", "waits"]
    results = [8, 0.3, 3 * 2**40, "STRASSE, SEÑOR 🙂", 3]
    assert [answer["structuredContent"]["result"] for answer in report["answers"]] == results
    assert [answer["content"][0]["text"] for answer in report["answers"]] == [str(result) for result in results]
    assert report["many"] == [i * i for i in range(50)]
    assert report["wrong"]["isError"] is True
    assert "a: Input should be a number" in report["wrong"]["content"][0]["text"]
    assert report["unknown"]["code"] == -32602
    assert [(each["progress"], each["total"], each["message"]) for each in report["progress"]] == [
        (1, 3, "at 1"),
        (2, 3, "at 2"),
        (3, 3, "at 3"),
    ]
    assert report["counted"]["structuredContent"] == {"result": 3}
    assert report["cancelled"] == {"failed": True, "waits": {"running": 0, "cancelled": 1}}
    assert "toolbox://catalogue" in report["resources"]
    assert [tool["name"] for tool in json.loads(report["catalogue"])["tools"]] == report["tools"]
    assert "use_tools" in report["prompts"]
    assert report["after"] == "2"


@pytest.mark.parametrize("way", ["v2, streamable-http", "v1, streamable-http", "v1, sse"])
async def test_its_key_opens_the_toolbox_and_without_it_stays_shut(way: str):
    asked, _ = WAYS[way]
    async with serve(AUTH_MODE="keys", API_KEYS="secret-key") as url:
        opened = await report_of({**asked, "headers": {"Authorization": "Bearer secret-key"}}, url)
        shut = await report_of(asked, url)
    assert opened["after"] == "2"
    assert "tools" not in shut
    assert shut["connected"]["message"]
