"""Selects the tools whose descriptions are sent to a model.

All of them, as long as they are few. Past a threshold it selects the toolbox's search, the tools that the search finds
for the question, those that the model itself has searched for, and those that the conversation has used. The model may
call any other tool by its name all the same.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Sequence

import msgspec
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from service_kit.telemetry.logs import get_logger

from agent_core.clients.toolbox import Toolbox
from agent_core.clients.tools import Tool
from agent_core.errors import ToolboxUnavailable
from agent_core.state import RunContext

_log = get_logger(__name__)

SEARCH = "search_tools"
_MOST_RELEVANT = 8
_MOST_USED = 8
_MOST_QUERY_CHARS = 2_000
_TIMEOUT_SECONDS = 5.0


class _Named(msgspec.Struct, frozen=True):
    """A tool as the toolbox's search answers it; the rest is known from the list."""

    name: str


class ToolSelector:
    """Chooses from the tools of `toolbox` when there are more than `threshold`, and it can be searched."""

    def __init__(self, toolbox: Toolbox, threshold: int) -> None:
        self._toolbox = toolbox
        self._threshold = threshold

    async def select(self, messages: Sequence[AnyMessage], run: RunContext) -> Sequence[Tool]:
        """The tools for the next visit to the model, which sees `messages`; at most `threshold` when it chooses.

        Raises ToolboxUnavailable when the toolbox is away.
        """
        every = await self._toolbox.tools(run.deadline)
        listed = {tool.name: tool for tool in every}
        if len(every) <= self._threshold or SEARCH not in listed:
            return every
        if run.relevant_tools is None:
            run.relevant_tools = await self._search(_question(messages), run)
        wanted = [SEARCH, *_used(messages)[:_MOST_USED], *_found(messages), *run.relevant_tools]
        chosen = [name for name in dict.fromkeys(wanted) if name in listed]
        return [listed[name] for name in chosen[: self._threshold]]

    def suggestions(self, name: str, known: Sequence[str]) -> Sequence[str]:
        """Returns the tools to name to a model that called the unknown tool `name`: all of `known` if they are few."""
        if len(known) <= self._threshold or SEARCH not in known:
            return known
        return [*difflib.get_close_matches(name[:100], known, n=5), SEARCH]

    async def _search(self, question: str, run: RunContext) -> list[str]:
        """Returns the names of tools that fit the question; none when the search fails: the model can search too."""
        args = {"query": question.strip()[:_MOST_QUERY_CHARS], "limit": _MOST_RELEVANT}
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                answer = await self._toolbox.call(SEARCH, args, caller=run.caller, deadline=run.deadline)
        except (ToolboxUnavailable, TimeoutError) as error:
            _log.warning("tools not searched", error=repr(error))
            return []
        if answer.is_error:
            _log.warning("search of tools failed", error=answer.text[:300])
            return []
        return _names(answer.text)


def _question(messages: Sequence[AnyMessage]) -> str:
    return next((str(item.text) for item in reversed(messages) if isinstance(item, HumanMessage)), "")


def _found(messages: Sequence[AnyMessage]) -> list[str]:
    """Returns the tools that the model has found by searching since the last question, the latest search first."""
    found: list[str] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        if isinstance(message, ToolMessage) and message.name == SEARCH and message.status != "error":
            found += _names(str(message.text))
    return found


def _used(messages: Iterable[AnyMessage]) -> list[str]:
    """Returns the tools that the conversation has called, the latest first: they are often needed again."""
    calls = [call["name"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    return list(dict.fromkeys(reversed(calls)))


def _names(text: str) -> list[str]:
    try:
        return [tool.name for tool in msgspec.json.decode(text, type=list[_Named])]
    except msgspec.MsgspecError:
        return []
