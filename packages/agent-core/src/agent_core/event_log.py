"""The event log: what was told on each channel, numbered, for whoever comes back after a drop.

A channel is whatever a run belongs to: for the WebSocket agent a connection id. Readers keep a position of their
own (the last sequence number that they have) and ask for what comes after it, so that a slow reader costs nothing
but its position, and replay and live delivery are the same read.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from service_kit.limits.shares import Shares

from agent_core.events import Event, numbered


class PositionGoneError(Exception):
    """The log does not hold every event after that position: it was trimmed, or never got there."""


class Entry(msgspec.Struct, frozen=True):
    """One event as it stands in the log; `text` is its JSON, encoded once however many readers it has."""

    seq: int
    run_id: str | None
    text: str


class EventLog(Protocol):
    """Keeps channels apart and gives each an `epoch`, which changes when a channel's past is forgotten."""

    def open(self, channel: str, owner: str = "") -> str:
        """Make the channel, which counts as `owner`'s, unless it is there; its epoch."""
        ...

    def last_seq(self, channel: str) -> int:
        """The number of the newest event, 0 before the first."""
        ...

    def append(self, channel: str, event: Event) -> Entry:
        """Number `event` and keep it; the newest event is always kept, whatever its size."""
        ...

    def after(self, channel: str, seq: int, limit: int) -> list[Entry]:
        """At most `limit` events that follow `seq`, in order; raises PositionGoneError when any of them is missing."""
        ...

    def of_run(self, channel: str, run_id: str, max_bytes: int) -> list[Entry]:
        """The newest events of one run that are still here, in order, together at most `max_bytes` of JSON."""
        ...

    def forget(self, channel: str) -> None:
        """Drop the channel; opened again it has another epoch."""
        ...


@dataclass
class _Channel:
    owner: str
    epoch: str = field(default_factory=lambda: secrets.token_hex(8))
    entries: deque[Entry] = field(default_factory=deque)
    last_seq: int = 0
    size: int = 0

    def drop_oldest(self) -> int:
        """Forget one event; its size."""
        size = _size(self.entries.popleft())
        self.size -= size
        return size


class MemoryEventLog:
    """An `EventLog` in this process, bounded three ways: events and bytes a channel, bytes in all.

    When all channels together are over `total_bytes`, the owner whose channels hold most gives way, first with the one
    that was written to longest ago: so no owner's events push out another's.
    Sizes are counted in characters of JSON plus a fixed overhead per event, which is close to what they occupy.
    """

    def __init__(
        self,
        *,
        max_events: int = 10_000,
        max_bytes: int = 8 * 1024 * 1024,
        total_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._shares = Shares(total_bytes)
        self._channels: dict[str, _Channel] = {}
        # By owner those with events, the latest written last.
        self._filled: defaultdict[str, OrderedDict[str, _Channel]] = defaultdict(OrderedDict)

    def open(self, channel: str, owner: str = "") -> str:
        return self._channels.setdefault(channel, _Channel(owner)).epoch

    def last_seq(self, channel: str) -> int:
        return self._channels[channel].last_seq

    def append(self, channel: str, event: Event) -> Entry:
        kept = self._channels[channel]
        filled = self._filled[kept.owner]
        filled[channel] = kept
        filled.move_to_end(channel)
        kept.last_seq += 1
        entry = Entry(kept.last_seq, event.run_id, numbered(event, kept.last_seq).to_json().decode())
        kept.entries.append(entry)
        kept.size += _size(entry)
        self._shares.take(kept.owner, _size(entry))
        while len(kept.entries) > 1 and (len(kept.entries) > self._max_events or kept.size > self._max_bytes):
            self._shares.give_back(kept.owner, kept.drop_oldest())
        while self._shares.sum > self._shares.total and self._trim(kept):
            pass
        return entry

    def _trim(self, written: _Channel) -> bool:
        """Forget one event, never the newest of the channel that was just written to; whether there was another."""
        # The writer first, since that needs no search: where all hold much, most writers are over their share.
        over = self._shares.held(written.owner) > self._shares.equal_share(written.owner)
        owner = written.owner if over else self._shares.largest()
        if owner == written.owner and len(self._filled[written.owner]) == len(written.entries) == 1:
            others = (other for other in self._filled if other != written.owner)
            owner = max(others, key=self._shares.held, default=None)
        if owner is None:
            return False
        name, oldest = next(iter(self._filled[owner].items()))
        self._shares.give_back(owner, oldest.drop_oldest())
        if not oldest.entries:
            self._empty(owner, name)
        return True

    def _empty(self, owner: str, name: str) -> None:
        self._filled[owner].pop(name, None)
        if not self._filled[owner]:
            del self._filled[owner]

    def after(self, channel: str, seq: int, limit: int) -> list[Entry]:
        kept = self._channels[channel]
        missing = kept.last_seq - seq
        if seq < 0 or missing < 0 or missing > len(kept.entries):
            raise PositionGoneError
        # Numbers have no holes, so a position is an index; a deque is quick near its ends, where readers are.
        first = len(kept.entries) - missing
        return [kept.entries[index] for index in range(first, min(first + limit, len(kept.entries)))]

    def of_run(self, channel: str, run_id: str, max_bytes: int) -> list[Entry]:
        newest: list[Entry] = []
        for entry in reversed(self._channels[channel].entries):
            if entry.run_id != run_id:
                continue
            max_bytes -= len(entry.text.encode())
            if max_bytes < 0:
                break
            newest.append(entry)
        return newest[::-1]

    def forget(self, channel: str) -> None:
        forgotten = self._channels.pop(channel, None)
        if forgotten is not None and forgotten.entries:
            self._empty(forgotten.owner, channel)
            self._shares.give_back(forgotten.owner, forgotten.size)


def _size(entry: Entry) -> int:
    return len(entry.text) + 200
