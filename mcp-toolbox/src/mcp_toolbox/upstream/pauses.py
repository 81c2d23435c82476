"""The pauses before a server is connected again."""

from __future__ import annotations

import random
from typing import Literal

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_STEADY_SECONDS = 30.0
"""A server that was connected for this long is reconnected soon after it leaves; otherwise the pauses grow each
time."""

_RENEW_SECONDS = 1.0
"""A session that lasted for this long is renewed without a pause."""

_SHORT_SESSIONS = 20
"""How many sessions in a row may end within that time before the next one has to wait."""

End = Literal["pause", "renew", "final"]
"""How an attempt ended: another one after a pause, a new session at once, or none any more."""


class Pauses:
    """The pauses after one server's attempts, in their order."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._short = 0

    def renewal(self, end: End, lasted: float) -> float | None:
        """Notes an attempt that lasted so many seconds. Returns the seconds before its session is renewed, or None if
        the server has to be connected again: the end was another one, or too many sessions ended at once."""
        self._short = 0 if lasted > _RENEW_SECONDS else self._short + 1
        if end != "renew" or self._short > _SHORT_SESSIONS:
            return None
        return 0.2 if self._short else 0.0

    def reconnection(self, *, steady: bool, lasted: float) -> float:
        """Returns the seconds before the next connection; they grow unless the last one was `steady`."""
        if lasted > _STEADY_SECONDS and steady:
            self._pause = _FIRST_PAUSE
        pause = self._pause * random.uniform(0.5, 1.5)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return pause
