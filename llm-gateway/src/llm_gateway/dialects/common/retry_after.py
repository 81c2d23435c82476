"""How long a provider asks to wait, by the headers of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf

_LONGEST_WAIT = 86_400.0
_SCALES = (("retry-after-ms", 0.001), ("retry-after", 1.0))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds to wait, more than 0 and at most a day, or None. Header names are in lower case.

    `retry-after-ms` (OpenAI, Azure) is more exact and comes first, then `Retry-After` in seconds or as a date (RFC 9110
    §10.2.3). A date is measured from the answer's own `Date`, since both are by the provider's clock. Zero, the past
    and invalid values give None: the caller's own backoff applies.
    """
    for name, scale in _SCALES:
        try:
            told = headers[name]
            seconds = None if "_" in told else _bounded(float(told) * scale)  # Python reads 1_0 as ten
        except (KeyError, ValueError):
            continue
        if seconds is not None:
            return seconds
    until, sent = _date(headers.get("retry-after")), _date(headers.get("date"))
    return None if until is None or sent is None else _bounded((until - sent).total_seconds())


def _bounded(seconds: float) -> float | None:
    return min(seconds, _LONGEST_WAIT) if 0 < seconds < inf else None


def _date(text: str | None) -> datetime | None:
    """Parses an HTTP date in any of its three forms (RFC 9110 §5.6.7). One of them has no zone and means UTC."""
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
