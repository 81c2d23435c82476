"""The state of a service: started, draining, and the hooks that run when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Lifecycle:
    """A service is ready when it has started and is not draining; a dependency that is away does not change that."""

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
        """Sets `drain_started`, which tells everything that waits for it that the service is stopping."""
        self.drain_started.set()

    def add_shutdown_hook(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Adds a hook that is awaited when the service stops, while its open sockets and streams can still be written
        to.

        The hook must return by itself within the grace period.
        """
        self._shutdown_hooks.append(hook)

    async def run_shutdown_hooks(self) -> None:
        """Awaits the hooks one after the other, in the order in which they were added."""
        for hook in self._shutdown_hooks:
            await hook()
