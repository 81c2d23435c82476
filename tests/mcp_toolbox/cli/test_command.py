from __future__ import annotations

import asyncio
import fcntl
import json
import os
import struct
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.docs.repository import ROOT

pytestmark = pytest.mark.timeout(60)
TOOLBOX = f"{sys.executable} -m mcp_toolbox --stdio"


@dataclass(frozen=True)
class Ended:
    code: int
    output: str
    error: str


async def command(*words: str, **environ: str) -> Ended:
    env = {"PATH": os.environ["PATH"], "UI_LANGUAGE": "en", **environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox.cli", *words, env=env,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, error = await asyncio.wait_for(process.communicate(), 50)
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), error.decode())


async def at_terminal(typed: bytes, *words: str, output: bool = False) -> Ended:
    """The command with a terminal of 80 columns, at which this was typed; its output goes there too if `output`."""
    person, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.write(person, typed)
    env = {"PATH": os.environ["PATH"], "UI_LANGUAGE": "en", "TERM": "xterm"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox.cli", *words, env=env,
        stdin=terminal, stdout=terminal if output else asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(terminal)
    try:
        piped, error = await asyncio.wait_for(process.communicate(), 50)
        assert process.returncode is not None
        shown = os.read(person, 65536) if output else piped
        return Ended(process.returncode, shown.decode(), error.decode())
    finally:
        os.close(person)


@pytest.fixture(params=["http", "sse", "stdio"])
async def target(request: pytest.FixtureRequest, toolbox: str) -> tuple[str, str]:
    """The options that name a toolbox, over each way in."""
    if request.param == "stdio":
        return "--stdio", TOOLBOX
    return "--url", f"{toolbox}/sse" if request.param == "sse" else f"{toolbox}/mcp"


async def test_a_servers_tools(target: tuple[str, str]):
    ended = await command("list", *target)
    assert (ended.code, ended.error) == (0, "")
    lines = ended.output.splitlines()
    assert lines[0].split() == ["TOOL", "RISK", "WHAT", "IT", "DOES"]
    assert [line.split()[0] for line in lines[1:]] == ["add", "count_words", "multiply", "uppercase"]
    assert "\x1b" not in ended.output  # it is piped


async def test_a_call(target: tuple[str, str]):
    ended = await command("call", "add", "a=5", "b=3", *target)
    assert (ended.code, ended.output, ended.error) == (0, "8\n", "")


async def test_json(toolbox: str):
    listed = await command("list", "--json", "--url", f"{toolbox}/mcp")
    assert [tool["name"] for tool in json.loads(listed.output)][:2] == ["add", "count_words"]
    called = await command("call", "uppercase", "text=5", "--json", "--url", f"{toolbox}/mcp")
    assert json.loads(called.output)["structuredContent"] == {"result": "5"}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["call", "ad"], 2, "There is no tool “ad”. Perhaps add?"),
        (["call", "add", "a"], 2, "“a” is no argument"),
        (["call", "add", "a=", "b=1"], 2, "a: “” is no"),
        (["call", "add", "a=1"], 1, "b: Field required"),
        (["call", "add", "a:=[1", "b=1"], 2, "a: “[1” is no JSON"),
    ],
)
async def test_what_is_wrong_is_told(toolbox: str, words: list[str], code: int, says: str):
    ended = await command(*words, "--url", f"{toolbox}/mcp")
    assert (ended.code, ended.output) == (code, "")
    assert says in ended.error
    assert "Traceback" not in ended.error


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["list", "--url", "http://127.0.0.1:1/mcp"], 3, "cannot be reached"),
        (["list", "--stdio", "/nowhere/at/all"], 3, "not found"),
        (["list", "--stdio", "sleep 60", "--timeout", "0.5"], 3, "did not answer within 0.5 s"),
        (["check", "/nowhere.json"], 2, "cannot be read"),
        (["fly"], 2, "invalid choice"),
        (["list", "--header", "Authorization"], 2, "NAME=VALUE: Authorization"),
        ([], 2, "usage: make mcp"),
    ],
)
async def test_a_server_that_is_not_there(words: list[str], code: int, says: str):
    ended = await command(*words)
    assert (ended.code, ended.output) == (code, "")
    assert says in ended.error
    assert "Traceback" not in ended.error


