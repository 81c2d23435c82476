from __future__ import annotations

import asyncio
import io
import json
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.calls.audit import MOST_RECENT, AuditLog, Entry
from mcp_toolbox.calls.audit_file import AppendOnlyFile
from service_kit.telemetry.logs import logging_to

from tests.waiting import eventually


def entry(number: int = 1, **changes: Any) -> Entry:
    known: dict[str, Any] = {
        "at": 1_700_000_000.25,
        "request_id": f"r{number}",
        "principal": "k1",
        "end_user": "",
        "traceparent": None,
        "tool": "add",
        "source": "built-in",
        "outcome": "ok",
        "milliseconds": 1.234567,
        "result_bytes": 80,
        "transport": "rest",
    }
    return Entry(**{**known, **changes})


class Disk:
    """Keeps what it is given, unless it is full."""

    def __init__(self) -> None:
        self.kept: list[Entry] = []
        self.full = False
        self.batches = 0
        self.refusals = 0

    name = "disk"

    async def keep(self, entries: Sequence[Entry]) -> None:
        if self.full:
            self.refusals += 1
            raise OSError(28, "No space left on device")
        self.batches += 1
        self.kept += entries

    def ids(self) -> list[str]:
        return [entry.request_id for entry in self.kept]


async def logged(audit: AuditLog, *entries: Entry) -> list[dict[str, Any]]:
    stream = io.StringIO()
    with logging_to("toolbox", "INFO", "json", stream):
        async with audit.running():
            for each in entries:
                audit.record(each)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_call_is_a_line_of_the_log():
    (line,) = await logged(AuditLog(), entry())
    assert line == {
        "timestamp": "2023-11-14T22:13:20.250000Z",
        "level": "info",
        "message": "tool call",
        "service": "toolbox",
        "requestId": "r1",
        "userId": "k1",
        "tool": "add",
        "source": "built-in",
        "outcome": "ok",
        "processingTime": 1.23,
        "resultBytes": 80,
        "transport": "rest",
    }


async def test_what_is_unknown_is_left_out_and_what_went_wrong_is_a_warning():
    odd = entry(request_id="", source=None, outcome="unknown", result_bytes=None, transport="")
    (line,) = await logged(AuditLog(), odd)
    assert line["level"] == "warning"
    assert not {"requestId", "source", "resultBytes", "transport", "arguments"} & line.keys()


async def test_the_trace_and_the_end_user_are_told():
    (line,) = await logged(
        AuditLog(), entry(end_user="ana", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    )
    assert (line["userId"], line["endUser"]) == ("k1", "ana")
    assert line["traceId"] == "0af7651916cd43dd8448eb211c80319c"


async def test_lines_are_written_while_it_runs_and_at_its_end():
    disk = Disk()
    audit = AuditLog([disk])
    async with audit.running(every_seconds=0.01):
        audit.record(entry(1))
        audit.record(entry(2))
        await eventually(lambda: disk.batches)
        assert disk.ids() == ["r1", "r2"]
        audit.record(entry(3))
    assert disk.ids() == ["r1", "r2", "r3"]


async def test_a_full_disk_delays_lines_and_loses_none():
    disk = Disk()
    audit = AuditLog([disk])
    disk.full = True
    stream = io.StringIO()
    with logging_to("toolbox", "INFO", "json", stream):
        async with audit.running(every_seconds=0.005):
            audit.record(entry(1))
            await eventually(lambda: disk.refusals)
            audit.record(entry(2))
            before = disk.refusals
            await eventually(lambda: disk.refusals > before + 2)
            assert disk.kept == []
            disk.full = False
            await eventually(lambda: disk.batches)
            audit.record(entry(3))
    assert disk.ids() == ["r1", "r2", "r3"]
    said = [line["message"] for line in map(json.loads, stream.getvalue().splitlines())]
    assert said.count("audit cannot be stored") == 1  # once, not with every batch
    assert said.count("audit is stored again") == 1


async def test_what_waits_for_a_full_disk_is_bounded():
    disk = Disk()
    disk.full = True
    audit = AuditLog([disk], most_waiting=3)
    async with audit.running(every_seconds=0.005):
        for number in range(10):
            audit.record(entry(number))
        await eventually(lambda: disk.refusals)
        disk.full = False
    assert disk.ids() == ["r7", "r8", "r9"]


async def test_an_end_while_lines_are_being_written_writes_none_twice():
    class Slow(Disk):
        async def keep(self, entries: Sequence[Entry]) -> None:
            taken = tuple(entries)
            started.set()
            await storing.wait()
            await super().keep(taken)

    started, storing, disk = asyncio.Event(), asyncio.Event(), Slow()
    audit = AuditLog([disk])
    async with audit.running(every_seconds=0.001):
        audit.record(entry(1))
        await started.wait()
        audit.record(entry(2))
        asyncio.get_running_loop().call_soon(storing.set)
    assert disk.ids() == ["r1", "r2"]


async def test_the_last_calls_are_known():
    audit = AuditLog()
    for number in range(MOST_RECENT + 5):
        audit.record(entry(number))
    assert [each.request_id for each in audit.recent()] == [f"r{number}" for number in range(5, MOST_RECENT + 5)]


def test_a_file_is_only_added_to_and_is_its_owners(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    file = AppendOnlyFile(path)
    file.check()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.append(b"one\n")
    AppendOnlyFile(path).append(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    file = AppendOnlyFile(path)
    file.append(b"one\n")
    path.rename(tmp_path / "audit.1")
    file.append(b"two\n")
    assert path.read_bytes() == b"two\n"
    assert (tmp_path / "audit.1").read_bytes() == b"one\n"


def test_a_line_that_was_cut_short_stays_alone(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'one\n{"half')
    AppendOnlyFile(path).append(b"two\n")
    assert path.read_bytes() == b'one\n{"half\ntwo\n'


FULL_AFTER_TEN_BYTES = """
import resource, sys
from pathlib import Path
from mcp_toolbox.calls.audit_file import AppendOnlyFile
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
file = AppendOnlyFile(Path(sys.argv[1]))
file.append(b"one\\n")
try:
    file.append(b"much too long\\n")
except OSError:
    file.append(b"two\\n")
"""


def test_a_batch_that_fits_in_part_leaves_no_part(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    subprocess.run([sys.executable, "-c", FULL_AFTER_TEN_BYTES, str(path)], check=True, timeout=30)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_place_that_cannot_be_written_is_found_at_once(tmp_path: Path):
    with pytest.raises(OSError, match="No such file"):
        AppendOnlyFile(tmp_path / "no" / "audit").check()
    with pytest.raises(OSError, match="directory"):
        AppendOnlyFile(tmp_path).check()
