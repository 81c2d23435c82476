from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_toolbox.packs._texts import Texts
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.packs.time.tools import TEXTS
from mcp_toolbox.packs.time.zones import Zones, readings
from mcp_toolbox.registry.tool import ToolResult
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load


async def call(name: str, *, language: str = "en", **arguments: Any) -> ToolResult:
    registry = ToolRegistry()
    async with opened_packs(load(ToolboxSettings, {"TOOL_PACKS": "time", "UI_LANGUAGE": language}), registry):
        return await registry.call(name, arguments)


async def result(name: str, **arguments: Any) -> dict[str, Any]:
    answer = await call(name, **arguments)
    assert not answer.is_error, answer.text
    assert answer.structured is not None
    return answer.structured["result"]


async def test_now():
    before = datetime.now(UTC).replace(microsecond=0)
    there = datetime.fromisoformat((await result("now", zone="America/Bogota"))["time"])
    assert before <= there <= datetime.now(UTC)
    assert there.utcoffset() == timedelta(hours=-5)
    assert (await result("now"))["zone"] == "UTC"


@pytest.mark.parametrize(
    ("name", "zone"),
    [("europe/madrid", "Europe/Madrid"), ("Madrid", "Europe/Madrid"), ("new york", "America/New_York"), ("utc", "UTC")],
)
async def test_zones_are_found_as_people_write_them(name: str, zone: str):
    assert (await result("now", zone=name))["zone"].upper() == zone.upper()


@pytest.mark.parametrize(
    "name", ["Europe/Madrit", "Moon/Base", "../../etc/passwd", "Europe/", "tzdata", "/etc/localtime"]
)
async def test_an_unknown_zone_is_refused_with_others(name: str):
    answer = await call("now", zone=name)
    assert answer.is_error
    assert "Perhaps" in answer.text
    assert "¿Quizá" in (await call("now", zone=name, language="es")).text


@pytest.mark.parametrize(
    ("time", "source", "target", "there"),
    [
        ("2026-07-01T12:00", "Europe/Madrid", "America/Bogota", "2026-07-01T05:00:00-05:00"),
        ("2026-01-01 12:00", "Europe/Madrid", "America/Bogota", "2026-01-01T06:00:00-05:00"),
        ("2026-01-01T12:00:00+02:00", "Europe/Madrid", "UTC", "2026-01-01T10:00:00+00:00"),
        ("2026-01-01 12:00 Z", "Europe/Madrid", "Asia/Kathmandu", "2026-01-01T17:45:00+05:45"),
        ("2026-01-01", "UTC", "Asia/Tokyo", "2026-01-01T09:00:00+09:00"),
    ],
)
async def test_convert(time: str, source: str, target: str, there: str):
    answer = await result("convert_time", time=time, from_zone=source, to_zone=target)
    assert (answer["target"]["time"], answer["note"]) == (there, None)


@pytest.mark.parametrize(
    ("time", "zone", "before", "after"),
    [
        ("2026-03-29T02:30", "Europe/Madrid", "02:00", "03:00"),
        ("2026-03-08T02:00", "America/New_York", "02:00", "03:00"),
        ("2026-10-04T02:15", "Australia/Lord_Howe", "02:00", "02:30"),
    ],
)
async def test_a_time_that_the_clocks_jump_over_is_refused(time: str, zone: str, before: str, after: str):
    answer = await call("convert_time", time=time, from_zone=zone, to_zone="UTC")
    assert answer.is_error
    assert f"from {before} to {after}" in answer.text


async def test_a_time_that_exists_twice_is_told():
    answer = await result("convert_time", time="2026-10-25T02:30", from_zone="Europe/Madrid", to_zone="UTC")
    assert answer["target"]["time"] == "2026-10-25T00:30:00+00:00"
    assert "2026-10-25T02:30:00+01:00" in answer["note"]


@pytest.mark.parametrize(
    ("start", "end", "zone", "seconds"),
    [
        ("2026-03-28T22:00", "2026-03-29T22:00", "Europe/Madrid", 23 * 3600),
        ("2026-10-24T22:00", "2026-10-25T22:00", "Europe/Madrid", 25 * 3600),
        ("2026-01-02T00:00", "2026-01-01T00:00", "UTC", -86400),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.25-01:00", "UTC", 3600.25),
    ],
)
async def test_difference(start: str, end: str, zone: str, seconds: float):
    answer = await result("time_difference", start=start, end=end, zone=zone)
    assert answer["seconds"] == seconds
    rest = (answer["days"] * 24 + answer["hours"]) * 3600 + answer["minutes"] * 60 + answer["rest_seconds"]
    assert rest == seconds


@pytest.mark.parametrize(
    "text", ["tomorrow", "2026-13-01", "2026-02-30T10:00", "25:00", "9:5", "2026-01-01T24:00:99", "١٢:٠٠", "12", "a:bc"]
)
async def test_what_is_no_time_is_refused(text: str):
    answer = await call("convert_time", time=text, from_zone="UTC", to_zone="UTC")
    assert answer.is_error
    assert "is no date and time" in answer.text


async def test_the_ends_of_the_calendar():
    for time, source, target in (("9999-12-31T23:59", "America/Bogota", "UTC"), ("0001-01-01", "Asia/Tokyo", "UTC"),
                                 ("9999-12-31T23:59", "UTC", "Asia/Tokyo")):  # fmt: skip
        assert (await call("convert_time", time=time, from_zone=source, to_zone=target)).is_error


ZONES = Zones(Texts(TEXTS, "en"))
NAMES = [
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
]


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.sampled_from(NAMES))
def test_each_reading_shows_that_time_there_and_none_is_missed(wall: datetime, name: str):
    zone: ZoneInfo = ZONES.named(name)
    found = readings(wall, zone).instants
    assert list(found) == sorted(set(found))
    assert all(instant.astimezone(zone).replace(tzinfo=None) == wall for instant in found)
    offsets = {(wall + timedelta(hours=hours)).replace(tzinfo=zone).utcoffset() for hours in (-48, -24, 0, 24, 48)}
    every = {wall.replace(tzinfo=UTC) - offset for offset in offsets if offset is not None}
    assert set(found) >= {each for each in every if each.astimezone(zone).replace(tzinfo=None) == wall}
