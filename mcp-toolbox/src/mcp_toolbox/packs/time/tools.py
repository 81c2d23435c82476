"""The tools of the pack *time*."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from mcp_toolbox.packs._texts import Texts
from mcp_toolbox.packs.time.zones import Zones, around_gap, readings
from mcp_toolbox.registry.tool import Hints, Tool, from_function

TEXTS = {
    "zone": (
        "No hay ninguna zona horaria «{zone}». ¿Quizá {near}?",
        "There is no time zone “{zone}”. Perhaps {near}?",
    ),
    "time": (
        "«{text}» no es una fecha y hora como 2026-03-29T14:30 o 2026-03-29 14:30:00+02:00, ni una hora como 14:30.",
        "“{text}” is no date and time such as 2026-03-29T14:30 or 2026-03-29 14:30:00+02:00, nor a time as 14:30.",
    ),
    "range": ("Esa fecha está fuera del calendario.", "That date is outside the calendar."),
    "gap": (
        "Las {wall} no existen en {zone} ese día: los relojes se adelantan de las {before} a las {after}.",
        "{wall} does not exist in {zone} on that day: the clocks go forward from {before} to {after}.",
    ),
    "overlap": (
        "Los relojes de {zone} marcan las {wall} dos veces ese día; se ha tomado la primera ({first}). La segunda es "
        "{second}.",
        "The clocks of {zone} show {wall} twice on that day; the first was taken ({first}). The second is {second}.",
    ),
}
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?", re.ASCII)

ZoneName = Annotated[str, Field(min_length=1, max_length=100)]
Time = Annotated[str, Field(min_length=1, max_length=60)]


@dataclass(frozen=True)
class Moment:
    """An instant as a clock in a zone shows it. `summer_time`: its clocks are put forward then."""

    time: str
    zone: str
    utc_offset: str
    weekday: int
    summer_time: bool


@dataclass(frozen=True)
class Conversion:
    """One instant in two zones; `note` says that the time was ambiguous, and how it was taken."""

    source: Moment
    target: Moment
    note: str | None


@dataclass(frozen=True)
class Difference:
    """The time from one instant to another, negative when that was earlier. A day has 24 hours here."""

    seconds: float
    days: int
    hours: int
    minutes: int
    rest_seconds: float
    notes: list[str]


class TimeTools:
    """The pack's tools over the zones."""

    def __init__(self, zones: Zones, texts: Texts) -> None:
        self._zones = zones
        self._texts = texts

    def tools(self) -> list[Tool]:
        now = Hints(title="Now", read_only=True, open_world=False)
        converts = Hints(title="Convert a time", read_only=True, idempotent=True, open_world=False)
        subtracts = Hints(title="Time between", read_only=True, idempotent=True, open_world=False)
        return [
            from_function(self.now, now),
            from_function(self.convert_time, converts),
            from_function(self.time_difference, subtracts),
        ]

    async def now(
        self,
        zone: Annotated[ZoneName, Field(description="The time zone, such as Europe/Madrid or America/Bogota.")] = "UTC",
    ) -> Moment:
        """Tell the present date and time in a time zone. Weekdays count from 1, Monday, to 7."""
        return _moment(datetime.now(UTC).replace(microsecond=0), self._zones.named(zone))

    async def convert_time(
        self,
        time: Annotated[Time, Field(description="Date and time, 2026-03-29T14:30; a time alone means today there.")],
        from_zone: Annotated[ZoneName, Field(description="The time zone in which it is meant.")],
        to_zone: Annotated[ZoneName, Field(description="The time zone in which it is wanted.")],
    ) -> Conversion:
        """Convert a time from one time zone into another, with the summer time of that day. It says so when the clocks
        are changed then: a time that does not exist is refused, of one that exists twice the first is taken."""
        source, target = self._zones.named(from_zone), self._zones.named(to_zone)
        instant, note = self._instant(time, source)
        try:
            return Conversion(_moment(instant, source), _moment(instant, target), note)
        except OverflowError:
            raise self._texts.failed("range") from None

    async def time_difference(
        self,
        start: Annotated[Time, Field(description="Date and time, such as 2026-03-28T22:00 or with an offset, +01:00.")],
        end: Annotated[Time, Field(description="The later date and time, written the same way.")],
        zone: Annotated[ZoneName, Field(description="The zone of those without an offset.")] = "UTC",
        end_zone: Annotated[ZoneName | None, Field(description="The end's zone, if it is another one.")] = None,
    ) -> Difference:
        """Tell how much time passes from one date and time to another, changes to and from summer time included."""
        first, first_note = self._instant(start, self._zones.named(zone))
        second, second_note = self._instant(end, self._zones.named(end_zone or zone))
        span = second - first
        sign = -1 if span < timedelta() else 1
        minutes, seconds = divmod(abs(span), timedelta(minutes=1))
        return Difference(
            seconds=span / timedelta(seconds=1),
            days=sign * (minutes // 1440),
            hours=sign * (minutes % 1440 // 60),
            minutes=sign * (minutes % 60),
            rest_seconds=sign * (seconds / timedelta(seconds=1)) + 0.0,  # no negative zero
            notes=[note for note in (first_note, second_note) if note],
        )

    def _instant(self, text: str, zone: ZoneInfo) -> tuple[datetime, str | None]:
        """Returns what `text` means in `zone`, in UTC, and a note if it could mean something else.

        Raises:
            ToolFailedError: it is no time, or none that exists there.
        """
        try:
            wall = self._parsed(text.strip(), zone)
            if wall.tzinfo is not None:
                return wall.astimezone(UTC), None
            found = readings(wall, zone).instants
            if not found:
                before, after = (f"{moment:%H:%M}" for moment in around_gap(wall, zone))
                raise self._texts.failed("gap", wall=f"{wall:%H:%M}", zone=zone.key, before=before, after=after)
        except OverflowError:
            raise self._texts.failed("range") from None
        if len(found) == 1:
            return found[0], None
        first, second = (moment.astimezone(zone).isoformat() for moment in found)
        note = self._texts("overlap", zone=zone.key, wall=f"{wall:%H:%M}", first=first, second=second)
        return found[0], note

    def _parsed(self, text: str, zone: ZoneInfo) -> datetime:
        try:
            if _TIME.fullmatch(text):
                today = datetime.now(zone).date().isoformat()
                return datetime.fromisoformat(f"{today}T{text.zfill(5) if text.count(':') == 1 else text.zfill(8)}")
            if _DATE_TIME.fullmatch(text):
                head, tail = text[:10], text[10:].replace(" ", "T", 1) if text[10:11] == " " else text[10:]
                return datetime.fromisoformat(head + tail.replace(" ", ""))
        except ValueError:
            pass
        raise self._texts.failed("time", text=text)


def _moment(instant: datetime, zone: ZoneInfo) -> Moment:
    there = instant.astimezone(zone)
    iso = there.isoformat()
    return Moment(iso, zone.key, iso[-6:] if iso[-6] in "+-" else iso[19:], there.isoweekday(), bool(there.dst()))
