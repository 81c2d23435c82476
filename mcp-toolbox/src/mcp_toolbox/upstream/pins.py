"""Pins: digests of tools as they were first seen, so that later changes are noticed.

A server can be harmless when it is added, and change its tools' descriptions later; models follow descriptions ("tool
poisoning", "rug pull").
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from mcp import types
from pydantic_core import from_json, to_json
from service_kit.files import read_file
from service_kit.telemetry.logs import get_logger

_log = get_logger(__name__)

_VERSION = 1
_MOST_BYTES = 16 * 1024 * 1024


class PinsFileError(Exception):
    """The pins file cannot be used; the message names it."""


def digest(tool: types.Tool) -> str:
    """Returns a digest of everything that a model or a client may rely on: name, title, description, schemas and
    annotations. Hidden characters are included, so that a change in them is noticed."""
    told = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": tool.annotations.model_dump(mode="json") if tool.annotations else None,
    }
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


class Pins:
    """Digests by server and tool, in memory and, if `path` is given, in a file that replicas may share.

    An operator accepts a change by removing the tool's line from the file, or without a file by a restart.

    Raises:
        PinsFileError: the file exists and is not a pins file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._pins: dict[str, dict[str, str]] = {}
        self._seen: tuple[int, int, int] | None = None
        self._read()

    def changed(self, server: str, tools: Iterable[types.Tool]) -> tuple[str, ...]:
        """Returns the sorted names of the tools that differ from their pins. Tools that are seen for the first time are
        pinned."""
        self._reread()
        pins = self._pins.setdefault(server, {})
        now = {tool.name: digest(tool) for tool in tools}
        new = {name: value for name, value in now.items() if name not in pins}
        if new:
            pins.update(new)
            self._write()
        return tuple(sorted(name for name, value in now.items() if pins[name] != value))

    def _reread(self) -> None:
        try:
            self._read()
        except PinsFileError as error:  # the pins in memory stay in use
            _log.error("pins not read", reason=str(error))

    def _read(self) -> None:
        if self._path is None:
            return
        stamp = self._stamp(self._path)
        if stamp is None or stamp == self._seen:
            return
        try:
            content = read_file(self._path, _MOST_BYTES)
            if len(content) > _MOST_BYTES:
                raise ValueError("too large")
            pins = from_json(content)["pins"]
            self._pins = {str(server): {str(k): str(v) for k, v in tools.items()} for server, tools in pins.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PinsFileError(f"{self._path} is not a file of pins") from error
        self._seen = stamp

    def _write(self) -> None:
        if self._path is None:
            return
        ordered = {server: dict(sorted(tools.items())) for server, tools in sorted(self._pins.items())}
        body = to_json({"version": _VERSION, "pins": ordered}, indent=2)
        try:
            with tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".pins-", delete=False) as file:
                file.write(body + b"\n")
            Path(file.name).replace(self._path)
        except OSError as error:
            _log.error("pins not written", reason=error.strerror)
            return
        self._seen = self._stamp(self._path)

    @staticmethod
    def _stamp(path: Path) -> tuple[int, int, int] | None:
        try:
            stat = path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
