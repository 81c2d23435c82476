from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from mcp_toolbox.calls.audit import AuditLog, Entry
from mcp_toolbox.calls.call_policy import CallPolicy
from mcp_toolbox.calls.rates import Rates
from mcp_toolbox.errors import InvalidArgumentsError, RateLimitedError, ToolFailedError, UnknownToolError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, ToolResult, from_function
from mcp_toolbox.registry.tools import ToolRegistry
from pydantic import Field
from service_kit.limits.limiter import Rate

Text = Annotated[str, Field(description="Some text.")]
CALLER = CallContext(principal="k1", request_id="r1", transport="rest")


class Recorded(AuditLog):
    """Entries, kept where a test sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    def record(self, entry: Entry) -> None:
        self.entries.append(entry)

    def outcomes(self) -> list[str]:
        return [entry.outcome for entry in self.entries]


class Tools:
    """Tools, and what became of them."""

    def __init__(self) -> None:
        self.ran = 0
        self.stopped = 0
        self.sleeping = asyncio.Event()
        self.answer: Any = None

    def echo(self, text: Text, password: Annotated[str, Field(description="A secret.")] = "") -> str:
        """Say it again."""
        self.ran += 1
        return text

    async def sleep(self, seconds: Annotated[float, Field(description="How long.")]) -> str:
        """Answer later."""
        self.sleeping.set()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return "slept"

    async def late(self) -> str:
        """Run into a time limit of its own."""
        async with asyncio.timeout(0.001):
            await asyncio.sleep(5)
        return "never"

    def fail(self) -> str:
        """Fail, on purpose."""
        raise ToolFailedError("no luck")

    def crash(self) -> str:
        """Fail, by mistake."""
        raise KeyError("secret")

    def anything(self) -> str:
        """Answer what the test says."""
        return self.answer


@pytest.fixture
def tools() -> Tools:
    return Tools()


@pytest.fixture
def audit() -> Recorded:
    return Recorded()


@pytest.fixture
def of(tools: Tools, audit: Recorded) -> Callable[..., ToolRegistry]:
    """A guarded catalog of the tools."""

    def make(**options: Any) -> ToolRegistry:
        functions = (tools.echo, tools.sleep, tools.late, tools.fail, tools.crash, tools.anything)
        registry = ToolRegistry(from_function(function, Hints()) for function in functions)
        known: dict[str, Any] = {"rates": Rates(), "timeout_seconds": 5.0, "max_result_bytes": 10_000}
        registry.guard(CallPolicy(registry, audit=audit, **{**known, **options}))
        return registry

    return make


async def test_a_call_that_goes_well_changes_nothing_and_is_recorded(of: Any, audit: Recorded):
    assert await of().call("echo", {"text": "hi"}, CALLER) == ToolResult.of("hi", {"result": "hi"})
    (entry,) = audit.entries
    assert (entry.tool, entry.source, entry.outcome) == ("echo", "built-in", "ok")
    assert (entry.principal, entry.request_id, entry.transport) == ("k1", "r1", "rest")
    assert entry.result_bytes == len(
        '{"content":[{"type":"text","text":"hi"}],"isError":false,"structuredContent":{"result":"hi"}}'
    )
    assert entry.arguments is None
    assert 0 < entry.milliseconds < 5000
    assert entry.at > 1_700_000_000


@pytest.mark.parametrize("name", ["fail", "crash"])
async def test_a_failure_is_recorded_as_one(of: Any, audit: Recorded, name: str):
    assert (await of().call(name, {}, CALLER)).is_error
    assert audit.outcomes() == ["error"]


async def test_arguments_that_do_not_fit_reach_no_tool(of: Any, tools: Tools, audit: Recorded):
    with pytest.raises(InvalidArgumentsError):
        await of().call("echo", {"text": 5}, CALLER)
    assert (tools.ran, audit.outcomes()) == (0, ["invalid"])


async def test_an_unknown_tool_is_recorded_by_a_bounded_name(of: Any, audit: Recorded):
    with pytest.raises(UnknownToolError):
        await of().call("x" * 5000 + "\ud800", {}, CALLER)
    (entry,) = audit.entries
    assert (entry.outcome, entry.source) == ("unknown", None)
    assert len(entry.tool) < 200


async def test_a_tool_is_called_no_more_often_than_it_may(of: Any, tools: Tools, audit: Recorded):
    registry = of(rates=Rates([("echo", Rate(2, 60))]))
    for _ in range(2):
        await registry.call("echo", {"text": "hi"}, CALLER)
    with pytest.raises(RateLimitedError, match="wait"):
        await registry.call("echo", {"text": "hi"}, CALLER)
    await registry.call("echo", {"text": "hi"}, CallContext(principal="k2"))
    assert (tools.ran, audit.outcomes()) == (3, ["ok", "ok", "rate_limited", "ok"])


async def test_a_tool_that_takes_too_long_is_stopped(of: Any, tools: Tools, audit: Recorded):
    registry = of(timeout_seconds=5, timeouts=[("sl*", 0.02)])
    result = await registry.call("sleep", {"seconds": 60.0}, CALLER)
    assert result.is_error
    assert result.text == "The tool sleep was stopped: it had not answered within 0.02 s."
    assert (tools.stopped, audit.outcomes()) == (1, ["timeout"])


async def test_a_time_limit_of_the_tools_own_is_its_failure(of: Any, audit: Recorded):
    assert (await of().call("late", {}, CALLER)).is_error
    assert audit.outcomes() == ["error"]


async def test_a_call_that_is_cancelled_is_cancelled_and_recorded(of: Any, tools: Tools, audit: Recorded):
    call = asyncio.ensure_future(of().call("sleep", {"seconds": 60.0}, CALLER))
    await asyncio.wait_for(tools.sleeping.wait(), 5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (tools.stopped, audit.outcomes()) == (1, ["cancelled"])


async def test_a_result_that_is_too_large_says_how_large(of: Any, audit: Recorded):
    registry = of(max_result_bytes=2000)
    bare = len('{"content":[{"type":"text","text":""}],"isError":false,"structuredContent":{"result":""}}')
    fits = (2000 - bare) // 2
    assert not (await registry.call("echo", {"text": "x" * fits}, CALLER)).is_error
    result = await registry.call("echo", {"text": "x" * (fits + 1)}, CALLER)
    assert result.is_error
    assert "2,001 bytes" in result.text or "2,002 bytes" in result.text
    assert "at most 2,000" in result.text
    assert audit.outcomes() == ["ok", "error"]
    assert (await registry.call("echo", {"text": "ñ" * (fits // 2 + 2)}, CALLER)).is_error  # bytes, not characters


@pytest.mark.parametrize("answer", ["half \ud800", {"deep": ["\ud83d"]}])
async def test_what_cannot_be_sent_is_a_failure(of: Any, tools: Tools, audit: Recorded, answer: Any):
    tools.answer = answer
    assert (await of().call("anything", {}, CALLER)).is_error
    assert audit.outcomes() == ["error"]


async def test_arguments_are_recorded_only_when_told_to_and_without_secrets(of: Any, audit: Recorded):
    await of(record_arguments=True).call("echo", {"text": "x" * 5000, "password": "hunter2"}, CALLER)
    (entry,) = audit.entries
    assert entry.arguments == {"text": "x" * 200 + "…", "password": "[redacted]"}


async def test_a_call_that_was_turned_away_before_is_recorded(of: Any, audit: Recorded):
    of().refused("echo", {"text": "hi"}, CALLER)
    assert audit.outcomes() == ["refused"]


async def test_many_at_once_do_not_mix(of: Any, audit: Recorded):
    registry = of(timeout_seconds=0.2)
    calls = [registry.call("sleep", {"seconds": seconds}, CALLER) for seconds in (0.01, 60.0) * 50]
    results = await asyncio.gather(*calls)
    assert [result.is_error for result in results] == [False, True] * 50
    assert sorted(audit.outcomes()) == ["ok"] * 50 + ["timeout"] * 50
