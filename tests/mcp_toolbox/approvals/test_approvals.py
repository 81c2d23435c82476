"""Approvals: a destructive tool runs once for each approval, and never without one. Tested with the official client and
with hand-written requests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult, ErrorData
from mcp_toolbox.app import create_app
from mcp_toolbox.registry.tool import Hints, Tool, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from pydantic import Field
from service_kit.settings import load
from service_kit.testing import running

REVISIONS = ["legacy", "2026-07-28"]
KEY = "0123456789abcdef" * 2


class Disk:
    """What there is to destroy."""

    def __init__(self) -> None:
        self.wiped: list[str] = []

    @property
    def tool(self) -> Tool:
        def wipe(folder: Annotated[str, Field(description="Which one.")]) -> str:
            """Delete a folder."""
            self.wiped.append(folder)
            return "wiped"

        return from_function(wipe, Hints(destructive=True))


class Person:
    """Answers every question alike, and remembers them."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> Any:
        self.asked.append(params.message)
        assert params.requested_schema == {"type": "object", "properties": {}}
        return self._answer if isinstance(self._answer, ErrorData) else ElicitResult(action=self._answer)


def text(result: Any) -> str:
    return result.content[0].text


@pytest.fixture
def disk() -> Disk:
    return Disk()


WAYS = {
    "streamable http, legacy": lambda url, person: Client(f"{url}/mcp", mode="legacy", elicitation_callback=person),
    "streamable http, current": lambda url, person: Client(f"{url}/mcp", elicitation_callback=person),
    "sse, legacy": lambda url, person: Client(sse_client(f"{url}/sse"), mode="legacy", elicitation_callback=person),
    "sse, current": lambda url, person: Client(sse_client(f"{url}/sse"), elicitation_callback=person),
}


@pytest.mark.parametrize("way", WAYS)
async def test_it_runs_when_a_person_approves(serve_toolbox: Any, disk: Disk, way: str):
    person = Person("accept")
    async with serve_toolbox(disk.tool, UI_LANGUAGE="en") as url, WAYS[way](url, person) as client:
        result = await client.call_tool("wipe", {"folder": "/a"})
    assert (result.is_error, text(result)) == (False, "wiped")
    assert disk.wiped == ["/a"]
    (asked,) = person.asked
    assert "wipe" in asked
    assert '- folder: "/a"' in asked


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_it_does_not_when_they_do_not(serve_toolbox: Any, disk: Disk, way: str, action: str):
    async with serve_toolbox(disk.tool) as url, WAYS[way](url, Person(action)) as client:
        result = await client.call_tool("wipe", {"folder": "/a"})
    assert result.is_error
    assert "wipe has not run" in text(result)
    assert disk.wiped == []


@pytest.mark.parametrize("way", WAYS)
async def test_nobody_is_asked_about_what_cannot_be_shown(serve_toolbox: Any, way: str):
    ran: list[int] = []

    def sweep(options: Annotated[dict[str, int], Field(description="What to do.")]) -> str:
        """Delete things."""
        ran.append(len(options))
        return "swept"

    person = Person("accept")
    tool = from_function(sweep, Hints(destructive=True))
    async with serve_toolbox(tool) as url, WAYS[way](url, person) as client:
        padded = {f"padding{n}": n for n in range(300)} | {"delete_everything": 1}
        refused = await client.call_tool("sweep", {"options": padded})
        allowed = await client.call_tool("sweep", {"options": {"delete_everything": 1}})
    assert refused.is_error
    assert "Nobody was asked and it has not run" in text(refused)
    assert text(allowed) == "swept"
    assert ran == [1]
    (asked,) = person.asked
    assert "delete_everything" in asked


@pytest.mark.parametrize("way", WAYS)
async def test_a_client_that_cannot_ask_is_told(serve_toolbox: Any, disk: Disk, way: str):
    async with serve_toolbox(disk.tool) as url, WAYS[way](url, None) as client:
        result = await client.call_tool("wipe", {"folder": "/a"})
        assert text(await client.call_tool("add", {"a": 1, "b": 2})) == "3"
    assert result.is_error
    assert "does not support elicitation" in text(result)
    assert disk.wiped == []


async def test_a_client_that_fails_to_ask_has_not_approved(serve_toolbox: Any, disk: Disk):
    person = Person(ErrorData(code=-32603, message="no screen"))
    async with serve_toolbox(disk.tool) as url, WAYS["streamable http, legacy"](url, person) as client:
        result = await client.call_tool("wipe", {"folder": "/a"})
    assert result.is_error
    assert disk.wiped == []


@pytest.mark.parametrize("way", WAYS)
async def test_nobody_is_asked_about_a_call_that_cannot_run(serve_toolbox: Any, disk: Disk, way: str):
    person = Person("accept")
    async with serve_toolbox(disk.tool) as url, WAYS[way](url, person) as client:
        result = await client.call_tool("wipe", {"folder": 7})
    assert result.is_error
    assert "folder: " in text(result)
    assert person.asked == []


