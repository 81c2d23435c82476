"""Widely used servers behind the toolbox: their tools are listed, and work over MCP and REST alike."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from mcp import Client
from mcp.types import ElicitResult, ImageContent, TextContent

from tests.nodejs import node, program
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
PACKAGES = "@modelcontextprotocol/server-"
GREEN, OWN = "connected", {"add", "count_words", "multiply", "uppercase", "search_tools"}


def from_npm(name: str, *args: str, **more: Any) -> dict[str, Any]:
    return {"command": node(), "args": [program(PACKAGES + name), *args], **more}


def from_pypi(name: str, *args: str) -> dict[str, Any]:
    command = ROOT / ".venvs/community/bin" / name
    assert command.exists(), "not installed: run scripts/install-community-servers.sh"
    return {"command": str(command), "args": list(args)}


def own(tools: list[dict[str, Any]], server: str) -> dict[str, dict[str, Any]]:
    """A server's tools, under its own names for them."""
    prefix = f"{server}__"
    return {tool["name"].removeprefix(prefix): tool for tool in tools if tool["name"].startswith(prefix)}


async def test_filesystem(toolbox_with: Any, tmp_path: Path):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "greeting.txt").write_text("¡hola!\n", "utf-8")
    async with toolbox_with({"files": from_npm("filesystem", str(folder))}) as toolbox:
        assert {"read_text_file", "list_directory", "write_file"} <= set(own(await toolbox.listed(), "files"))
        assert await toolbox.text("files__read_text_file", path=str(folder / "greeting.txt")) == "¡hola!\n"
        assert "greeting.txt" in await toolbox.text("files__list_directory", path=str(folder))
        outside = await toolbox.result("files__read_text_file", path="/etc/passwd")
        assert outside.is_error
        assert "root:" not in outside.model_dump_json()
        wrong = await toolbox.call("files__list_directory", wrong=1)
        assert wrong.status_code == 422
        assert "path" in wrong.json()["error"]["message"]


async def test_what_a_server_marks_as_destructive_waits_for_a_person(toolbox_with: Any, tmp_path: Path):
    folder = tmp_path / "shared"
    folder.mkdir()
    asked: list[str] = []

    async def person(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={})

    written = {"path": str(folder / "new.txt"), "content": "nuevo"}
    async with toolbox_with({"files": from_npm("filesystem", str(folder))}) as toolbox:
        refused = await toolbox.call("files__write_file", **written)
        assert refused.json()["error"]["code"] == "approval_required"
        async with Client(f"{toolbox.url}/mcp") as nobody:
            assert (await nobody.call_tool("files__write_file", written)).is_error
        assert list(folder.iterdir()) == []
        async with Client(f"{toolbox.url}/mcp", elicitation_callback=person) as client:
            assert not (await client.call_tool("files__write_file", written)).is_error
    assert (folder / "new.txt").read_text() == "nuevo"
    assert len(asked) == 1
    assert "files__write_file" in asked[0]


async def test_memory(toolbox_with: Any, tmp_path: Path):
    kept = tmp_path / "graph.json"
    ada = {"name": "Ada", "entityType": "person", "observations": ["le gustan los números"]}
    async with toolbox_with({"memory": from_npm("memory", env={"MEMORY_FILE_PATH": str(kept)})}) as toolbox:
        assert {"create_entities", "search_nodes"} <= set(own(await toolbox.listed(), "memory"))
        created = (await toolbox.call("memory__create_entities", entities=[ada])).json()
        assert created["structuredContent"] == {"entities": [ada]}
        found = await toolbox.result("memory__search_nodes", query="números")
        assert found.structured_content == {"entities": [ada], "relations": []}
    assert "números" in kept.read_text("utf-8")


async def check_everything(toolbox: Any, server: str) -> None:
    """What server-everything has of each kind of content."""
    assert {"echo", "get-sum"} <= set(own(await toolbox.listed(), server))
    assert await toolbox.text(f"{server}__echo", message="¡hola! 🙂") == "Echo: ¡hola! 🙂"
    assert await toolbox.text(f"{server}__get-sum", a=5, b=3) == "The sum of 5 and 3 is 8."
    weather = await toolbox.result(f"{server}__get-structured-content", location="Chicago")
    assert weather.structured_content is not None
    assert set(weather.structured_content) == {"temperature", "conditions", "humidity"}
    image = next(
        block
        for block in (await toolbox.result(f"{server}__get-tiny-image")).content
        if isinstance(block, ImageContent)
    )
    assert base64.b64decode(image.data).startswith(b"\x89PNG")
    links = await toolbox.result(f"{server}__get-resource-links", count=2)
    assert [block.type for block in links.content] == ["text", "resource_link", "resource_link"]