@pytest.mark.parametrize(("typed", "code", "output"), [(b"y\n", 0, "8\n"), (b"\n", 1, ""), (b"no\n", 1, "")])
async def test_a_destructive_tool_asks_the_person_at_the_terminal(
    serve_toolbox: Any, typed: bytes, code: int, output: str
):
    async with serve_toolbox(DESTRUCTIVE_TOOLS="add", UI_LANGUAGE="en") as url:
        ended = await at_terminal(typed, "call", "add", "a=5", "b=3", "--url", f"{url}/mcp")
    assert (ended.code, ended.output) == (code, output)
    assert "Do you allow it? [y/N]" in ended.error


async def test_without_a_terminal_a_destructive_tool_does_not_run(serve_toolbox: Any):
    async with serve_toolbox(DESTRUCTIVE_TOOLS="add") as url:
        ended = await command("call", "add", "a=5", "b=3", "--url", f"{url}/mcp")
    assert (ended.code, ended.output) == (1, "")
    assert ended.error


async def test_a_table_fits_the_terminal(toolbox: str):
    ended = await at_terminal(b"", "list", "--url", f"{toolbox}/mcp", output=True)
    lines = ended.output.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 80
    assert ended.output.startswith("\x1b[1mTOOL")


async def test_the_language_is_the_readers():
    ended = await command("list", "--url", "http://127.0.0.1:1/mcp", UI_LANGUAGE="", LANG="es_ES.UTF-8")
    assert "No se puede hablar con" in ended.error


async def test_a_file_is_checked(tmp_path: Path):
    entries: dict[str, Any] = {
        "good": {"command": sys.executable, "args": ["-m", "mcp_toolbox", "--stdio"]},
        "gone": {"command": "/nowhere/at/all"},
        "off": {"command": "x", "disabled": True},
    }
    file = tmp_path / "servers.json"
    file.write_text(json.dumps({"mcpServers": entries}))
    ended = await command("check", str(file))
    assert ended.code == 1
    lines = {line.split()[0]: line for line in ended.output.splitlines()[1:]}
    assert "connected" in lines["good"]
    assert "failed" in lines["gone"]
    assert "not found" in lines["gone"]
    assert "disabled" in lines["off"]
    shown = json.loads((await command("check", str(file), "--json")).output)["servers"]
    assert {name: entry["status"] for name, entry in shown.items()}["good"] == "connected"
    assert shown["good"]["tools"] == 4
    file.write_text('{"mcpServers": {"a": {"comand": "x"}}}')
    wrong = await command("check", str(file))
    assert (wrong.code, "line 1" in wrong.error) == (2, True)


async def test_the_example_is_read_and_everything_in_it_is_off():
    ended = await command("check", str(ROOT / "examples/mcp-servers.json"))
    assert ended.code == 0
    assert [line.split()[:2] for line in ended.output.splitlines()[1:]] == [
        ["filesystem", "disabled"], ["google-maps", "disabled"], ["postgres", "disabled"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("list", "--stdio", "sh -c 'never closed"), "--stdio: No closing quotation"),
        (("list", "--timeout", "nan"), "--timeout"),
        (("list", "--timeout", "-1"), "--timeout"),
        (("call", "add", "a=5", "a=6", "b=1", "--stdio", TOOLBOX), "a stands there twice"),
        (("call", "uppercase", 'text:="\\ud800"', "--stdio", TOOLBOX), "text: is no Unicode text"),
        (("call", "uppercase", "text=\udcff", "--stdio", TOOLBOX), "text: is no Unicode text"),
    ],
)
async def test_what_means_nothing_is_refused(words: tuple[str, ...], says: str):
    ended = await command(*words)
    assert (ended.code, ended.output, says in ended.error) == (2, "", True), ended
    assert "Traceback" not in ended.error


async def test_a_server_that_prints_without_end_is_left_in_time():
    ended = await command("list", "--stdio", "yes", "--timeout", "2")
    assert (ended.code, ended.error) == (3, "yes did not answer within 2 s\n")


async def test_a_disk_that_is_full_is_told():
    program = f"exec {sys.executable} -m mcp_toolbox.cli list --stdio '{TOOLBOX}' > /dev/full"
    process = await asyncio.create_subprocess_shell(program, stderr=asyncio.subprocess.PIPE)
    _, error = await asyncio.wait_for(process.communicate(), 50)
    assert (process.returncode, error.decode().strip()) == (1, "No space left on device")