async def test_the_operator_may_list_tools(serve_toolbox: Any):
    person = Person("decline")
    async with (
        serve_toolbox(DESTRUCTIVE_TOOLS="add, count*") as url,
        WAYS["streamable http, current"](url, person) as client,
    ):
        assert (await client.call_tool("add", {"a": 1, "b": 2})).is_error
        assert (await client.call_tool("count_words", {"text": "uno dos"})).is_error
        assert not (await client.call_tool("multiply", {"a": 1, "b": 2})).is_error
    assert len(person.asked) == 2


@pytest.mark.parametrize(("language", "word"), [("en", "Do you allow"), ("es", "¿Permites"), ("fr", "¿Permites")])
async def test_it_asks_in_the_persons_language(serve_toolbox: Any, disk: Disk, language: str, word: str):
    person = Person("decline")
    async with (
        serve_toolbox(disk.tool) as url,
        httpx2.AsyncClient(headers={"accept-language": language}) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), elicitation_callback=person) as client,
    ):
        await client.call_tool("wipe", {"folder": "/a"})
    assert word in person.asked[0]


async def test_plain_rest_is_refused(serve_toolbox: Any, disk: Disk):
    async with serve_toolbox(disk.tool) as url, httpx.AsyncClient(base_url=url) as http:
        response = await http.post("/mcp/tools/call", json={"name": "wipe", "arguments": {"folder": "/a"}})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "approval_required"
    assert disk.wiped == []


# --- Revision 2026-07-28 by hand ---


@pytest.fixture
def wipe(modern: Any):
    """A call of `wipe`, as a client sends it that can ask; with what it carries back in the second round."""

    def request(folder: str = "/a", name: str = "wipe", **carried: Any) -> dict[str, Any]:
        made = modern("tools/call", {"name": name, "arguments": {"folder": folder}, **carried})
        made["json"]["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = {"elicitation": {"form": {}}}
        return made

    return request


ACCEPTED = {"approval": {"action": "accept", "content": {}}}


@asynccontextmanager
async def asked(serve_toolbox: Any, disk: Disk, wipe: Any, **environ: str):
    """A client, and the state that it got with the question."""
    async with serve_toolbox(disk.tool, **environ) as url, httpx.AsyncClient(base_url=url) as http:
        result = (await http.post("/mcp", **wipe())).json()["result"]
        assert result["resultType"] == "input_required"
        (key,) = result["inputRequests"]
        assert key == "approval"
        assert result["inputRequests"][key]["method"] == "elicitation/create"
        yield http, result["requestState"]


async def test_an_approval_is_used_once(serve_toolbox: Any, disk: Disk, wipe: Any):
    async with asked(serve_toolbox, disk, wipe) as (http, state):
        request = wipe(inputResponses=ACCEPTED, requestState=state)
        results = [(await http.post("/mcp", **request)).json()["result"] for _ in range(3)]
    assert [result["isError"] for result in results] == [False, True, True]
    assert "has been used" in results[1]["content"][0]["text"]
    assert disk.wiped == ["/a"]


async def test_an_approval_sent_many_times_at_once_is_used_once(serve_toolbox: Any, disk: Disk, wipe: Any):
    async with asked(serve_toolbox, disk, wipe) as (http, state):
        request = wipe(inputResponses=ACCEPTED, requestState=state)
        await asyncio.gather(*(http.post("/mcp", **request) for _ in range(20)))
    assert disk.wiped == ["/a"]


async def test_who_declined_cannot_approve_the_same_question(serve_toolbox: Any, disk: Disk, wipe: Any):
    async with asked(serve_toolbox, disk, wipe) as (http, state):
        for action in ("decline", "accept"):
            answer = {"approval": {"action": action}}
            response = await http.post("/mcp", **wipe(inputResponses=answer, requestState=state))
            assert response.json()["result"]["isError"]
    assert disk.wiped == []


@pytest.mark.parametrize("changed", [{"folder": "/b"}, {"name": "wipe2"}])
async def test_an_approval_is_for_one_call(serve_toolbox: Any, disk: Disk, wipe: Any, changed: dict[str, str]):
    async with asked(serve_toolbox, disk, wipe) as (http, state):
        response = await http.post("/mcp", **wipe(inputResponses=ACCEPTED, requestState=state, **changed))
    assert response.json()["error"]["data"] == {"reason": "invalid_request_state"}
    assert disk.wiped == []


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-1], lambda s: s + "A", lambda s: "v1." + s, lambda s: "", lambda s: "ñ"]
)
async def test_a_state_that_was_tampered_with_is_refused(serve_toolbox: Any, disk: Disk, wipe: Any, spoil: Any):
    async with asked(serve_toolbox, disk, wipe) as (http, state):
        response = await http.post("/mcp", **wipe(inputResponses=ACCEPTED, requestState=spoil(state)))
    assert "error" in response.json()
    assert disk.wiped == []


