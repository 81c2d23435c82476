"""Servers that are added while the toolbox runs, and taken out again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from mcp_toolbox.upstream.document import EMPTY, Rewritten, replace_file, with_servers, without_server
from mcp_toolbox.upstream.errors import ServerExistsError, ServersFileError, ServersNotKeptError
from mcp_toolbox.upstream.manager import UpstreamManager


class Kept(NamedTuple):
    """Where a change is kept: in the servers file, or in memory until the process ends. `comments_lost` says that the
    file had comments, which it has no longer."""

    in_file: bool
    comments_lost: bool


class Additions:
    """Adds servers to `manager`, and to its file where it has one. Changes are made one after another."""

    def __init__(self, manager: UpstreamManager) -> None:
        self._manager = manager
        self._text = EMPTY  # what the file would say, where there is none
        self._turn = asyncio.Lock()
        self._added: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The servers that were added since the start and are still there."""
        return self._manager.names & self._added

    @property
    def in_file(self) -> bool:
        """Whether what is added outlives the process."""
        return self._manager.path is not None

    async def add(self, entries: Mapping[str, Any]) -> Kept:
        """Adds servers, all or none, and starts them.

        Raises:
            ServerExistsError: a name is taken.
            ServersFileError: the servers do not fit to those that are there.
            ServersNotKeptError: the file cannot be changed.
        """
        async with self._turn:
            text = await asyncio.to_thread(self._current)
            taken = self._manager.parsed(text).specs.keys() | self._manager.names
            if clash := next((name for name in entries if name in taken), None):
                raise ServerExistsError(clash)
            kept = await self._keep(with_servers(text, entries))
            self._added |= entries.keys()
            return kept

    async def remove(self, name: str) -> Kept:
        """Ends a server that was added since the start, and takes it out.

        Raises:
            KeyError: no such server was added.
            ServersNotKeptError: the file cannot be changed.
        """
        async with self._turn:
            if name not in self.names:
                raise KeyError(name)
            kept = await self._keep(without_server(await asyncio.to_thread(self._current), name))
            self._added.discard(name)
            return kept

    def _current(self) -> str:
        path = self._manager.path
        if path is None:
            return self._text
        try:
            text = path.read_text("utf-8-sig")
            self._manager.parsed(text)
        except (OSError, UnicodeDecodeError, ServersFileError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ServersNotKeptError(f"The servers file cannot be used as it is now: {reason}") from None
        return text

    async def _keep(self, rewritten: Rewritten) -> Kept:
        servers = self._manager.parsed(rewritten.text)
        path = self._manager.path
        if path is None:
            self._text = rewritten.text
        else:
            try:
                await asyncio.to_thread(replace_file, path, rewritten.text)
            except OSError as error:
                raise ServersNotKeptError(f"The servers file cannot be written: {error.strerror}") from None
        self._manager.take(servers)  # the watch will find the file changed, and the servers the same
        return Kept(path is not None, path is not None and rewritten.comments_lost)
