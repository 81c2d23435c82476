"""Detached runs: the channels of a process, which of them may be forgotten, and how they end with the service."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from service_kit.limits.shares import Shares

from agent_core.agent import RunRequest
from agent_core.channel import Channel, Runner
from agent_core.event_log import EventLog
from agent_core.run_errors import NotOwner, ServiceStopping, TooManyChannels


class Runs:
    """All channels of one process. Idle ones are forgotten, the longest idle first: by age, and when there are too many
    those of the owner that has most, so that no owner's push out another's."""

    def __init__(
        self,
        runner: Runner,
        log: EventLog,
        *,
        queue_limit: int = 8,
        max_channels: int = 10_000,
        idle_seconds: float = 3_600.0,
        stop_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._log = log
        self._queue_limit = queue_limit
        self._shares = Shares(max_channels)
        self._idle_seconds = idle_seconds
        self._stop_seconds = stop_seconds
        self._clock = clock
        self._channels: dict[str, Channel] = {}
        self._idle_since: OrderedDict[str, float] = OrderedDict()
        self._stopping = False

    def channel(self, id_: str, owner: str, language: str) -> Channel:
        """The channel of that name, made if it is new.

        Raises NotOwner when it is somebody else's, TooManyChannels when no other can be forgotten for it.
        """
        self._forget_idle()
        channel = self._channels.get(id_)
        if channel is None:
            channel = self._make(id_, owner, language)
        elif channel.owner != owner:
            raise NotOwner(language)
        self._rest(channel)
        return channel

    def submit(self, channel: Channel, request: RunRequest) -> None:
        """Run a question on a channel; raises QueueFull, and ServiceStopping once `drain` has begun."""
        if self._stopping:
            raise ServiceStopping(request.language)
        channel.submit(request)

    async def drain(self, grace_seconds: float) -> None:
        """Take no more questions, let the runs that are going finish, then stop those that have not."""
        self._stopping = True
        tasks = [task for channel in self._channels.values() if (task := channel.finish())]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_seconds)
            if late:
                for channel in self._channels.values():
                    channel.abort()
                await asyncio.wait(late, timeout=self._stop_seconds)

    def _make(self, id_: str, owner: str, language: str) -> Channel:
        # Counted first: an owner that would then hold most makes room itself.
        shares = self._shares
        shares.take(owner)
        if shares.sum > shares.total and not self._made_room() and shares.held(owner) > shares.equal_share(owner):
            shares.give_back(owner)
            raise TooManyChannels(language)
        channel = Channel(
            id_, owner, self._runner, self._log, queue_limit=self._queue_limit, stop_seconds=self._stop_seconds
        )
        channel.on_rest(lambda: self._rest(channel))
        self._channels[id_] = channel
        return channel

    def _made_room(self) -> bool:
        """Forget an idle channel of the owner that has most, if any is idle; whether one was forgotten."""
        idle = (id_ for id_ in self._idle_since if self._channels[id_].idle)
        id_ = max(idle, key=lambda id_: self._shares.held(self._channels[id_].owner), default=None)
        if id_ is None or not self._shares.gives_way(self._channels[id_].owner):
            return False
        self._forget(id_)
        return True

    def _rest(self, channel: Channel) -> None:
        self._idle_since[channel.id] = self._clock()
        self._idle_since.move_to_end(channel.id)

    def _forget_idle(self) -> None:
        now = self._clock()
        while self._idle_since:
            id_, since = next(iter(self._idle_since.items()))
            if not self._channels[id_].idle:
                del self._idle_since[id_]  # it went back to work, and says so when it rests again
            elif now - since > self._idle_seconds:
                self._forget(id_)
            else:
                return

    def _forget(self, id_: str) -> None:
        del self._idle_since[id_]
        self._shares.give_back(self._channels.pop(id_).owner)
        self._log.forget(id_)
