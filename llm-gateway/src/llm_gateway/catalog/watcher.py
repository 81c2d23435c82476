"""The catalogue of now: swapped whole when its file changes; a bad file is refused and the old one kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from service_kit.telemetry.logs import get_logger

from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.document import CatalogError
from llm_gateway.errors import ModelNotFound

_log = get_logger(__name__)

_POLL_SECONDS = 1.0


class CatalogHolder:
    """Holds the snapshot in use. `path` is None for the built-in catalogue, which does not change.

    `error` is why the file as it is now is not in use, or None.
    """

    def __init__(
        self, load: Callable[[], Catalog], path: Path | None = None, poll_seconds: float = _POLL_SECONDS
    ) -> None:
        self._load = load
        self._path = path
        self._poll_seconds = poll_seconds
        self._seen = self._stamp()
        self._catalog = load()
        self.error: str | None = None
        self.source = str(path or "built-in")

    def current(self) -> Catalog:
        return self._catalog

    def check(self) -> bool:
        """Take up the file if it has changed; whether it was."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            self._catalog = self._load()
        except (CatalogError, ModelNotFound) as error:  # the latter: the default model or provider is gone
            self.error = str(error)
            _log.error("catalogue refused; the last good one stays in use", reason=self.error)
            return False
        self.error = None
        _log.info("catalogue reloaded", models=len(self._catalog.models))
        self.announce()
        return True

    def announce(self) -> None:
        """Log what an operator should know about the snapshot."""
        for warning in self._catalog.warnings:
            _log.warning(warning)

    def _stamp(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            stat = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the file for the length of the block."""
        if self._path is None:
            yield
            return
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            self.check()
