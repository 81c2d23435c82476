"""The audit in a file, to which lines are only appended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mcp_toolbox.calls.audit import Entry


class FileAudit:
    """An `AuditStore` in a file: one JSON object on a line for each entry."""

    name = "file"

    def __init__(self, file: AppendOnlyFile) -> None:
        self._file = file

    async def keep(self, entries: Sequence[Entry]) -> None:
        await asyncio.to_thread(self._append, entries)

    def _append(self, entries: Sequence[Entry]) -> None:
        self._file.append(b"".join(map(_json, entries)))


def _json(entry: Entry) -> bytes:
    at = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"timestamp": at, **entry.fields()}, enc_hook=str) + b"\n"


class AppendOnlyFile:
    """Appends lines to `path`. The operator may move the file away at any time; the next lines create a new one.

    Each batch is opened, written and synced to the disk (fsync) before `append` returns, so that a machine that fails
    loses at most the batch that was being collected. A batch of which only a part could be written, on a full disk, is
    cut off again. The file is created for this user alone (0600).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Checks that the file can be opened for writing, and creates it.

        Raises:
            OSError: it cannot.
        """
        os.close(self._open())

    def append(self, lines: bytes) -> None:
        """Appends whole lines.

        Raises:
            OSError: nothing was appended.
        """
        file = self._open()
        try:
            before = os.fstat(file).st_size
            lines = self._break(before) + lines
            try:
                self._write(file, lines)
                os.fsync(file)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file, before)
                raise
        finally:
            os.close(file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _break(self, size: int) -> bytes:
        """Returns a line break if the file ends in the middle of a line, because its last writer was killed."""
        if size == 0:
            return b""
        with self._path.open("rb") as file:
            file.seek(size - 1)
            return b"" if file.read(1) == b"\n" else b"\n"

    @staticmethod
    def _write(file: int, lines: bytes) -> None:
        left = memoryview(lines)
        while left:
            left = left[os.write(file, left) :]
