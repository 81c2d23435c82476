"""Servers that misbehave: each call ends within its limit with the right answer, and /health tells the truth within a
second."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_toolbox.app import create_app
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running as serving

LIMIT = 1.0
ANSWER = '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"TEXT"}]}}\n'

Entry = dict[str, Any]


def stays(entry: Entry) -> bool:
    return entry["status"] == "connected" and entry["restarts"] == 0


def was_away(entry: Entry) -> bool:
    return entry["status"] != "connected" or entry["restarts"] > 0


@dataclass(frozen=True)
class Case:
    """A call, the text that it must be answered with, whether that is an error, and what /health must say."""

    tool: str
    arguments: dict[str, Any]
    text: str
    is_error: bool = True
    health: Callable[[Entry], bool] = stays


CASES: dict[str, Case] = {
    "ends": Case("die", {}, "left before it had answered", health=was_away),
    "answers garbage": Case("raw", {"line": '{"jsonrpc":"2.0","id":ID,"result":{"content":[{"t\n'}, "not MCP"),
    "answers another shape": Case("answer", {"result": {"content": 7}}, "not a result of MCP"),
    "answers nothing in it": Case("answer", {"result": {}}, "not a result of MCP"),
    "answers a list": Case("raw", {"line": '{"jsonrpc":"2.0","id":ID,"result":[1]}\n'}, "not MCP"),
    "cuts an emoji": Case("raw", {"line": ANSWER.replace("TEXT", r"a \ud83d b")}, "a \ufffd b", is_error=False),
    "prints": Case("raw", {"line": "hello\n{oops\n\x00\n" + ANSWER}, "TEXT", is_error=False),
    "prints without an end": Case("raw", {"line": "x" * 2_000}, "did not answer within 1 s"),
    "prints on the same line": Case("raw", {"line": "50%... 100%" + ANSWER}, "TEXT", is_error=False),
    "leaves an id unanswered": Case("raw", {"line": "\n"}, "did not answer within 1 s"),
    "answers another id": Case("raw", {"line": ANSWER.replace("ID", "999")}, "did not answer within 1 s"),
    "answers without an id": Case("raw", {"line": ANSWER.replace('"id":ID,', "")}, "did not answer within 1 s"),
    "answers null": Case("raw", {"line": ANSWER.replace("ID", "null")}, "did not answer within 1 s"),
    "takes its time": Case("slow", {"seconds": 30}, "did not answer within 1 s"),
    "answers too much": Case("big", {"size": 6_000_000}, "bytes"),
    "fails": Case("fail", {"code": -32000}, "no luck"),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_call_ends_in_time_and_health_is_true(upstreams_of: Any, plain: Any, eventually: Any, name: str):
    case = CASES[name]
    async with upstreams_of({"one": plain({"timeout_seconds": LIMIT}), "two": plain()}) as upstreams:
        app = create_app(load(ToolboxSettings, {}), upstreams.registry, upstreams.upstreams)
        async with serving(app) as url, httpx.AsyncClient(base_url=url) as http:
            await upstreams.connected("one", "two")
            started = time.monotonic()
            body = {"name": f"one__{case.tool}", "arguments": case.arguments}
            result = (await http.post("/mcp/tools/call", json=body)).json()
            assert time.monotonic() - started < LIMIT + 1
            assert case.text in result["content"][0]["text"]
            assert result["isError"] is case.is_error
            async with asyncio.timeout(1):
                while not case.health(entry := (await http.get("/health")).json()["servers"]["one"]):
                    pass
            assert entry["transport"] == "stdio"
            assert await upstreams.text("two__echo", text="still here") == "still here"
            await upstreams.connected("one")
            assert await upstreams.text("one__echo", text="and back") == "and back"


async def test_a_list_that_changes_all_the_time(upstreams_of: Any, plain: Any, eventually: Any, tmp_path: Path):
    file = tmp_path / "tools.json"
    file.write_text("[]")
    async with upstreams_of({"one": plain({"timeout_seconds": LIMIT}, tools=str(file))}) as upstreams:
        await upstreams.connected("one")
        for turn in range(20):
            file.write_text(json.dumps([{"name": f"t{turn}", "inputSchema": {"type": "object"}}]))
            assert await upstreams.text("one__echo", text="x") == "x"
        await eventually(lambda: "one__t19" in upstreams.names(), 3)
        assert [name for name in upstreams.names() if name.startswith("one__t")] == ["one__t19"]
        assert stays(upstreams.server("one"))


@pytest.mark.parametrize("printed", ["yes", "yes >&2", "yes '{oops'"])
async def test_a_server_that_prints_without_end_costs_the_others_little(upstreams_of: Any, plain: Any, printed: str):
    flood = {"command": "sh", "args": ["-c", f"exec {printed}"]}
    async with upstreams_of({"s": plain(), "flood": flood}) as all_:
        await all_.connected("s")
        began, turns, calls = time.thread_time(), 0, 0
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert await all_.text("s__echo", text="hi") == "hi"
            calls += 1
            await asyncio.sleep(0.01)
            turns += 1
        assert turns == calls
        assert time.thread_time() - began < 1.5  # without a bound it takes all of the two seconds
        assert calls > 5
