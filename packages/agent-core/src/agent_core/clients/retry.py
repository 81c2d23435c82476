"""Repeats calls to the suite's own services, as long as the service has not begun them.

A client raises `NotBegun` for an attempt that had no effect: the connection was refused, or the service answered that
it is not ready, too busy or stopping. Everything else passes through unchanged, since a call that may have begun could
take effect twice.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from service_kit.errors import ApiError
from service_kit.telemetry.logs import get_logger

from agent_core.deadline import Deadline

_log = get_logger(__name__)

UNREACHABLE_SECONDS = 6.0
"""How long a service that cannot be reached is tried; a restart takes less, and a person should not wait longer."""
UNAVAILABLE_SECONDS = 15.0
"""How long a service is tried that says that it is not available."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

Answer = TypeVar("Answer")


class NotBegun(Exception):
    """An attempt that the service has not begun. `error` is what to raise when there is no time for another attempt,
    `retry_after` the seconds that the service asked to wait."""

    def __init__(self, error: ApiError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


async def repeat_until_begun(attempt: Callable[[], Awaitable[Answer]], deadline: Deadline | None) -> Answer:
    """Returns what `attempt` returns, and repeats it when it raises `NotBegun`; without a deadline it is made once.

    Pauses are random and grow; `Retry-After` is the shortest one where the service sent it. A 429 is repeated until the
    deadline, anything else for the seconds above.

    Raises:
        ApiError: the last attempt's `error`, as soon as no further attempt fits in.
    """
    pauses = Pauses(deadline)
    while True:
        try:
            return await attempt()
        except NotBegun as failure:
            await pauses.wait(failure)


class Pauses:
    """The pauses between the attempts of one call."""

    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline
        self._unreachable_until: Deadline | None = None
        self._unavailable_until: Deadline | None = None
        self._next = _FIRST_PAUSE

    async def wait(self, failure: NotBegun) -> None:
        """Waits until the next attempt; raises `failure.error` when there is none."""
        seconds = self._seconds(failure.retry_after)
        if not all(limit is not None and limit.allows(seconds) for limit in self._limits(failure)):
            raise failure.error from failure
        _log.debug("call not begun; it is repeated", code=failure.error.code, seconds=round(seconds, 3))
        await asyncio.sleep(seconds)

    def _seconds(self, retry_after: float | None) -> float:
        pause, self._next = self._next, min(self._next * 2, _LONGEST_PAUSE)
        if retry_after is None or retry_after < pause:
            return random.uniform(pause / 2, pause)
        return retry_after + random.uniform(0, min(retry_after / 4, _LONGEST_PAUSE))

    def _limits(self, failure: NotBegun) -> tuple[Deadline | None, ...]:
        if failure.error.status == 429:
            return (self._deadline,)
        # A deadline of its own for each kind, from its first failure on: a service that stops is unavailable first and
        # unreachable then.
        if failure.retry_after is None:
            self._unreachable_until = self._unreachable_until or Deadline.after(UNREACHABLE_SECONDS)
            return (self._deadline, self._unreachable_until)
        self._unavailable_until = self._unavailable_until or Deadline.after(UNAVAILABLE_SECONDS)
        return (self._deadline, self._unavailable_until)


def pause_asked_for(status: int, headers: Mapping[str, str], code: str = "") -> float | None:
    """Returns the seconds after which a refusal may be asked again, or None if it may not be.

    `headers` have names in lower case. `code` is the error's: what the gateway says of a provider is not repeated here,
    since the gateway has tried again itself where that is safe.
    """
    if status not in (429, 503) or headers.get("x-should-retry", "").strip().lower() == "false":
        return None
    if status == 503 and (code.startswith("upstream_") or code == "provider_not_configured"):
        return None
    return retry_after_seconds(headers.get("retry-after"))


def retry_after_seconds(value: str | None) -> float | None:
    """Returns the seconds that a `Retry-After` header says (a number or a date), or None if it says nothing readable.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
