from __future__ import annotations

import asyncio
import importlib
import itertools
from pathlib import Path
from typing import Annotated, Any

import pytest
from mcp_toolbox.errors import InvalidArgumentsError, ToolDefinitionError, ToolFailedError, UnknownToolError
from mcp_toolbox.registry.context import CallContext
from mcp_toolbox.registry.tool import Hints, ToolResult, from_function
from mcp_toolbox.registry.tools import Call, ToolRegistry, discover
from pydantic import Field

Text = Annotated[str, Field(description="Some text.")]
_counter = itertools.count()


async def slow_echo(text: Text) -> str:
    """Echo a text, later."""
    await asyncio.sleep(0)
    return text


def refuse(text: Text) -> str:
    """Always fail, on purpose."""
    raise ToolFailedError(f"cannot do {text}")


def crash(text: Text) -> str:
    """Always fail, by mistake."""
    raise RuntimeError("secret path /etc/shadow")


def of(*functions: Any) -> ToolRegistry:
    return ToolRegistry(from_function(function, Hints()) for function in functions)


def test_the_built_in_tools_are_listed_by_name(registry: ToolRegistry):
    assert [tool.name for tool in registry] == ["add", "count_words", "multiply", "uppercase"]
    assert len(registry) == 4


def test_what_a_model_reads_is_complete_and_english(registry: ToolRegistry):
    for tool in registry:
        assert len(tool.description) > 30
        assert tool.description[0].isupper()
        assert tool.input_schema["additionalProperties"] is False
        for parameter in tool.input_schema["properties"].values():
            assert parameter["description"].endswith(".")
            assert "title" not in parameter
        assert tool.output_schema is not None
        assert tool.hints.to_wire() == {
            "title": tool.hints.title,
            "readOnlyHint": True,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
        }


async def test_a_tool_may_be_asynchronous():
    assert await of(slow_echo).call("slow_echo", {"text": "hi"}) == ToolResult.of("hi", {"result": "hi"})


async def test_an_unknown_tool_is_named_safely(registry: ToolRegistry):
    with pytest.raises(UnknownToolError, match="Unknown tool: subtract"):
        await registry.call("subtract", {})
    with pytest.raises(UnknownToolError) as error:
        await registry.call("\ud800" + "x" * 5000, {})
    str(error.value).encode()
    assert len(str(error.value)) < 200


async def test_arguments_are_checked_before_the_tool_runs():
    with pytest.raises(InvalidArgumentsError):
        await of(crash).call("crash", {"text": 5})


async def test_a_deliberate_failure_says_what_the_tool_says():
    assert await of(refuse).call("refuse", {"text": "magic"}) == ToolResult.of("cannot do magic", is_error=True)


async def test_a_bug_is_a_failure_that_tells_no_secret():
    result = await of(crash).call("crash", {"text": "x"})
    assert result.is_error
    assert "crash" in result.text
    assert "shadow" not in result.text


async def test_a_cancelled_call_is_cancelled():
    async def forever(text: Text) -> str:
        """Never answer."""
        await asyncio.Event().wait()
        return text

    call = asyncio.create_task(of(forever).call("forever", {"text": "x"}))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(ToolDefinitionError, match="refuse"):
        of(refuse, refuse)


GOOD = '''
from typing import Annotated
from pydantic import Field
from mcp_toolbox.registry.tool import Hints
HINTS = Hints()
def shout(text: Annotated[str, Field(description="Words.")]) -> str:
    """Say it louder."""
    return text + "!"
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package of tools made of these files."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(**files: str) -> Any:
        name = f"toolfolder{next(_counter)}"
        (tmp_path / name).mkdir()
        for module, source in {"__init__": "", **files}.items():
            (tmp_path / name / f"{module}.py").write_text(source)
        return importlib.import_module(name)

    return make


async def test_adding_one_file_adds_a_tool(folder: Any):
    registry = ToolRegistry(discover(folder(shout=GOOD, _private="raise RuntimeError")))
    assert [tool.name for tool in registry] == ["shout"]
    assert (await registry.call("shout", {"text": "hey"})).text == "hey!"


@pytest.mark.parametrize(
    ("source", "complaint"), [("", "no function shout"), (GOOD.replace("HINTS =", "OTHER ="), "no HINTS")]
)
def test_a_file_that_is_no_tool_is_refused_by_name(folder: Any, source: str, complaint: str):
    with pytest.raises(ToolDefinitionError, match=complaint):
        discover(folder(shout=source))


async def greet(text: Text, context: CallContext) -> str:
    """Greet whoever calls, and say how far it is."""
    await context.progress(1, 2, "halfway")
    return f"{text} {context.principal}"


async def test_a_tool_may_know_its_caller_and_tell_how_far_it_is():
    told: list[tuple[float, float | None, str | None]] = []

    async def report(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message))

    registry = of(greet)
    (tool,) = registry
    assert set(tool.input_schema["properties"]) == {"text"}
    result = await registry.call("greet", {"text": "hi"}, CallContext(principal="k1", report=report))
    assert (result.text, told) == ("hi k1", [(1, 2, "halfway")])
    assert (await registry.call("greet", {"text": "hi"})).text == "hi anonymous"


def test_a_source_may_change_its_tools_while_the_toolbox_runs():
    told: list[list[str]] = []
    registry = of(refuse)
    end = registry.watch(lambda: told.append([tool.name for tool in registry]))
    registry.replace("other", [from_function(crash, Hints())])
    registry.replace("other", [from_function(crash, Hints())])  # the same again: nobody needs to know
    registry.replace("other", [])
    end()
    registry.replace("other", [from_function(crash, Hints())])
    assert told == [["crash", "refuse"], ["refuse"]]


def test_a_source_that_takes_anothers_name_changes_nothing():
    registry = of(refuse)
    with pytest.raises(ToolDefinitionError, match="refuse"):
        registry.replace("other", [from_function(crash, Hints()), from_function(refuse, Hints())])
    assert [tool.name for tool in registry] == ["refuse"]


def test_each_tool_has_a_source():
    registry = of(refuse)
    registry.replace("other", [from_function(crash, Hints())])
    assert [registry.source_of(name) for name in ("refuse", "crash", "nothing")] == ["built-in", "other", None]
    assert {name: [tool.name for tool in tools] for name, tools in registry.sources.items()} == {
        "built-in": ["refuse"],
        "other": ["crash"],
    }
    registry.replace("other", [])
    assert registry.source_of("crash") is None


class Turnstile:
    """Counts who passes and who was turned away before."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.turned_away: list[str] = []

    def around(self, call: Call) -> Call:
        async def counted(name: str, arguments: Any, context: CallContext) -> ToolResult:
            self.passed.append(name)
            return await call(name, arguments, context)

        return counted

    def refused(self, name: str, arguments: Any, context: CallContext) -> None:
        self.turned_away.append(name)


async def test_every_call_passes_what_stands_around_it():
    registry, turnstile = of(slow_echo), Turnstile()
    registry.refused("slow_echo", {}, CallContext())  # nobody keeps a record yet
    registry.set_policy(turnstile)
    assert (await registry.call("slow_echo", {"text": "hi"})).text == "hi"
    with pytest.raises(UnknownToolError):
        await registry.call("nothing", {})
    registry.refused("slow_echo", {}, CallContext())
    assert (turnstile.passed, turnstile.turned_away) == (["slow_echo", "nothing"], ["slow_echo"])
