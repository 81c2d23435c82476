"""Whether a service is started, and whether it is on its way out."""

from __future__ import annotations

import asyncio


class Lifecycle:
    """Ready means started and not draining; a dead dependency does not change that."""

    def __init__(self) -> None:
        self.started = False
        self.drain_started = asyncio.Event()

    @property
    def draining(self) -> bool:
        return self.drain_started.is_set()

    @property
    def ready(self) -> bool:
        return self.started and not self.draining

    def drain(self) -> None:
        """Say to everybody who waits for it that the service stops."""
        self.drain_started.set()
