"""docs/WEBSOCKET_AGENT.md: its examples run, and its lists are complete."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
from agent_core.events import Event, Token, ToolCall, ToolResult
from agent_websocket.protocol import ClientFrame, Fault
from agent_websocket.testing import ScriptedAgent, begin, finish

from tests.browser import chromium
from tests.waiting import eventually

DOCUMENT = (Path(__file__).parents[2] / "docs" / "WEBSOCKET_AGENT.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The document's examples in a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


async def sums(request, emit):
    """Answers as the document's own example does."""
    begin(request, emit)
    run_id = request.run_id
    emit(ToolCall(run_id=run_id, id="1", tool="add", args={"a": 10, "b": 5}))
    emit(ToolResult(run_id=run_id, id="1", tool="add", result="15", duration_ms=1.0, is_error=False))
    emit(Token(run_id=run_id, content="It is 15."))
    finish(request, emit, "It is 15.")


async def run_python(code: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


def at(stage, code: str) -> str:
    """The example, sent to the service under test."""
    assert "127.0.0.1:8002" in code
    return code.replace("127.0.0.1:8002", stage.url.removeprefix("http://"))


@pytest.mark.parametrize("number", range(2))
async def test_the_python_examples(stage_of, number):
    async with stage_of(ScriptedAgent(sums)) as stage:
        code, output = await run_python(at(stage, blocks("python")[number]))
    assert (code, output) == (0, "It is 15.\n")


async def test_the_reconnecting_example_survives_drops_and_a_restart(stage_of):
    """The service goes away in the middle of the run, and comes back on its port having forgotten everything."""
    answer = asyncio.Event()

    async def slow(request, emit):
        begin(request, emit)
        await answer.wait()
        finish(request, emit, "It is 15.")

    async with stage_of(ScriptedAgent(slow)) as first:
        port = int(first.url.rpartition(":")[2])
        example = asyncio.create_task(run_python(at(first, blocks("python")[1])))
        await eventually(lambda: first.agent.requests, seconds=40)
    answer.set()
    async with stage_of(ScriptedAgent(slow), server={"port": port}) as second:
        assert await example == (0, "It is 15.\n")
    assert [request.input for request in second.agent.requests] == ["suma 20 y 22"]


def test_there_are_as_many_examples_as_are_tested():
    assert {language: len(blocks(language)) for language in ("python", "javascript", "console")} == {
        "python": 2, "javascript": 2, "console": 1,
    }  # fmt: skip


async def test_the_javascript_examples(stage_of):
    first, with_key = blocks("javascript")
    async with chromium() as browser:
        async with stage_of(ScriptedAgent(sums)) as stage:
            assert await logged(browser, stage, first, 2) == ['calls add {"a":10,"b":5}', "answer: It is 15."]
        async with stage_of(AUTH_MODE="keys", API_KEYS="your-key") as stage:
            assert await logged(browser, stage, with_key, 1) == ["open with agent.v1"]


async def logged(browser, stage, code: str, count: int) -> list[str]:
    """What an example logs, run in a page of the service."""
    page = await browser.new_page()
    lines: list[str] = []
    await page.goto(f"{stage.url}/")
    page.on("console", lambda message: lines.append(message.text) if message.type == "log" else None)
    await page.evaluate(f"() => {{ {at(stage, code)} }}")
    await eventually(lambda: len(lines) >= count, seconds=20)
    await page.close()
    return lines


async def test_the_wscat_session(stage_of):
    """What is typed is sent; the types of what comes back are the document's."""
    lines = blocks("console")[0].splitlines()
    assert lines[0] == "$ wscat -c ws://127.0.0.1:8002/ws"
    shown = [re.match(r'< \{"type":"(\w+)"', line) for line in lines if line.startswith("<")]
    expected = [match[1] for match in shown if match]
    typed = [json.loads(line[2:]) for line in lines if line.startswith(">")]

    async def with_second_step(request, emit):
        collected = []
        await sums(request, collected.append)
        visit = next(event for event in collected if event.type == "step" and event.node == "llm")
        for event in collected:
            emit(event)
            if event.type == "tool_result":
                emit(visit)

    async with stage_of(ScriptedAgent(with_second_step)) as stage, stage.client() as client:
        got = [client.greeting["type"]]
        await client.send(typed[0])
        got += [frame["type"] for frame in await client.until("complete")]
        await client.send(typed[1])
        got.append((await client.next())["type"])
    assert got == expected


def test_every_message_event_field_and_fault_is_documented():
    names = set(re.findall(r"`([a-z_]+)`", DOCUMENT))
    for shape in (*ClientFrame.__args__, *Event.__args__):
        missing = {str(shape.__struct_config__.tag), *shape.__struct_fields__} - names
        assert not missing, f"{shape.__name__}: {missing}"
    assert {fault.value for fault in Fault} <= names


@pytest.mark.parametrize("name", re.findall(r"`([A-Z]+_[A-Z_]+)`", DOCUMENT))
def test_every_variable_that_it_names_is_in_the_example_environment(name):
    example = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    assert re.search(rf"^#? ?{name}=", example, re.MULTILINE)
