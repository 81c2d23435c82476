"""Servers are checked, added, connected anew and removed over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_toolbox.page.records import CheckedConfig, KeptServers, ServerState

from tests.mcp_toolbox.page.conftest import LOOPBACK
from tests.mcp_toolbox.upstream.conftest import plain_server

pytestmark = pytest.mark.usefixtures("names_are_known")
EDITORS = Path(__file__).parent.parent / "upstream" / "editors"
ROLES = {"AUTH_MODE": "keys", "API_KEYS": "user-key,operator:boss-key"}
BOSS, USER = {"x-api-key": "boss-key"}, {"x-api-key": "user-key"}
CHANGES = [
    ("POST", "/mcp/servers/check"),
    ("POST", "/mcp/servers"),
    ("POST", "/mcp/servers/x/reconnect"),
    ("DELETE", "/mcp/servers/x"),
]


def at(url: str, name: str = "notes") -> dict[str, Any]:
    return {"mcpServers": {name: {"url": url}}}


async def check(client: httpx.AsyncClient, config: Any, **more: Any) -> dict[str, Any]:
    response = await client.post("/mcp/servers/check", json={"config": config, **more})
    assert response.status_code == 200, response.text
    CheckedConfig.model_validate(response.json())
    return response.json()


async def add(client: httpx.AsyncClient, config: Any) -> httpx.Response:
    return await client.post("/mcp/servers", json={"config": config})


def codes(checked: dict[str, Any]) -> list[str]:
    return [problem["code"] for server in checked["servers"] for problem in server["problems"]]


async def names(client: httpx.AsyncClient) -> list[str]:
    return [tool["name"] for tool in (await client.get("/mcp/tools/list")).json()["tools"]]


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_only_an_operator_changes_servers(opened: Any, method: str, path: str):
    async with opened(**ROLES) as client:
        body = {"json": {"config": "{}"}} if path in ("/mcp/servers", "/mcp/servers/check") else {}
        assert (await client.request(method, path, **body)).status_code == 401
        refused = await client.request(method, path, headers=USER, **body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "operator_required")
        assert (await client.request(method, path, headers=BOSS, **body)).status_code in (200, 404, 422)


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_no_page_of_another_origin_changes_servers(opened: Any, method: str, path: str):
    async with opened() as client:
        refused = await client.request(method, path, headers={"origin": "https://evil.example"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
        form = {"content-type": "text/plain", "content-length": "2"}
        if method == "POST":
            assert (await client.request(method, path, content=b"{}", headers=form)).status_code == 415


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b'{"config": "\\ud800"}', 400, "invalid_json"),
        (b'"text"', 422, "validation_error"),
        (b"{}", 422, "validation_error"),
        (b'{"config": 5}', 422, "validation_error"),
        (b'{"config": "{}", "more": 1}', 422, "validation_error"),
    ],
)
@pytest.mark.parametrize("path", ["/mcp/servers", "/mcp/servers/check"])
async def test_bodies_that_are_wrong(opened: Any, path: str, body: bytes, status: int, code: str):
    async with opened() as client:
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "line 1"),
        ("{", "line 1"),
        ("[]", "must be an object"),
        ("{}", "mcpServers: is missing"),
        ('{"mcpServers": {}}', "there is no server"),
        ('{"a": ' * 5_000, "line 1"),
        ('{"mcpServers": {"a": {"url": "https://a.example/\\ud800"}}}', "half a character"),
        ('{"mcpServers": {"' + "a" * 1_100_000 + '": {}}}', "has more than 1048576 bytes"),
        (json.dumps({"mcpServers": {f"s{n}": {"url": "nope"} for n in range(21)}}), "at most 20"),
    ],
)
async def test_configs_that_are_wrong_as_a_whole(opened: Any, config: str, said: str):
    async with opened() as client:
        checked = await check(client, config)
        assert not checked["ok"]
        assert said in checked["problems"][0]["message"]
        refused = await add(client, config)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_config")


async def test_a_body_over_the_limit(opened: Any):
    async with opened(MAX_BODY_BYTES="1000") as client:
        assert (await add(client, "x" * 2000)).status_code == 413


@pytest.mark.parametrize("file", sorted(EDITORS.iterdir()), ids=lambda file: file.stem)
async def test_any_editors_config(opened: Any, file: Path):
    async with opened() as client:
        checked = await check(client, file.read_text("utf-8"))
        assert checked["problems"] == []
        assert checked["servers"]
        assert "invalid_entry" not in codes(checked)


async def test_it_says_what_would_run_and_no_secret(opened: Any):
    config = """{
      // how VS Code writes it
      "servers": {
        "runs": {"type": "stdio", "command": "npx", "args": ["-y", "some"], "env": {"TOKEN": "hush-1"}},
        "calls": {"type": "http", "url": "https://me:hush-2@a.example/mcp?key=hush-3&on#hush-4",
                  "headers": {"Authorization": "Bearer hush-5"}},
        "wrong": {"command": "npx", "url": "https://a.example"},
      },
    }"""
    async with opened() as client:
        checked = await check(client, config)
        assert "hush" not in json.dumps(checked)
        runs, calls, wrong = checked["servers"]
        assert runs["runs"] == {"command": "npx", "args": ["-y", "some"], "env": ["TOKEN"]}
        assert calls["calls"] == {"url": "https://a.example/mcp?key=…&on", "headers": ["Authorization"]}
        assert codes(checked) == ["commands_not_allowed", "invalid_entry", "invalid_entry"]
        assert "line 7" in wrong["problems"][0]["message"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/mcp", "address_not_allowed"),
        ("http://[::1]/mcp", "address_not_allowed"),
        ("http://169.254.169.254/latest", "address_not_allowed"),
        ("http://[::ffff:10.0.0.1]/mcp", "address_not_allowed"),
        ("http://0.0.0.0/", "address_not_allowed"),
        ("http://nowhere.invalid/mcp", "unknown_host"),
        ("http://a.example:99999/", "invalid_entry"),
        ("http://", "invalid_entry"),
        ("https://${SECRET}/mcp", "variable_not_allowed"),
        ("https://a.example/${SECRET:-x}", "variable_not_allowed"),
        ("https://a.example/${ABSENT}", "variable_not_set"),
        ("https://a.example/${input:key}", "invalid_entry"),
    ],
)
async def test_addresses_that_may_not_be_called(opened: Any, url: str, code: str):
    async with opened(MCP_ADD_VARIABLES="ABSENT", SECRET="hush") as client:
        assert codes(await check(client, at(url), connect=True)) == [code]
        assert (await add(client, at(url))).status_code == 422


async def test_a_check_connects_and_lets_go(opened: Any, elsewhere: str):
    async with opened(**LOOPBACK, DESTRUCTIVE_TOOLS="notes__add") as client:
        (server,) = (await check(client, at(elsewhere), connect=True))["servers"]
        assert server["connected"] is True
        tools = {tool["name"]: tool for tool in server["tools"]}
        assert sorted(tools) == ["notes__add", "notes__count_words", "notes__multiply", "notes__uppercase"]
        assert tools["notes__add"]["needsApproval"]
        assert tools["notes__multiply"]["annotations"]["readOnlyHint"]
        assert (await client.get("/health")).json()["servers"] == {}
        assert len(await names(client)) == 4


async def test_a_check_says_why_a_server_does_not_connect(opened: Any):
    async with opened(MCP_ADD_COMMANDS="true") as client:
        (server,) = (await check(client, {"mcpServers": {"dead": plain_server(dead=True)}}, connect=True))["servers"]
        assert (server["connected"], server["error"]) == (False, "its process ended with exit code 1")
        absent = await check(client, {"mcpServers": {"absent": {"command": "no-such-program"}}})
        assert codes(absent) == ["command_not_found"]


async def test_a_server_is_added_used_connected_anew_and_removed(opened: Any, elsewhere: str):
    async with opened(**LOOPBACK) as client:
        added = await add(client, at(elsewhere))
        assert added.status_code == 201
        KeptServers.model_validate(added.json())
        assert (added.json()["kept"], added.json()["servers"][0]["status"]) == ("memory", "connected")
        called = await client.post("/mcp/tools/call", json={"name": "notes__add", "arguments": {"a": 5, "b": 3}})
        assert called.json()["structuredContent"] == {"result": 8}
        catalog = (await client.get("/mcp/catalogue")).json()
        assert catalog["operator"] is True
        assert catalog["adding"] == {"commands": False, "kept": "memory"}
        assert [server["added"] for server in catalog["servers"] if server["kind"] == "upstream"] == [True]
        again = await client.post("/mcp/servers/notes/reconnect")
        ServerState.model_validate(again.json())
        assert again.json()["status"] == "connected"
        assert (await client.delete("/mcp/servers/notes")).status_code == 200
        assert (await client.get("/health")).json()["servers"] == {}
        assert (await client.delete("/mcp/servers/notes")).status_code == 404


async def test_a_command_needs_the_operators_leave(opened: Any):
    config = {"mcpServers": {"one": plain_server()}}
    async with opened() as client:
        refused = await add(client, config)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "commands_not_allowed")
        assert "MCP_ADD_COMMANDS=true" in refused.json()["error"]["message"]
    async with opened(MCP_ADD_COMMANDS="true") as client:
        assert (await add(client, config)).status_code == 201
        assert "one__echo" in await names(client)
        first = (await client.post("/mcp/tools/call", json={"name": "one__pids"})).json()
        assert (await client.post("/mcp/servers/one/reconnect")).json()["status"] == "connected"
        assert (await client.post("/mcp/tools/call", json={"name": "one__pids"})).json() != first


@pytest.mark.parametrize("name", ["añadir/esto 🦤", '<img src=x onerror="alert(1)">', "..", "a/reconnect"])
async def test_names_of_every_kind(opened: Any, elsewhere: str, name: str):
    async with opened(**LOOPBACK) as client:
        assert (await add(client, at(elsewhere, name))).json()["names"] == [name]
        path = "".join(f"%{byte:02X}" for byte in name.encode())
        assert (await client.post(f"/mcp/servers/{path}/reconnect")).json()["name"] == name
        assert (await client.delete(f"/mcp/servers/{path}")).status_code == 200


async def test_a_name_is_taken_once(opened: Any, elsewhere: str):
    async with opened(**LOOPBACK) as client:
        answers = await asyncio.gather(*(add(client, at(elsewhere)) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
        refused = await add(client, at(elsewhere))
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "server_exists")
        assert codes(await check(client, at(elsewhere))) == ["server_exists"]
        several = await asyncio.gather(*(add(client, at(elsewhere, f"s{n}")) for n in range(5)))
        assert {answer.status_code for answer in several} == {201}
        assert len((await client.get("/health")).json()["servers"]) == 6


async def test_connecting_anew_many_times_at_once(opened: Any, elsewhere: str):
    async with opened(**LOOPBACK) as client:
        await add(client, at(elsewhere))
        answers = await asyncio.gather(*(client.post("/mcp/servers/notes/reconnect") for _ in range(6)))
        assert {answer.status_code for answer in answers} == {200}
        assert answers[-1].json()["status"] == "connected"
        assert (await client.post("/mcp/servers/none/reconnect")).status_code == 404


FILE = """{
  // ours
  "mcpServers": {
    "kept": {"url": "https://a.example/mcp", "disabled": true, "headers": {"X": "ñ"}},
  },
  "theirs": [1.50, {"b": 1, "a": 2}]
}
"""


async def test_what_is_added_stands_in_the_file(opened: Any, elsewhere: str, tmp_path: Path):
    file = tmp_path / "servers.json"
    file.write_text(FILE, "utf-8")
    file.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    async with opened(**LOOPBACK, MCP_SERVERS_FILE=str(link)) as client:
        first = (await add(client, at(elsewhere))).json()
        assert (first["kept"], first["comments_lost"]) == ("file", True)
        assert (await add(client, at(elsewhere, "more"))).json()["comments_lost"] is False
        document = json.loads(file.read_text("utf-8"))
        assert list(document["mcpServers"]) == ["kept", "notes", "more"]
        assert document["mcpServers"]["kept"]["headers"] == {"X": "ñ"}
        assert document["theirs"] == [1.5, {"b": 1, "a": 2}]
        assert (file.stat().st_mode & 0o777, link.is_symlink()) == (0o640, True)
        assert sorted(each.name for each in tmp_path.iterdir()) == ["link.json", "servers.json"]
        refused = await client.delete("/mcp/servers/kept")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "server_not_added")
        assert (await client.delete("/mcp/servers/more")).status_code == 200
        assert list(json.loads(file.read_text("utf-8"))["mcpServers"]) == ["kept", "notes"]
    async with opened(MCP_SERVERS_FILE=str(file)) as client:  # it outlives the process
        assert set((await client.get("/health")).json()["servers"]) == {"kept", "notes"}


async def test_a_file_that_cannot_be_written_changes_nothing(
    opened: Any, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "servers.json"
    file.write_text(FILE, "utf-8")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    async with opened(**LOOPBACK, MCP_SERVERS_FILE=str(file)) as client:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            refused = await add(client, at(elsewhere))
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "servers_file_not_writable")
        assert "No space left" in refused.json()["error"]["message"]
        assert file.read_text("utf-8") == FILE
        assert [each.name for each in tmp_path.iterdir()] == ["servers.json"]
        assert set((await client.get("/health")).json()["servers"]) == {"kept"}
        file.write_text("{ broken", "utf-8")
        assert (await add(client, at(elsewhere))).status_code == 409
        assert file.read_text("utf-8") == "{ broken"


async def test_refusals_speak_the_callers_language(opened: Any):
    async with opened() as client:
        config = {"mcpServers": {"one": {"command": sys.executable}}}
        body = {"json": {"config": config}, "headers": {"accept-language": "es"}}
        assert "solo se permite" in (await client.post("/mcp/servers", **body)).json()["error"]["message"]
        told = (await client.post("/mcp/servers/check", **body)).json()
        assert "solo se permite" in told["servers"][0]["problems"][0]["message"]
