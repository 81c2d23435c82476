"""Calls of tools that are repeated because the toolbox had not begun them, and those that are not."""

import asyncio
from collections.abc import Callable

import pytest
from agent_core.clients.caller import Caller
from agent_core.clients.toolbox import open_toolbox
from agent_core.clients.tools import ToolAnswer
from agent_core.deadline import Deadline
from agent_core.errors import ToolboxUnavailable
from agent_core.testing import FakeToolbox, Wire
from service_kit.testing import running
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

SUM = {"a": 1, "b": 2}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


class Door:
    """Stands before a toolbox: keeps the requests that call tools, and refuses the first `refusals` of them."""

    def __init__(self, app: Starlette, refusals: int = 0, **headers: str) -> None:
        self._app = app
        self._refusals = refusals
        self._headers = headers
        self.calls: list[tuple[dict[str, str], str]] = []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        body = await Request(scope, receive).body()
        if b'"tools/call"' in body:
            self.calls.append((dict(Request(scope).headers), body.decode()))
            if len(self.calls) <= self._refusals:
                headers = {name.replace("_", "-"): value for name, value in self._headers.items()}
                return await Response("busy", 503, headers)(scope, receive, send)
        parts = [{"type": "http.request", "body": body}]
        return await self._app(scope, lambda: _next(parts, receive), send)


async def _next(parts, receive):
    return parts.pop() if parts else await receive()


async def test_a_call_waits_for_a_toolbox_that_restarts():
    fake = FakeToolbox()
    async with fake.running() as url, Wire.to(url) as wire, open_toolbox(f"{wire.url}/mcp", None, 10) as toolbox:
        await toolbox.tools()
        await wire.cut()
        call = asyncio.create_task(toolbox.call("add", SUM, deadline=Deadline.after(20)))
        await until(lambda: not toolbox.connected)
        await wire.mend()
        assert await call == ToolAnswer("3")
    assert fake.calls == ["add"]


async def test_the_list_waits_for_a_toolbox_that_is_not_there_yet():
    async with (
        FakeToolbox().running() as url,
        Wire.to(url) as wire,
        open_toolbox(f"{wire.url}/mcp", None, 10) as toolbox,
    ):
        await wire.cut()
        assert not await toolbox.check()
        tools = asyncio.create_task(toolbox.tools(Deadline.after(20)))
        await wire.mend()
        assert len(await tools) == 4


async def test_a_toolbox_that_is_busy_is_asked_again():
    fake = FakeToolbox()
    door = Door(fake.app, 2, retry_after="0")
    async with running(door) as url, open_toolbox(f"{url}/mcp", None, 10) as toolbox:
        assert await toolbox.call("add", SUM, deadline=Deadline.after(20)) == ToolAnswer("3")
    assert (len(door.calls), fake.calls) == (3, ["add"])


@pytest.mark.parametrize("headers", [{}, {"retry_after": "0", "x_should_retry": "false"}])
async def test_a_refusal_that_time_does_not_mend_is_asked_once(headers):
    fake = FakeToolbox()
    door = Door(fake.app, 1, **headers)
    async with running(door) as url, open_toolbox(f"{url}/mcp", None, 10) as toolbox:
        with pytest.raises(ToolboxUnavailable):
            await toolbox.call("add", SUM, deadline=Deadline.after(20))
    assert (len(door.calls), fake.calls) == (1, [])


@pytest.mark.parametrize("read_only", [True, False])
async def test_a_call_that_may_have_begun_is_repeated_only_if_the_tool_is_read_only(read_only):
    fake = FakeToolbox(slow_is_read_only=read_only)
    async with fake.running() as url, Wire.to(url) as wire, open_toolbox(f"{wire.url}/mcp", None, 20) as toolbox:
        await toolbox.tools()
        seconds = 0.5
        call = asyncio.create_task(toolbox.call("slow", {"seconds": seconds}, deadline=Deadline.after(20)))
        await until(lambda: fake.running_now == 1)
        wire.cut_newest()
        if read_only:
            assert await call == ToolAnswer("slept 0.5")
            assert fake.calls == ["slow", "slow"]
        else:
            with pytest.raises(ToolboxUnavailable):
                await call
            assert fake.calls == ["slow"]


async def test_a_toolbox_that_stays_away_ends_with_an_error_before_the_deadline():
    async with open_toolbox("http://127.0.0.1:1/mcp", None, 5) as toolbox, asyncio.timeout(9):
        with pytest.raises(ToolboxUnavailable):
            await toolbox.call("add", SUM, deadline=Deadline.after(1))


async def test_the_caller_goes_with_each_call():
    door = Door(FakeToolbox().app)
    async with running(door) as url, open_toolbox(f"{url}/mcp", None, 10) as toolbox:
        ana = Caller(user="ana", request_id="req-1", traceparent=TRACE)
        luis = Caller(user="luis\r\nx-evil: 1", request_id="req-2")
        await asyncio.gather(*[toolbox.call("add", SUM, caller=caller) for caller in (ana, luis)])
        await toolbox.call("add", SUM)
    by_id = {headers.get("x-request-id"): (headers, body) for headers, body in door.calls}
    headers, body = by_id["req-1"]
    assert (headers["x-user-id"], headers["traceparent"]) == ("ana", TRACE)
    assert f'"traceparent":"{TRACE}"' in body and '"agent-suite/user":"ana"' in body
    assert "x-user-id" not in by_id["req-2"][0] and "x-evil" not in by_id["req-2"][0]
    assert "traceparent" not in by_id[None][0]