async def test_everything(toolbox_with: Any):
    async with toolbox_with({"all": from_npm("everything")}, OPENAI_API_KEY="sk-secret") as toolbox:
        await check_everything(toolbox, "all")
        environ = json.loads(await toolbox.text("all__get-env"))
        assert "PATH" in environ
        assert "OPENAI_API_KEY" not in environ


async def test_progress_of_a_server_reaches_the_client(toolbox_with: Any):
    heard: list[tuple[float, float | None]] = []

    async def heard_of(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total))

    async with (
        toolbox_with({"all": from_npm("everything")}) as toolbox,
        Client(f"{toolbox.url}/mcp") as client,
    ):
        arguments = {"duration": 0.2, "steps": 4}
        result = await client.call_tool("all__trigger-long-running-operation", arguments, progress_callback=heard_of)
    assert isinstance(result.content[0], TextContent)
    assert "completed" in result.content[0].text
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


@asynccontextmanager
async def everything_over(transport: str) -> AsyncIterator[int]:
    """server-everything on a port of its own, over `streamableHttp` or `sse`."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        node(), program(PACKAGES + "everything"), transport,
        env={**os.environ, "PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield port
    finally:
        process.kill()
        await process.wait()


async def test_everything_over_each_http_transport(toolbox_with: Any):
    async with everything_over("streamableHttp") as http, everything_over("sse") as sse:
        servers = {
            "http": {"url": f"http://127.0.0.1:{http}/mcp"},
            "old": {"type": "sse", "url": f"http://127.0.0.1:{sse}/sse"},
        }
        async with toolbox_with(servers) as toolbox:
            health = (await toolbox.health())["servers"]
            assert {name: each["transport"] for name, each in health.items()} == {"http": "http", "old": "sse"}
            for server in servers:
                await check_everything(toolbox, server)


async def test_servers_from_pypi(toolbox_with: Any, tmp_path: Path):
    repository = tmp_path / "repository"
    for command in (
        ["git", "init", "--quiet", str(repository)],
        ["git", "-C", str(repository), "-c", "user.name=Ada", "-c", "user.email=ada@example.com",
         "commit", "--quiet", "--allow-empty", "--message", "primer paso"],
    ):  # fmt: skip
        subprocess.run(command, check=True)
    servers = {"time": from_pypi("mcp-server-time"), "git": from_pypi("mcp-server-git", "-r", str(repository))}
    async with toolbox_with(servers) as toolbox:
        tools = await toolbox.listed()
        assert set(own(tools, "time")) == {"get_current_time", "convert_time"}
        assert "git_log" in own(tools, "git")
        noon = {"source_timezone": "UTC", "time": "12:00"}
        converted = json.loads(await toolbox.text("time__convert_time", target_timezone="Asia/Tokyo", **noon))
        assert "T21:00:00+09:00" in converted["target"]["datetime"]
        assert (await toolbox.result("time__convert_time", target_timezone="Nowhere/X", **noon)).is_error
        assert "primer paso" in await toolbox.text("git__git_log", repo_path=str(repository))


async def test_together_and_gone_with_the_toolbox(toolbox_with: Any, tmp_path: Path):
    servers = {
        "files": from_npm("filesystem", str(tmp_path)),
        "memory": from_npm("memory", env={"MEMORY_FILE_PATH": str(tmp_path / "graph.json")}),
        "all": from_npm("everything"),
        "time": from_pypi("mcp-server-time"),
    }
    others = set(psutil.Process().children(recursive=True))  # other tests' databases
    async with toolbox_with(servers) as toolbox:
        health = await toolbox.health()
        assert {name: each["status"] for name, each in health["servers"].items()} == dict.fromkeys(servers, GREEN)
        tools = await toolbox.listed()
        assert health["tools_count"] == len(tools) == len({tool["name"] for tool in tools})
        assert {tool["name"] for tool in tools if "__" not in tool["name"]} == OWN
        found = await toolbox.text("search_tools", query="convert a time to another time zone")
        assert "time__convert_time" in found
        children = [child for child in psutil.Process().children(recursive=True) if child not in others]
        assert len(children) >= len(servers)
        answers = await asyncio.gather(*(toolbox.text("all__echo", message=str(i)) for i in range(20)))
        assert answers == [f"Echo: {i}" for i in range(20)]
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
