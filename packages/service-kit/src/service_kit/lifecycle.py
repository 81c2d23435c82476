"""Whether a service is started, and whether it is on its way out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Lifecycle:
    """Ready means started and not draining; a dead dependency does not change that."""

    def __init__(self) -> None:
        self.started = False
        self.drain_started = asyncio.Event()
        self._shutdown_hooks: list[Callable[[], Awaitable[None]]] = []

    @property
    def draining(self) -> bool:
        return self.drain_started.is_set()

    @property
    def ready(self) -> bool:
        return self.started and not self.draining

    def drain(self) -> None:
        """Say to everybody who waits for it that the service stops."""
        self.drain_started.set()

    def add_shutdown_hook(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Await `hook` when the service stops, while its open sockets and streams can still be written to.

        It must end by itself, within the grace period.
        """
        self._shutdown_hooks.append(hook)

    async def run_shutdown_hooks(self) -> None:
        for hook in self._shutdown_hooks:
            await hook()
