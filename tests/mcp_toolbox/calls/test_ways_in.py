"""The call policy holds for calls over every transport."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp_toolbox.app import create_app
from mcp_toolbox.errors import InvalidArgumentsError
from mcp_toolbox.registry.tool import Hints, Tool, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from pydantic import Field
from service_kit.settings import SettingsError, load

Call = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


async def sleep(seconds: Annotated[float, Field(description="How long.")]) -> str:
    """Answer later."""
    await asyncio.sleep(seconds)
    return "slept"


def erase() -> str:
    """Erase everything there is."""
    return "erased"


EXTRA = (from_function(sleep, Hints()), from_function(erase, Hints(destructive=True)))


@asynccontextmanager
async def over_rest(url: str) -> AsyncIterator[Call]:
    async with httpx.AsyncClient(base_url=url, timeout=10) as http:

        async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            response = await http.post("/mcp/tools/call", json={"name": name, "arguments": arguments})
            answer = response.json()
            return {"text": answer["error"]["message"], **answer["error"]} if "error" in answer else _read(answer)

        yield call


@asynccontextmanager
async def _over(client: Client) -> AsyncIterator[Call]:
    async with client:

        async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            return _read((await client.call_tool(name, arguments)).model_dump(by_alias=True, exclude_none=True))

        yield call


def over_streamable_http(url: str):
    return _over(Client(f"{url}/mcp"))


def over_sse(url: str):
    return _over(Client(sse_client(f"{url}/sse"), mode="legacy"))


def _read(result: dict[str, Any]) -> dict[str, Any]:
    return {"text": result["content"][0]["text"], "is_error": result.get("isError", False)}


WAYS = {"rest": over_rest, "streamable-http": over_streamable_http, "sse": over_sse}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_in_is_limited_and_recorded(serve_toolbox: Any, tmp_path: Path, way: str):
    variables = {
        "TOOL_RATE_LIMITS": "multiply=1/h",
        "TOOL_TIMEOUTS": "sleep=0.05",
        "TOOL_MAX_RESULT_BYTES": "1024",
        "AUDIT_LOG": str(tmp_path / "audit.jsonl"),
        "AUDIT_ARGUMENTS": "true",
    }
    async with serve_toolbox(*EXTRA, **variables) as url, WAYS[way](url) as call:
        assert (await call("add", {"a": 5, "b": 3}))["text"] == "8"
        assert "b" in (await call("add", {"a": 5}))["text"]
        assert (await call("multiply", {"a": 5, "b": 3}))["text"] == "15"
        assert "is called too often: wait 3600" in (await call("multiply", {"a": 5, "b": 3}))["text"]
        slept = await call("sleep", {"seconds": 60.0})
        assert ("within 0.05 s" in slept["text"], slept["is_error"]) == (True, True)
        large = await call("uppercase", {"text": "x" * 2000})
        assert ("is too large" in large["text"], large["is_error"]) == (True, True)
        assert "approve" in (await call("erase", {}))["text"]
    recorded = lines(tmp_path / "audit.jsonl")
    assert [(line["tool"], line["outcome"]) for line in recorded] == [
        ("add", "ok"),
        ("add", "invalid"),
        ("multiply", "ok"),
        ("multiply", "rate_limited"),
        ("sleep", "timeout"),
        ("uppercase", "error"),
        ("erase", "refused"),
    ]
    assert {line["transport"] for line in recorded} == {way}
    assert recorded[0]["arguments"] == {"a": 5, "b": 3}
    assert all(line["requestId"] and line["userId"] == "anonymous" for line in recorded)


async def test_over_the_standard_streams_too(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    variables = {"TOOL_RATE_LIMITS": "add=1/h", "AUDIT_LOG": str(path), "DESTRUCTIVE_TOOLS": "upper*"}
    server = StdioServerParameters(command=sys.executable, args=["-m", "mcp_toolbox", "--stdio"], env=variables)
    async with _over(Client(stdio_client(server))) as call:
        assert (await call("add", {"a": 5, "b": 3}))["text"] == "8"
        assert "too often" in (await call("add", {"a": 5, "b": 3}))["text"]
        assert "approve" in (await call("uppercase", {"text": "x"}))["text"]
        assert "text" in (await call("uppercase", {}))["text"]
    outcomes = [(line["outcome"], line["transport"]) for line in lines(path)]
    assert outcomes == [("ok", "stdio"), ("rate_limited", "stdio"), ("refused", "stdio"), ("invalid", "stdio")]


async def test_rest_says_when_to_come_again(serve_toolbox: Any):
    async with serve_toolbox(TOOL_RATE_LIMITS="add=1/10s") as url, httpx.AsyncClient(base_url=url) as http:
        body = {"name": "add", "arguments": {"a": 5, "b": 3}}
        assert (await http.post("/mcp/tools/call", json=body)).status_code == 200
        refused = await http.post("/mcp/tools/call", json=body)
        error = refused.json()["error"]
        assert (refused.status_code, error["type"], error["code"]) == (429, "rate_limit_error", "tool_rate_limited")
        assert refused.headers["retry-after"] == "10"


async def test_callers_with_keys_have_rates_of_their_own(serve_toolbox: Any):
    keys = {"AUTH_MODE": "keys", "API_KEYS": "key-one,key-two", "TOOL_RATE_LIMITS": "add=1/h"}
    body = {"name": "add", "arguments": {"a": 5, "b": 3}}
    async with serve_toolbox(**keys) as url, httpx.AsyncClient(base_url=url) as http:
        statuses = [
            (await http.post("/mcp/tools/call", json=body, headers={"x-api-key": key})).status_code
            for key in ("key-one", "key-one", "key-two")
        ]
    assert statuses == [200, 429, 200]


async def test_a_source_that_comes_later_is_guarded_too():
    settings = load(ToolboxSettings, {"TOOL_TIMEOUTS": "sl*=0.02"})
    registry = ToolRegistry()
    create_app(settings, registry)
    registry.replace("late", [EXTRA[0]])
    assert (await registry.call("sleep", {"seconds": 60.0})).is_error


def test_a_record_that_cannot_be_kept_stops_the_start(tmp_path: Path):
    settings = load(ToolboxSettings, {"AUDIT_LOG": str(tmp_path / "no" / "audit")})
    with pytest.raises(SettingsError, match="AUDIT_LOG"):
        create_app(settings, ToolRegistry())


JUNK: list[Any] = [{"unheard_of": 1}, {"\ud800": 1}, {"a": object()}, {"text": ["x"]}]


@pytest.mark.parametrize("arguments", JUNK)
async def test_no_tool_of_ours_runs_with_what_its_schema_does_not_allow(registry: ToolRegistry, arguments: Any):
    tools: list[Tool] = list(registry)
    assert tools
    for tool in tools:
        with pytest.raises(InvalidArgumentsError):
            tool.check(arguments)
