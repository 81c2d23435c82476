"""A server's standard error in the toolbox's log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from service_kit.telemetry.logs import get_logger

from mcp_toolbox.upstream.sanitize import cleaned, shortened

_log = get_logger(__name__)

_MAX_CHARS = 1_000
_LINES, _SECONDS = 50, 10.0
_SHORTEST_SECRET = 6


class StderrLog:
    """Logs a server's lines: at most fifty in ten seconds, each at most 1,000 characters, and without the secrets that
    it was given."""

    def __init__(self, name: str, secrets: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._secrets = sorted((one for one in secrets if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._clock = clock
        self._since = clock()
        self._said = self._swallowed = 0

    def say(self, line: bytes) -> None:
        """Logs one line, unless there have been too many."""
        if line.strip() and self._may_speak() and (text := self._shown(line)):
            _log.info("server says", server=self._name, line=text)

    def say_size(self, line: bytes) -> None:
        """Logs that there was a line, without its content, unless there have been too many."""
        if self._may_speak():
            _log.info("server prints what is no message", server=self._name, bytes=len(line))

    def _may_speak(self) -> bool:
        now = self._clock()
        if now - self._since >= _SECONDS:
            if self._swallowed:
                _log.info("server says more than is logged", server=self._name, lines=self._swallowed)
            self._since, self._said, self._swallowed = now, 0, 0
        if self._said >= _LINES:
            self._swallowed += 1
            return False
        self._said += 1
        return True

    def _shown(self, line: bytes) -> str:
        text = line.decode("utf-8", "replace").strip()
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return shortened(cleaned(text)[0], _MAX_CHARS)
