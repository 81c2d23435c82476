"""Conversations, kept in memory: bounded in number and in size, each the property of its user."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from service_kit.limits.shares import Shares

from agent_core.errors import ThreadBusy

MAX_WAITING = 8
"""Questions that may wait for one conversation."""


class Thread:
    """One conversation; `messages` is replaced, never changed in place."""

    def __init__(self) -> None:
        self.messages: list[AnyMessage] = []
        self.turn = asyncio.Lock()
        self.holders = 0


class Threads:
    """The conversations of this process. When there are too many, the user who has most loses the one that was not
    used for longest, so that no user's conversations push out another's."""

    def __init__(self, *, max_threads: int, max_messages: int, max_chars: int) -> None:
        self._threads: OrderedDict[tuple[str, str], Thread] = OrderedDict()
        self._shares = Shares(max_threads)
        self._max_messages = max_messages
        self._max_chars = max_chars

    def __len__(self) -> int:
        return len(self._threads)

    def waiting(self, user: str, thread_id: str) -> int:
        """How many questions hold the conversation or wait for it."""
        thread = self._threads.get((user, thread_id))
        return thread.holders if thread else 0

    @asynccontextmanager
    async def turn(self, user: str, thread_id: str, *, busy: str) -> AsyncIterator[Thread]:
        """The conversation, for one run alone: a second run waits for the first, in order.

        Raises ThreadBusy with the text `busy` when too many wait already.
        """
        key = (user, thread_id)
        thread = self._threads.get(key)
        if thread is None:
            thread = self._threads[key] = Thread()
            self._shares.take(user)
        self._threads.move_to_end(key)
        if thread.holders > MAX_WAITING:
            raise ThreadBusy(busy)
        thread.holders += 1
        try:
            async with thread.turn:
                yield thread
                thread.messages = trimmed(thread.messages, self._max_messages, self._max_chars)
        finally:
            thread.holders -= 1
            if not thread.holders and not thread.messages:
                self._forget(key)
            self._forget_excess()

    def _forget_excess(self) -> None:
        excess = len(self._threads) - self._shares.total
        for _ in range(excess):
            idle = [key for key, thread in self._threads.items() if not thread.holders]
            # Of several with as many, `max` takes the first, and the order is that of use.
            key = max(idle, key=lambda key: self._shares.held(key[0]), default=None)
            if key is None or not self._shares.gives_way(key[0]):
                return
            self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        del self._threads[key]
        self._shares.give_back(key[0])


def trimmed(messages: list[AnyMessage], max_messages: int, max_chars: int) -> list[AnyMessage]:
    """The newest whole turns that fit, at least the last one: a turn begins with what a person said."""
    starts = [index for index, message in enumerate(messages) if isinstance(message, HumanMessage)]
    sizes = [len(message.text) for message in messages]
    for start in starts:
        if len(messages) - start <= max_messages and sum(sizes[start:]) <= max_chars:
            return messages[start:]
    return messages[starts[-1] :] if starts else messages


def closed(messages: list[AnyMessage], results: Mapping[str, str], otherwise: str, ending: str) -> list[AnyMessage]:
    """A turn that was stopped, made whole, so that the conversation can go on.

    Every tool call without a result gets one (from `results` where it had ended, else the text `otherwise`), and
    the turn ends with the assistant saying `ending`: providers refuse a call without a result, and some refuse two
    questions in a row.
    """
    whole: list[AnyMessage] = []
    missing: list[str] = []
    for message in messages:
        # Ids are compared within one visit to the model: some models start again with the same ones at each.
        if isinstance(message, ToolMessage):
            missing = [id_ for id_ in missing if id_ != message.tool_call_id]
        else:
            whole += [_closing(id_, results, otherwise) for id_ in missing]
            missing = _call_ids(message)
        whole.append(message)
    whole += [_closing(id_, results, otherwise) for id_ in missing]
    return [*whole, AIMessage(content=ending)]


def _call_ids(message: AnyMessage) -> list[str]:
    if not isinstance(message, AIMessage):
        return []
    return [call["id"] or "" for call in (*message.tool_calls, *message.invalid_tool_calls)]


def _closing(id_: str, results: Mapping[str, str], otherwise: str) -> ToolMessage:
    return ToolMessage(content=results.get(id_, otherwise), tool_call_id=id_)
