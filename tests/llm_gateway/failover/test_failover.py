"""Each way to fail, met in each way, over real sockets: what comes of it is in the table, and the table is the page."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

from tests.llm_gateway.failover.calling import CASES, Case, Ended, all_ended
from tests.llm_gateway.failover.cells import CELLS, WAYS, Outcome
from tests.llm_gateway.failover.kinds import KINDS

ROOT = Path(__file__).resolve().parents[3]
LONGEST_BACKOFF = 0.8
"""Before the one retry, in seconds."""
SLACK = 1.5
"""What a busy machine may add to a call, in seconds."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_ended(CASES, tmp_path_factory.mktemp("failover")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.model)
def test_what_the_client_sees_and_who_is_asked_how_often(calls: dict[str, Ended], case: Case):
    assert calls[case.model].outcome == CELLS[case.kind.name][case.way]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.model)
def test_nobody_waits_beyond_the_limits(calls: dict[str, Ended], case: Case):
    ended = calls[case.model]
    retries = ended.outcome.asked - 1
    assert ended.seconds < ended.outcome.asked * case.kind.waits + retries * LONGEST_BACKOFF + SLACK


@pytest.mark.parametrize("case", [case for case in CASES if case.kind.waits], ids=lambda case: case.model)
def test_silence_is_not_asked_again(calls: dict[str, Ended], case: Case):
    assert calls[case.model].outcome.asked == 1


def test_no_part_of_an_answer_is_shown_as_the_whole():
    """Neither in the table, which the calls are held against: there, an end is an error, or another's whole answer."""
    for row in CELLS.values():
        for way, outcome in row.items():
            answered = outcome.sees in ("the fallback's answer", "a part, continued by the fallback")
            assert answered == (outcome.fallback_asked > 0), outcome
            assert answered or outcome.sees.endswith("`"), outcome
            assert not answered or way not in ("plain", "stream"), outcome


def test_the_table_has_every_kind_and_every_way():
    assert list(CELLS) == [kind.name for kind in KINDS]
    assert all(tuple(row) == WAYS and all(isinstance(cell, Outcome) for cell in row.values()) for row in CELLS.values())


def test_the_page_shows_the_table():
    script = ROOT / "scripts/failover_page.py"
    checked = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert checked.returncode == 0, "python scripts/failover_page.py writes docs/failover.md anew"
