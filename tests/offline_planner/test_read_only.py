"""What a tool's server says of its effects: a tool that may change something runs on an order alone."""

from __future__ import annotations

import pytest
from offline_planner import Message, Request, Text, Tool, ToolCall, plan

NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def called(question: str, tool: str, read_only: bool | None) -> list[str]:
    offered = Tool(name=tool, description="A tool.", parameters=NAME, read_only=read_only)
    asked = Request(messages=(Message(role="user", content=(Text(question),)),), tools=(offered,))
    return [part.name for part in plan(asked).content if isinstance(part, ToolCall)]


@pytest.mark.parametrize(("read_only", "runs"), [(None, True), (True, True), (False, False)])
def test_a_name_that_reads_is_contradicted_by_its_server(read_only, runs) -> None:
    assert bool(called("can you get the user Ana?", "get_user", read_only)) is runs
    assert called("get the user Ana", "get_user", read_only) == ["get_user"]


@pytest.mark.parametrize(("read_only", "runs"), [(None, False), (True, True), (False, False)])
def test_a_server_says_what_its_name_does_not(read_only, runs) -> None:
    assert bool(called("frobnicate the user Ana?", "frobnicate_user", read_only)) is runs


@pytest.mark.parametrize("tool", ["delete_user", "get_rid_of_user"])
@pytest.mark.parametrize("read_only", [None, True, False])
def test_a_server_is_not_believed_against_its_own_name(tool, read_only) -> None:
    verb = "delete" if tool == "delete_user" else "get rid of"
    assert called(f"can you {verb} the user Ana?", tool, read_only) == []
