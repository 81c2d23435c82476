"""The bytes upstream and to the client are those of the record, for every surface, provider and kind of answer.

A change that is meant is recorded anew and reviewed as a diff of the files in `golden/`:

    RECORD=1 pytest tests/llm_gateway/recordings
"""

from __future__ import annotations

import difflib
import os
from itertools import pairwise, takewhile
from pathlib import Path

import pytest

from tests.llm_gateway.recordings.cells import TABLE, Recorded
from tests.llm_gateway.recordings.recording import record

GOLDEN = Path(__file__).parent / "golden"
RECORDING = bool(os.environ.get("RECORD"))


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.file)
async def test_the_bytes_are_those_of_the_record(one: Recorded):
    now, file = await record(one), GOLDEN / one.file
    if RECORDING:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(now, encoding="utf-8")
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    if now != before:
        pytest.fail("\n".join(_difference(before, now, one.file)), pytrace=False)


def test_the_record_has_no_other_files():
    assert {str(file.relative_to(GOLDEN)) for file in GOLDEN.rglob("*.txt")} == {one.file for one in TABLE}


_AROUND = 60


def _difference(before: str, now: str, file: str) -> list[str]:
    """A diff in which long lines are cut down to the place where they part."""
    old, new = before.split("\n"), now.split("\n")
    lines = list(difflib.unified_diff(old, new, f"recorded {file}", "now", lineterm="", n=2))
    for number, (one, other) in enumerate(pairwise(lines)):
        if one.startswith("-") and other.startswith("+"):
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one[1:], other[1:], strict=False)))
            if same > _AROUND:
                lines[number : number + 2] = [f"{line[0]}…{line[1 + same - _AROUND :]}" for line in (one, other)]
    return [line if len(line) < 4 * _AROUND else line[: 4 * _AROUND] + "…" for line in lines]