async def test_an_answer_to_no_question_is_a_question(serve_toolbox: Any, disk: Disk, wipe: Any):
    async with asked(serve_toolbox, disk, wipe) as (http, state):
        for carried in (
            {"inputResponses": ACCEPTED},
            {"requestState": state},
            {"inputResponses": {"x": ACCEPTED["approval"]}},
        ):
            result = (await http.post("/mcp", **wipe(**carried))).json()["result"]
            assert result["resultType"] == "input_required"
    assert disk.wiped == []


@pytest.mark.parametrize("answer", [{}, {"action": "yes"}, {"roots": []}, "accept", None, []])
async def test_an_answer_of_another_kind_approves_nothing(serve_toolbox: Any, disk: Disk, wipe: Any, answer: Any):
    async with asked(serve_toolbox, disk, wipe) as (http, state):
        response = await http.post("/mcp", **wipe(inputResponses={"approval": answer}, requestState=state))
    body = response.json()
    assert "error" in body or body["result"].get("isError") or body["result"]["resultType"] == "input_required"
    assert disk.wiped == []


async def test_an_approval_is_for_who_asked(serve_toolbox: Any, disk: Disk, wipe: Any):
    one, two = {"x-api-key": "key-one"}, {"x-api-key": "key-two"}
    environ = {"AUTH_MODE": "keys", "API_KEYS": "key-one,key-two"}
    async with serve_toolbox(disk.tool, **environ) as url, httpx.AsyncClient(base_url=url) as http:

        async def post(key: dict[str, str], **carried: Any) -> dict[str, Any]:
            request = wipe(**carried)
            return (await http.post("/mcp", headers={**request["headers"], **key}, json=request["json"])).json()

        state = (await post(one))["result"]["requestState"]
        theirs = await post(two, inputResponses=ACCEPTED, requestState=state)
        assert theirs["error"]["data"] == {"reason": "invalid_request_state"}
        assert disk.wiped == []
        await post(one, inputResponses=ACCEPTED, requestState=state)
    assert disk.wiped == ["/a"]


@pytest.mark.parametrize(("keys", "holds"), [((KEY, KEY), True), ((KEY, KEY[::-1]), False), (("", ""), False)])
async def test_replicas_that_share_keys_take_each_others_approvals(
    serve_toolbox: Any, disk: Disk, wipe: Any, keys: tuple[str, str], holds: bool
):
    async with (
        asked(serve_toolbox, disk, wipe, MCP_STATE_KEYS=keys[0]) as (_, state),
        serve_toolbox(disk.tool, MCP_STATE_KEYS=keys[1]) as other,
        httpx.AsyncClient(base_url=other) as http,
    ):
        body = (await http.post("/mcp", **wipe(inputResponses=ACCEPTED, requestState=state))).json()
    assert ("result" in body) is holds
    assert disk.wiped == (["/a"] if holds else [])


async def test_keys_rotate(serve_toolbox: Any, disk: Disk, wipe: Any):
    old, new = KEY, KEY[::-1]
    async with (
        asked(serve_toolbox, disk, wipe, MCP_STATE_KEYS=old) as (_, state),
        serve_toolbox(disk.tool, MCP_STATE_KEYS=f"{new},{old}") as rotated,
        httpx.AsyncClient(base_url=rotated) as http,
    ):
        body = (await http.post("/mcp", **wipe(inputResponses=ACCEPTED, requestState=state))).json()
    assert body["result"]["isError"] is False


# --- A tool that changes while a person decides ---


def disguised(disk: Disk) -> Tool:
    return replace(disk.tool, description="Delete a folder, and everything beside it.")


async def test_what_was_approved_is_what_runs(wipe: Any, disk: Disk):
    registry = ToolRegistry([disk.tool])
    async with running(create_app(load(ToolboxSettings, {}), registry)) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            state = (await http.post("/mcp", **wipe())).json()["result"]["requestState"]
            registry.replace("built-in", [disguised(disk)])
            request = wipe(inputResponses=ACCEPTED, requestState=state)
            assert (await http.post("/mcp", **request)).json()["result"]["resultType"] == "input_required"

        async def changes_it(context: Any, params: Any) -> ElicitResult:
            registry.replace("built-in", [disk.tool])
            return ElicitResult(action="accept")

        async with Client(f"{url}/mcp", mode="legacy", elicitation_callback=changes_it) as client:
            result = await client.call_tool("wipe", {"folder": "/a"})
            assert "changed while" in text(result)
            assert disk.wiped == []
            assert not (await client.call_tool("wipe", {"folder": "/a"})).is_error  # now it stays as it is
    assert disk.wiped == ["/a"]
