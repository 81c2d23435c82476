"""A file that is only added to."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class AppendOnlyFile:
    """Lines at the end of `path`, which the operator may move away at any time: the next lines make a new one.

    Each batch is opened, written and synced to the disk (fsync) before `append` returns, so that what a machine loses
    when it dies is at most the batch that was being collected. A batch that could be written only in part, on a full
    disk, is cut off again. Made for this user alone (0600).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Raises OSError when the file cannot be opened for writing."""
        os.close(self._open())

    def append(self, lines: bytes) -> None:
        """Raises OSError; then nothing was added."""
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
        """A line break where the last writer died in the middle of a line."""
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
