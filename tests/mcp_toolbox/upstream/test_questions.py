"""Questions of other servers to the person at the client that called: passed on, or declined."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client
from mcp_toolbox.app import create_app
from mcp_toolbox.registry.tool import Hints, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.upstream.manager import UpstreamManager
from pydantic import TypeAdapter
from service_kit.settings import load
from service_kit.testing import running

from tests.waiting import eventually

FORM: dict[str, Any] = {
    "message": "Wh\u200bich city?",
    "requestedSchema": {"type": "object", "properties": {"city": {"type": "string", "description": "n\u200bame"}}},
}
ANY: TypeAdapter[Any] = TypeAdapter(types.CallToolResult | types.InputRequiredResult)
PAGE: dict[str, Any] = {"mode": "url", "message": "Sign in", "url": "https://a.example/sign-in", "elicitationId": "e1"}


class Person:
    """A person who is asked."""

    def __init__(self, **answer: Any) -> None:
        self.asked: list[types.ElicitRequestParams] = []
        self.answer = answer or {"action": "accept", "content": {"city": "Lugo"}}
        self.decided = asyncio.Event()
        self.decided.set()

    async def __call__(self, context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        self.asked.append(params)
        await self.decided.wait()
        return types.ElicitResult(**self.answer)


@asynccontextmanager
async def toolbox(tmp_path: Path, servers: dict[str, Any], **environ: str) -> AsyncIterator[str]:
    """A toolbox in front of these servers, once they are connected."""
    file = tmp_path / "servers.json"
    file.write_text(json.dumps({"mcpServers": servers}), "utf-8")
    upstreams = UpstreamManager(file, {})
    async with running(create_app(load(ToolboxSettings, environ), ToolRegistry(), upstreams)) as url:
        await eventually(lambda: all(each["status"] == "connected" for each in upstreams.to_health().values()))
        yield url


def client(url: str, mode: Any, person: Person | None) -> Client:
    return Client(streamable_http_client(f"{url}/mcp"), mode=mode, elicitation_callback=person)


async def interviewed(client: Client, params: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool("s__interview", {"params": params})
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_person_answers_a_form(tmp_path: Path, plain: Any):
    person = Person()
    async with toolbox(tmp_path, {"s": plain(interviews=True)}) as url, client(url, "legacy", person) as asking:
        assert await interviewed(asking, FORM) == {"action": "accept", "content": {"city": "Lugo"}}
    (asked,) = person.asked
    assert asked.message == "[s] Which city?"  # it says which server asks, and hides nothing
    assert asked.requested_schema["properties"]["city"]["description"] == "name"  # pyright: ignore


async def test_a_person_is_sent_to_a_page(tmp_path: Path, plain: Any):
    person = Person(action="accept")
    async with toolbox(tmp_path, {"s": plain(interviews=True)}) as url, client(url, "legacy", person) as asking:
        assert (await interviewed(asking, PAGE))["action"] == "accept"
    assert [asked.url for asked in person.asked] == ["https://a.example/sign-in"]  # pyright: ignore


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "https://a.example/\u202emoc", "a.example"]
)
async def test_a_person_is_sent_to_pages_of_the_web_alone(tmp_path: Path, plain: Any, url: str):
    person = Person(action="accept")
    async with toolbox(tmp_path, {"s": plain(interviews=True)}) as at, client(at, "legacy", person) as asking:
        assert (await interviewed(asking, {**PAGE, "url": url}))["action"] == "decline"
    assert person.asked == []


@pytest.mark.parametrize(
    ("mode", "entry", "asks"),
    [
        ("legacy", {"elicitation": False}, True),  # the operator does not want it
        ("legacy", {}, False),  # the client has nobody to ask
        ("auto", {}, True),  # a call of 2026-07-28 cannot wait for an answer in the middle of it
    ],
)
async def test_what_cannot_be_asked_is_declined(tmp_path: Path, plain: Any, mode: str, entry: Any, asks: bool):
    person = Person() if asks else None
    async with toolbox(tmp_path, {"s": plain(entry, interviews=True)}) as url, client(url, mode, person) as asking:
        answer = await interviewed(asking, FORM)
        assert answer.get("action") == "decline" or answer["code"] == -32600
    assert person is None or not person.asked


async def test_a_question_never_reaches_the_person_of_another_call(tmp_path: Path, plain: Any):
    person = Person()
    async with toolbox(tmp_path, {"s": plain(interviews=True)}) as url, client(url, "legacy", person) as asking:
        slow = asyncio.create_task(asking.call_tool("s__slow", {"seconds": 1}))
        result = await asking.call_tool("s__interview", {"params": FORM})
        if not slow.done():
            assert json.loads(result.content[0].text)["action"] == "decline"  # pyright: ignore
            assert person.asked == []
        await slow


async def test_the_time_in_which_a_person_thinks_does_not_count(tmp_path: Path, plain: Any):
    person = Person()
    person.decided.clear()
    limits = {"TOOL_TIMEOUT_SECONDS": "0.3"}
    async with (
        toolbox(tmp_path, {"s": plain({"timeout_seconds": 0.3}, interviews=True)}, **limits) as url,
        client(url, "legacy", person) as asking,
    ):
        call = asyncio.create_task(interviewed(asking, FORM))
        await eventually(lambda: person.asked)
        done, _ = await asyncio.wait({call}, timeout=1)
        assert not done
        person.decided.set()
        assert (await call)["action"] == "accept"
        stopped = await asking.call_tool("s__slow", {"seconds": 5})  # for other calls the limits hold
        assert stopped.is_error


def erase() -> str:
    """Erase everything there is."""
    return "erased"


@asynccontextmanager
async def behind(tmp_path: Path, **environ: str) -> AsyncIterator[str]:
    """A toolbox in front of another one, whose tool asks its person first; they speak 2026-07-28."""
    inner = create_app(load(ToolboxSettings, {}), ToolRegistry([from_function(erase, Hints(destructive=True))]))
    async with running(inner) as url, toolbox(tmp_path, {"in": {"url": f"{url}/mcp"}}, **environ) as outer:
        yield outer


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(("action", "said"), [("accept", "erased"), ("decline", "declined")])
async def test_questions_of_a_server_of_the_current_revision(tmp_path: Path, mode: Any, action: str, said: str):
    person = Person(action=action)
    async with behind(tmp_path) as url, client(url, mode, person) as asking:
        result = await asking.call_tool("in__erase", {})
        assert said in result.content[0].text  # pyright: ignore[reportAttributeAccessIssue]
    messages = [asked.message for asked in person.asked]
    assert "in__erase" in messages[0]  # the outer one asks whether the tool may run
    if action == "accept":
        assert messages[1].startswith("[in] ")  # and the inner one asks too
    assert len(messages) == (2 if action == "accept" else 1)


async def test_an_answer_to_a_question_is_good_once(tmp_path: Path):
    """The state of a call that was approved, and whose server asked then, is used once."""
    async with behind(tmp_path) as url, client(url, "auto", Person(action="accept")) as asking:
        answers: dict[str, Any] = {"approval": types.ElicitResult(action="accept")}

        async def round_(**more: Any) -> Any:
            params = types.CallToolRequestParams(name="in__erase", arguments={}, **more)
            return await asking.session.send_request(types.CallToolRequest(params=params), ANY)

        first = await round_()
        second = await round_(input_responses=answers, request_state=first.request_state)
        third = {"input_responses": answers, "request_state": second.request_state}
        assert (await round_(**third)).content[0].text == "erased"
        again = await round_(**third)
        assert again.is_error
        assert "has been used" in again.content[0].text
