"""The events of an answer in text, as those of an answer with tool calls."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from llm_gateway.canonical import BlockStart, BlockStop, Delta, Event, Finish, Result, Signature
from llm_gateway.canonical.aggregate import Aggregate, events_of
from llm_gateway.providers.emulated_tools.calls import Called
from llm_gateway.providers.emulated_tools.plan import Plan
from llm_gateway.providers.emulated_tools.reading import reader_of

MakeId = Callable[[], str]


class Reread:
    """Reads one stream as `plan` says; `make_id` makes the ids of its calls.

    Text goes on as soon as it is known to be no call. Calls come at the end of their choice, each in one piece: before
    that it is not known whether their arguments fit.
    """

    def __init__(self, plan: Plan, make_id: MakeId) -> None:
        self._plan = plan
        self._make_id = make_id
        self._choices: dict[int, _Choice] = {}

    def feed(self, events: list[Event]) -> list[Event]:
        said: list[Event] = []
        for event in events:
            if isinstance(event, (BlockStart, Delta, Signature, BlockStop, Finish)):
                choice = self._choices.get(event.choice)
                if choice is None:
                    choice = self._choices[event.choice] = _Choice(event.choice, self._plan, self._make_id)
                choice.feed(event, said)
            else:
                said.append(event)
        return said


def reread(result: Result, plan: Plan, make_id: MakeId) -> Result:
    """Returns a whole answer, read as a stream of it would be."""
    aggregate = Aggregate()
    aggregate.feed(Reread(plan, make_id).feed(list(events_of(result))))
    return msgspec.structs.replace(result, choices=aggregate.result().choices)


class _Choice:
    """One choice: its blocks are numbered anew, since text may become calls."""

    def __init__(self, number: int, plan: Plan, make_id: MakeId) -> None:
        self._number = number
        self._make_id = make_id
        self._reader = reader_of(plan)
        self._texts: set[int] = set()
        self._others: dict[int, int] = {}
        self._blocks = 0
        self._tools = 0
        self._open: int | None = None

    def feed(self, event: BlockStart | Delta | Signature | BlockStop | Finish, said: list[Event]) -> None:
        match event:
            case BlockStart(kind="text"):
                self._texts.add(event.index)
            case BlockStart():
                self._close(said)
                self._others[event.index] = self._blocks
                self._tools += event.kind == "tool_call"
                said.append(msgspec.structs.replace(event, index=self._next()))
            case Finish():
                self._finish(event, said)
            case Delta() if event.index in self._texts:
                self._say(self._reader.feed(event.text), said)
            case _ if event.index in self._others:
                said.append(msgspec.structs.replace(event, index=self._others[event.index]))

    def _next(self) -> int:
        self._blocks += 1
        return self._blocks - 1

    def _say(self, text: str, said: list[Event]) -> None:
        if not text:
            return
        if self._open is None:
            self._open = self._next()
            said.append(BlockStart(index=self._open, kind="text", choice=self._number))
        said.append(Delta(index=self._open, text=text, choice=self._number))

    def _close(self, said: list[Event]) -> None:
        if self._open is not None:
            said.append(BlockStop(index=self._open, choice=self._number))
            self._open = None

    def _finish(self, finish: Finish, said: list[Event]) -> None:
        rest, calls = self._reader.finish()
        self._say(rest, said)
        self._close(said)
        for call in calls:
            self._call(call, said)
        said.append(msgspec.structs.replace(finish, reason="tool_calls", stop_sequence=None) if calls else finish)

    def _call(self, call: Called, said: list[Event]) -> None:
        index, tool_index = self._next(), self._tools
        self._tools += 1
        said.append(
            BlockStart(
                index=index, kind="tool_call", choice=self._number, tool_index=tool_index, id=self._make_id(),
                name=call.name,
            )
        )  # fmt: skip
        said.append(Delta(index=index, text=call.arguments, choice=self._number))
        said.append(BlockStop(index=index, choice=self._number))
