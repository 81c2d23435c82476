"""The catalog of now: swapped whole when its file changes; a bad file is refused and the old one kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from service_kit.settings import SettingsError
from service_kit.telemetry.logs import get_logger
from service_kit.watch import FileWatch

from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.document import CatalogError
from llm_gateway.errors import ModelNotFound

_log = get_logger(__name__)

BUILT_IN = "built-in"
"""The source of the catalog that comes with the package."""

_POLL_SECONDS = 1.0


class CatalogHolder:
    """Holds the snapshot in use. `path` is None for the built-in catalog, which does not change.

    `error` is why the file as it is now is not in use, or None.
    """

    def __init__(
        self, load: Callable[[], Catalog], path: Path | None = None, poll_seconds: float = _POLL_SECONDS
    ) -> None:
        self._load = load
        self._watch = FileWatch(path) if path is not None else None
        self._poll_seconds = poll_seconds
        self._catalog = load()
        self.error: str | None = None
        self.source = str(path or BUILT_IN)

    def current(self) -> Catalog:
        return self._catalog

    def check(self) -> bool:
        """Loads the file if it has changed. Returns whether it was loaded."""
        return self._watch is not None and self._watch.take_up() and self._take_up(self._loaded())

    def _loaded(self) -> Catalog | str:
        """Returns the catalog in the file as it is now, or why it cannot be used."""
        try:
            return self._load()
        except (CatalogError, SettingsError, ModelNotFound) as error:  # the last: the default model or provider is gone
            return str(error)

    def _take_up(self, loaded: Catalog | str) -> bool:
        if isinstance(loaded, str):
            self.error = loaded
            _log.error("catalog refused; the last good one stays in use", reason=loaded)
            return False
        self._catalog, self.error = loaded, None
        _log.info("catalog reloaded", models=len(loaded.models))
        self.announce()
        return True

    def announce(self) -> None:
        """Logs what an operator should know about the snapshot."""
        for warning in self._catalog.warnings:
            _log.warning(warning)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watches the file for the length of the block."""
        if self._watch is None:
            yield
            return
        async with self._watch.running("catalog file", self._changed, self._poll_seconds):
            yield

    async def _changed(self) -> None:
        self._take_up(await asyncio.to_thread(self._loaded))  # a large file takes seconds
