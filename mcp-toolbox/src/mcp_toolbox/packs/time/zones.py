"""IANA's time zones, and what a clock on the wall means in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from zoneinfo import ZoneInfo

from mcp_toolbox.packs._texts import Texts

_SUGGESTIONS = 5


@dataclass(frozen=True)
class Readings:
    """What a wall clock's time means: no instant when the clocks jumped over it, two when they showed it twice."""

    instants: tuple[datetime, ...]


class Zones:
    """The zones of the locked package tzdata, the same on every machine, whatever the system has."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._known: dict[str, ZoneInfo] = {}

    @cached_property
    def _names(self) -> dict[str, str]:
        """The names by their lower case."""
        listed = files("tzdata").joinpath("zones").read_text("ascii").split()
        return {name.lower(): name for name in listed}

    def named(self, name: str) -> ZoneInfo:
        """Returns a zone by its name in any case; one that only its city names, such as Madrid, is found too.

        Raises:
            ToolFailedError: there is no such zone; the text proposes some.
        """
        wanted = name.strip().lower().replace(" ", "_")
        found = self._names.get(wanted)
        if found is None:
            of_city = [full for full in self._names.values() if full.lower().rpartition("/")[2] == wanted]
            if len(of_city) != 1:
                raise self._texts.failed("zone", zone=name[:100], near=", ".join(of_city or self._near(wanted)))
            found = of_city[0]
        if found not in self._known:
            with files("tzdata").joinpath("zoneinfo", *found.split("/")).open("rb") as data:
                self._known[found] = ZoneInfo.from_file(data, key=found)
        return self._known[found]

    def _near(self, wanted: str) -> list[str]:
        cities = {name.rpartition("/")[2]: name for name in self._names}
        near = get_close_matches(wanted.rpartition("/")[2], cities, n=_SUGGESTIONS, cutoff=0.6)
        return [self._names[cities[city]] for city in near] or ["Europe/Madrid", "America/Bogota", "UTC"]


def readings(wall: datetime, zone: tzinfo) -> Readings:
    """Returns the instants at which a clock in `zone` shows `wall`, in their order (PEP 495)."""
    found: list[datetime] = []
    for fold in (0, 1):
        candidate = wall.replace(tzinfo=zone, fold=fold)
        instant = candidate.astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall and instant not in found:
            found.append(instant)
    return Readings(tuple(sorted(found)))


def around_gap(wall: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Returns the time from which and the time to which clocks in `zone` jump over `wall`."""
    before = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    after = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    low, high = wall - max(before, after), wall - min(before, after)
    low, high = low.replace(tzinfo=UTC), high.replace(tzinfo=UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        changed = middle.astimezone(zone).utcoffset() == high.astimezone(zone).utcoffset()
        low, high = (low, middle) if changed else (middle, high)
    jump = high.replace(microsecond=0)
    second = timedelta(seconds=1)
    return (jump - second).astimezone(zone) + second, jump.astimezone(zone)
