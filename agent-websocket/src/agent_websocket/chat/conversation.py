"""Where a conversation stands, without I/O: what has been told, what runs, and what was said but not yet taken.

Whatever was sent is kept until the service tells that it took it (`queued` or `start`, in sequence), so that after
a drop it is known exactly which messages have to be sent again.
"""

from __future__ import annotations

import uuid
from collections import deque
from typing import Any

Frame = dict[str, Any]

_ENDS = ("complete", "cancelled", "error")


class Conversation:
    """One connection id as its client sees it."""

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.runs: set[str] = set()
        self._epoch: str | None = None
        self._position = 0
        self._goal = 0
        self._caught_up = False
        self._untaken: deque[str] = deque()

    @property
    def busy(self) -> bool:
        """Something runs, or is still to be taken."""
        return bool(self.runs or self._untaken)

    def say(self, text: str) -> list[Frame]:
        """The user asks; the frames to send now."""
        self._untaken.append(text)
        return [_message(text)] if self._caught_up else []

    def give_up(self) -> None:
        """Forget what the service has not taken."""
        self._untaken.clear()

    def disconnected(self) -> None:
        self._caught_up = False

    def greeted(self, greeting: Frame) -> list[Frame]:
        """The service is there; the frames to send before anything else."""
        self._goal = greeting["last_seq"]
        if self._epoch is None and self._goal == 0:
            self._epoch = greeting["epoch"]
            return self._catch_up()
        frame = {"type": "resume", "after": self._position, "epoch": self._epoch or greeting["epoch"]}
        self._epoch = greeting["epoch"]
        return [frame] if self._position < self._goal or frame["epoch"] != self._epoch else self._catch_up()

    def is_new(self, frame: Frame) -> bool:
        """Whether the frame tells something that has not been told."""
        return frame.get("seq", self._position + 1) > self._position

    def told(self, frame: Frame) -> list[Frame]:
        """Take note of a new frame; the frames to send in answer."""
        if frame["type"] == "snapshot":
            return self._restored(frame)
        if "seq" not in frame:
            return []
        self._position = frame["seq"]
        self._follow_run(frame)
        if not self._caught_up and self._position >= self._goal:
            return self._catch_up()
        return []

    def _follow_run(self, frame: Frame) -> None:
        run_id = frame["run_id"]
        if frame["type"] in _ENDS:
            if run_id is None and self._untaken:
                self._untaken.popleft()  # refused before it became a run
            self.runs.discard(run_id)
        elif run_id not in self.runs:
            self.runs.add(run_id)
            if self._untaken:
                self._untaken.popleft()

    def _restored(self, snapshot: Frame) -> list[Frame]:
        self._position = self._goal = snapshot["last_seq"]
        self.runs = {snapshot["run_id"]} if snapshot["running"] else set()
        return self._catch_up()

    def _catch_up(self) -> list[Frame]:
        self._caught_up = True
        return [_message(text) for text in self._untaken]


def _message(text: str) -> Frame:
    return {"type": "message", "content": text}
