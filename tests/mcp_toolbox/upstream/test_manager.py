"""Real servers behind one registry."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.errors import InvalidArgumentsError, UnknownToolError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, from_function
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.manager import UpstreamManager

BUILT_IN = ("echo", "env", "pids", "big", "slow", "die", "fail", "answer", "raw", "ask")
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


async def test_tools_are_listed_page_by_page_and_called(upstreams_of: Any, plain: Any):
    async with upstreams_of({"one": plain(page=3)}) as running:
        await running.connected("one")
        assert "one__echo" in running.names()
        assert len(running.names()) == running.server("one")["tools"] == 10
        assert await running.text("one__echo", text="ñandú 🦤\nline") == "ñandú 🦤\nline"
        assert running.server("one")["transport"] == "stdio"
        assert not running.upstreams.degraded


async def test_no_start_waits_for_a_server(upstreams_of: Any, plain: Any):
    started = time.monotonic()
    async with upstreams_of({"stuck": plain({"connect_timeout_seconds": 30}, hang_on="initialize")}) as running:
        assert time.monotonic() - started < 8
        assert running.status("stuck") == "connecting"
        assert running.upstreams.degraded
    assert time.monotonic() - started < 20


async def test_three_broken_servers_cost_the_other_seven_nothing(upstreams_of: Any, plain: Any, eventually: Any):
    good = {f"good{number}": plain() for number in range(7)}
    broken = {
        "dead": plain(dead=True),
        "stuck": plain({"connect_timeout_seconds": 1}, hang_on="tools/list"),
        "dying": plain(),
    }
    async with upstreams_of({**good, **broken}) as running:
        await running.connected(*good, "dying")
        lost = asyncio.create_task(running.registry.call("dying__die", {}))
        started = time.monotonic()
        answers = await asyncio.gather(*(running.text(f"{name}__echo", text=name) for name in good))
        assert time.monotonic() - started < 5
        assert answers == list(good)
        result = await lost
        assert (result.is_error, result.text) == (True, "The MCP server 'dying' left before it had answered.")
        assert (await eventually(lambda: running.server("dead").get("error"))) == "its process ended with exit code 1"
        error = await eventually(lambda: running.server("stuck").get("error"))
        assert error == "did not list its tools within 1 s"
        assert running.upstreams.degraded
        assert [running.status(name) for name in good] == ["connected"] * 7
        await running.connected("dying")  # it comes back
        assert running.server("dying")["restarts"] == 1


async def test_a_server_that_dies_takes_its_tools_and_brings_them_back(upstreams_of: Any, plain: Any, eventually: Any):
    async with upstreams_of({"one": plain()}) as running:
        await running.connected("one")
        changes: list[int] = []
        running.registry.watch(lambda: changes.append(len(running.names())))
        tool = running.registry.get("one__echo")
        first = await running.pids("one")
        await running.registry.call("one__die", {})
        await eventually(lambda: running.status("one") == "failed")
        assert running.server("one")["error"] == "its process ended with exit code 3"
        assert running.names() == []
        with pytest.raises(UnknownToolError):
            await running.registry.call("one__echo", {"text": "?"})
        held = await tool.run({"text": "?"}, CallContext())  # by a caller who had found it before
        assert held.is_error
        assert "is away" in held.text
        await running.connected("one")
        assert (await running.pids("one"))["server"] != first["server"]
        assert changes == [0, 10]


async def test_arguments_are_checked_before_the_server_hears_of_them(upstreams_of: Any, plain: Any, tmp_path: Path):
    record = tmp_path / "record"
    async with upstreams_of({"one": plain(record=str(record))}) as running:
        await running.connected("one")
        with pytest.raises(InvalidArgumentsError) as refused:
            await running.registry.call("one__big", {"size": "many"})
        assert refused.value.field == "size"
        with pytest.raises(InvalidArgumentsError, match="'text' is a required property"):
            await running.registry.call("one__echo", {})
        with pytest.raises(InvalidArgumentsError, match="not valid Unicode"):
            await running.registry.call("one__echo", {"text": "\ud800"})
        assert "tools/call" not in record.read_text()


async def test_progress_and_trace_are_passed_on(upstreams_of: Any, plain: Any, tmp_path: Path):
    record = tmp_path / "record"
    heard: list[tuple[float, float | None, str | None]] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        heard.append((done, total, message))

    async with upstreams_of({"one": plain(record=str(record))}) as running:
        await running.connected("one")
        context = CallContext(traceparent=TRACE, report=report, request_id="req_1", user="ana")
        result = await running.registry.call("one__slow", {"seconds": 0.2}, context)
        assert result.text == "done"
    assert heard == [(1, 2, "half")]
    (called,) = [json.loads(line) for line in record.read_text().splitlines() if "tools/call" in line]
    assert called["params"]["_meta"]["traceparent"] == TRACE
    assert called["params"]["_meta"]["agent-suite/request-id"] == "req_1"
    assert called["params"]["_meta"]["agent-suite/user"] == "ana"


async def test_a_cancelled_call_is_cancelled_at_the_server(
    upstreams_of: Any, plain: Any, tmp_path: Path, eventually: Any
):
    record = tmp_path / "record"
    async with upstreams_of({"one": plain(record=str(record))}) as running:
        await running.connected("one")
        call = asyncio.create_task(running.registry.call("one__slow", {"seconds": 30}))
        await eventually(lambda: "tools/call" in record.read_text())
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually(lambda: "notifications/cancelled" in record.read_text())
        assert await running.text("one__echo", text="still here") == "still here"


async def test_a_call_that_takes_too_long_is_given_up(upstreams_of: Any, plain: Any, tmp_path: Path, eventually: Any):
    record = tmp_path / "record"
    async with upstreams_of({"one": plain({"timeout_seconds": 0.3}, record=str(record))}) as running:
        await running.connected("one")
        started = time.monotonic()
        result = await running.registry.call("one__slow", {"seconds": 30})
        assert time.monotonic() - started < 15
        assert (result.is_error, result.text) == (True, "The MCP server 'one' did not answer within 0.3 s.")
        await eventually(lambda: "notifications/cancelled" in record.read_text())


async def test_a_server_that_stops_reading_holds_up_nobody(upstreams_of: Any, plain: Any):
    started = time.monotonic()
    async with upstreams_of({"deaf": plain({"timeout_seconds": 0.5}, deaf=True), "one": plain()}) as running:
        await running.connected("deaf", "one")
        calls = [running.registry.call("deaf__echo", {"text": "x" * 1_000_000}) for _ in range(5)]
        waiting = asyncio.gather(*calls)
        assert await running.text("one__echo", text="here") == "here"
        assert [result.text for result in await waiting] == ["The MCP server 'deaf' did not answer within 0.5 s."] * 5
    assert time.monotonic() - started < 15


async def test_only_so_many_calls_run_at_a_time(upstreams_of: Any, plain: Any, tmp_path: Path, eventually: Any):
    record = tmp_path / "record"
    async with upstreams_of({"one": plain({"max_concurrent_calls": 2}, record=str(record))}) as running:
        await running.connected("one")
        calls = [asyncio.create_task(running.registry.call("one__slow", {"seconds": 60})) for _ in range(4)]

        def received() -> list[str]:
            methods = [json.loads(line).get("method") for line in record.read_text().splitlines()]
            return [method for method in methods if method in ("tools/call", "notifications/cancelled")]

        await eventually(lambda: len(received()) == 2)
        for done in (1, 2):
            calls[done - 1].cancel()
            await eventually(lambda: len(received()) == 2 + 2 * done)  # noqa: B023 - it is called within this turn
        # A third that came before the first was left would stand before the notification of that.
        assert received() == ["tools/call"] * 2 + ["notifications/cancelled", "tools/call"] * 2
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)


async def test_a_result_that_is_too_large_is_an_error_that_says_how_large(upstreams_of: Any, plain: Any):
    async with upstreams_of({"one": plain({"max_result_bytes": 10_000})}) as running:
        await running.connected("one")
        assert len(await running.text("one__big", size=9_000)) == 9_000
        for size in (10_001, 1_000_000):  # the latter is never held in memory as a whole
            result = await running.registry.call("one__big", {"size": size})
            assert result.is_error
            assert int("".join(filter(str.isdigit, result.text.partition("bytes")[0]))) >= size
        assert await running.text("one__echo", text="still here") == "still here"


@pytest.mark.parametrize(
    "content",
    [
        {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"},
        {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"},
        {"type": "resource", "resource": {"uri": "file:///a.txt", "mimeType": "text/plain", "text": "a"}},
        {"type": "resource", "resource": {"uri": "file:///a.bin", "blob": "AAE="}},
        {"type": "resource_link", "name": "a", "uri": "https://a.example/a"},
        {"type": "text", "text": "", "annotations": {"audience": ["user"]}},
    ],
    ids=lambda content: content["type"],
)
async def test_every_kind_of_content_is_passed_on(upstreams_of: Any, plain: Any, content: dict[str, Any]):
    async with upstreams_of({"one": plain()}) as running:
        await running.connected("one")
        wire = {"content": [content], "structuredContent": {"a": [1, None, "ñ"]}, "isError": True}
        result = await running.registry.call("one__answer", {"result": wire})
        answered = result.to_wire()
        assert answered["structuredContent"] == {"a": [1, None, "ñ"]}
        assert answered["isError"] is True
        assert answered["content"] == [content]


@pytest.mark.parametrize("wrong", [{}, {"content": "text"}, {"content": [{"type": "spell"}]}, {"content": [{}]}, 7])
async def test_what_is_no_result_is_an_error_of_ours(upstreams_of: Any, plain: Any, wrong: Any):
    async with upstreams_of({"one": plain()}) as running:
        await running.connected("one")
        result = await running.registry.call("one__answer", {"result": wrong})
        assert (result.is_error, running.status("one")) == (True, "connected")
        assert "Traceback" not in result.text
        assert "pydantic" not in result.text


@pytest.mark.parametrize(
    "line",
    [
        "not json\n", "{\n", "[]\n", '"text"\n', "null\n", "\n\n\n", '{"jsonrpc": "2.0"}\n',
        '{"jsonrpc": "2.0", "id": 999, "result": {}}\n', '{"jsonrpc": "2.0", "id": "ID", "method": 5}\n', "\xff\xfe\n",
        "\x00\n",
    ],
)  # fmt: skip
async def test_noise_between_messages_disturbs_nobody(upstreams_of: Any, plain: Any, line: str):
    async with upstreams_of({"one": plain({"timeout_seconds": 5})}) as running:
        await running.connected("one")
        answer = '{"jsonrpc": "2.0", "id": ID, "result": {"content": [{"type": "text", "text": "here"}]}}\n'
        assert await running.text("one__raw", line=line + answer) == "here"


async def test_errors_of_the_protocol_are_answers(upstreams_of: Any, plain: Any):
    async with upstreams_of({"one": plain()}) as running:
        await running.connected("one")
        for code in (-32602, -32603, -32000, -32600, 1):
            result = await running.registry.call("one__fail", {"code": code})
            assert (result.is_error, result.text) == (True, "no luck")
        assert await running.text("one__echo", text="still here") == "still here"


@pytest.mark.parametrize(("entry", "asks"), [({"elicitation": False}, False), ({}, True)])
async def test_what_a_server_may_ask_is_declared_and_without_a_person_declined(
    upstreams_of: Any, plain: Any, tmp_path: Path, eventually: Any, entry: dict[str, Any], asks: bool
):
    record = tmp_path / "record"
    async with upstreams_of({"one": plain(entry, record=str(record))}) as running:
        await running.connected("one")
        assert await running.text("one__ask") == "asked"
        await eventually(lambda: '"q1"' in record.read_text())
        (answer,) = [json.loads(line) for line in record.read_text().splitlines() if '"q1"' in line]
        assert answer["result"] == {"action": "decline"} if asks else answer["error"]["code"] == -32600
        (hello,) = [json.loads(line) for line in record.read_text().splitlines() if '"initialize"' in line]
        assert ("elicitation" in hello["params"]["capabilities"]) is asks
        assert "sampling" not in hello["params"]["capabilities"]


async def test_a_changed_list_is_fetched_when_the_server_says_so(
    upstreams_of: Any, plain: Any, tmp_path: Path, eventually: Any
):
    tools = tmp_path / "tools"
    tools.write_text("[]")
    async with upstreams_of({"one": plain(tools=str(tools))}) as running:
        await running.connected("one")
        tools.write_text(json.dumps([{"name": "new", "inputSchema": {"type": "object"}}]))
        await eventually(lambda: "one__new" in running.names())
        tools.write_text("[]")
        await eventually(lambda: "one__new" not in running.names())


async def test_allowed_denied_and_marked_tools(upstreams_of: Any, plain: Any):
    entry = {"allow": ["e*", "die"], "deny": ["env"], "destructive": ["d?e"]}
    async with upstreams_of({"one": plain(entry)}) as running:
        await running.connected("one")
        assert running.names() == ["one__die", "one__echo"]
        assert [tool.hints.destructive for tool in running.registry] == [True, False]
        with pytest.raises(UnknownToolError):
            await running.registry.call("one__env", {})


async def test_a_server_gets_its_own_environment_and_none_of_our_keys(upstreams_of: Any, plain: Any):
    environ = {"API_KEYS": "ours", "OPENAI_API_KEY": "ours too", "TOKEN_OF_ONE": "t0k", "LC_ALL": "C.UTF-8"}
    entry = {"env": {"TOKEN": "Bearer ${TOKEN_OF_ONE}", "MODE": "${MODE_OF_ONE:-fast}", "RAW": "$${TOKEN_OF_ONE}"}}
    async with upstreams_of({"one": plain(entry)}, environ) as running:
        await running.connected("one")
        found = json.loads(await running.text("one__env"))
    assert (found["TOKEN"], found["MODE"], found["RAW"]) == ("Bearer t0k", "fast", "${TOKEN_OF_ONE}")
    assert {"PATH", "LC_ALL"} <= found.keys()
    assert not {"API_KEYS", "OPENAI_API_KEY", "TOKEN_OF_ONE"} & found.keys()


async def test_a_missing_variable_costs_its_own_server_only(upstreams_of: Any, plain: Any, eventually: Any):
    async with upstreams_of({"one": plain(), "two": plain({"env": {"A": "${NOT_THERE}"}})}) as running:
        await running.connected("one")
        await eventually(lambda: running.status("two") == "failed")
        assert running.server("two")["error"] == "the variable NOT_THERE is not set"


async def test_tools_of_others_with_a_name_that_is_taken_are_left_out(upstreams_of: Any, plain: Any):
    def one__echo() -> str:
        """Be there first."""
        return "first"

    async with upstreams_of({"one": plain()}) as running:
        running.registry.replace("pack", [from_function(one__echo, Hints())])
        await running.connected("one")
        assert await running.text("one__echo") == "first"
        assert running.server("one")["tools"] == 9
        assert running.server("one")["problems"] == ["one__echo: another tool has this name"]


async def test_strange_names_of_servers_and_tools(upstreams_of: Any, plain: Any, tmp_path: Path):
    tools = tmp_path / "tools"
    names = ["año.nuevo", "año nuevo", "x" * 200, "列表", "a/b", "a.b", "a_b"]
    tools.write_text(json.dumps([{"name": name, "inputSchema": {"type": "object"}} for name in names]))
    async with upstreams_of({"mi servidor ñ": plain(tools=str(tools))}) as running:
        await running.connected("mi servidor ñ")
        ours = running.names()
        assert len(ours) == 10 + len(names)
        assert "mi_servidor_n__a_b" in ours
        for name in ours:
            assert len(name) <= 64
            assert name.isascii()
        plain_ones = {f"mi_servidor_n__{name}" for name in BUILT_IN}
        assert {await running.text(name) for name in ours if name not in plain_ones} == set(names)


async def test_the_file_changes_while_servers_run(upstreams_of: Any, plain: Any, eventually: Any, alive: Any):
    async with upstreams_of({"same": plain(), "other": plain(), "gone": plain()}) as running:
        await running.connected("same", "other", "gone")
        before = {name: (await running.pids(name))["server"] for name in ("same", "other", "gone")}
        running.write({"same": plain(), "other": plain({"env": {"A": "1"}}), "new": plain()})
        await eventually(lambda: "new" in running.upstreams.to_health())
        await running.connected("same", "other", "new")
        after = {name: (await running.pids(name))["server"] for name in ("same", "other", "new")}
        assert after["same"] == before["same"]
        assert after["other"] != before["other"]
        assert "gone" not in running.upstreams.to_health()
        await eventually(lambda: not any(name.startswith("gone") for name in running.names()))
        await eventually(lambda: not alive(before["gone"]))
        assert not alive(before["other"])


async def test_a_file_that_is_wrong_changes_nothing_and_is_reported(upstreams_of: Any, plain: Any, eventually: Any):
    async with upstreams_of({"one": plain()}) as running:
        await running.connected("one")
        good, process = running.file.read_text(), await running.pids("one")
        for bad in ("{", '{"mcpServers": {"one": {"comand": "x"}}}', ""):
            running.file.write_text(bad)
            await eventually(lambda: running.upstreams.file_error)
            assert running.upstreams.degraded
            assert await running.pids("one") == process
        running.file.unlink()
        await eventually(lambda: "cannot be read" in (running.upstreams.file_error or ""))
        running.file.write_text(good)
        await eventually(lambda: running.upstreams.file_error is None)
        assert await running.pids("one") == process


async def test_many_changes_of_the_file_leave_one_process(upstreams_of: Any, plain: Any, eventually: Any, alive: Any):
    seen: set[int] = set()
    async with upstreams_of({"one": plain()}) as running:
        await running.connected("one")
        for number in range(5):
            seen.add((await running.pids("one"))["server"])
            running.write({"one": plain({"env": {"NUMBER": str(number)}})})
            running.upstreams.reload()
            running.write({"one": plain({"env": {"NUMBER": f"{number}b"}})})
            running.upstreams.reload()
            await running.connected("one")
            assert [process for process in seen if alive(process)] == []


async def test_a_disabled_server_is_not_started(upstreams_of: Any, plain: Any):
    async with upstreams_of({"off": plain({"disabled": True}), "one": plain()}) as running:
        await running.connected("one")
        assert running.status("off") == "disabled"
        assert not running.upstreams.degraded


def test_a_wrong_file_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(ServersFileError, match="cannot be read"):
        UpstreamManager(tmp_path / "none.json", {})
