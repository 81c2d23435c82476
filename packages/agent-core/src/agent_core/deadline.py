"""The moment by which a run must have ended, as an object that is handed on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the clock of the running event loop, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Returns the deadline that is `seconds` from now."""
        return cls(asyncio.get_running_loop().time() + seconds)

    def allows(self, seconds: float) -> bool:
        """Whether `seconds` from now the deadline is still to come."""
        return asyncio.get_running_loop().time() + seconds < self.at
