"""Writes `docs/failover.md`: `python scripts/failover_page.py [--check]`.

The tables come from what its test asserts (`tests/llm_gateway/failover/cells.py`). `--check` only says whether the page
is up to date (exit code 1 when it is not).
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/failover.md"
HEADS = {
    "plain": "no fallback",
    "plain, fallback": "fallback",
    "stream": "no fallback",
    "stream, fallback": "fallback",
    "hold": "fallback, `hold`",
    "continue": "fallback, `continue`",
}

INTRODUCTION = """\
# Failover

<!-- Written by scripts/failover_page.py; edit the tables that it reads, not this page. -->

What a client sees when a provider fails, and how often each deployment is asked. A test makes every one of these calls
of a running gateway, over real sockets, and holds them against these tables. How to set it up:
[operations.md](operations.md#routing).

Three things hold in every cell:

- A part of an answer is never shown as the whole: a stream that breaks ends with an `error` event and without
  `[DONE]`, a plain answer is whole or an error.
- A provider that falls silent is not asked again: it may still be at work, and be paid for it.
- A client never waits longer than the limits of the deployments that were asked, and the pauses between attempts.
"""

READING = """\
Each model here has `retries: {retries}`, and limits in time: {limits}. The
numbers after an answer say how often the model's own deployment was asked, and the fallback's.
"""

STREAMED = """\
Once a client has read a part, nothing else can be answered in its place: the stream ends with the error. `hold` keeps a
stream back until it is whole; `continue` has the fallback go on where the first one broke off.
"""


def page() -> str:
    """The whole page."""
    sys.path.insert(0, str(ROOT))
    try:
        cells: Any = import_module("tests.llm_gateway.failover.cells")
        kinds: Any = import_module("tests.llm_gateway.failover.kinds")
    finally:
        sys.path.remove(str(ROOT))
    limits = f"{kinds.FIRST_TOKEN:g} s to the first token, {kinds.IDLE:g} s between two pieces, {kinds.TOTAL:g} s"
    reading = READING.format(retries=kinds.RETRIES, limits=limits)
    parts = (
        INTRODUCTION,
        reading,
        "## Plain answers\n",
        _table(cells, kinds, [way for way in cells.WAYS if way.startswith("plain")]),
        "## Streams\n",
        STREAMED,
        _table(cells, kinds, [way for way in cells.WAYS if not way.startswith("plain")]),
    )
    return "\n".join(parts)


def _table(cells: Any, kinds: Any, ways: list[str]) -> str:
    lines = [["the provider", *(HEADS[way] for way in ways)], ["---"] * (len(ways) + 1)]
    lines += [[kind.does, *(_cell(cells.CELLS[kind.name][way]) for way in ways)] for kind in kinds.KINDS]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(outcome: Any) -> str:
    asked = f"{outcome.asked} + {outcome.fallback_asked}" if outcome.fallback_asked else f"{outcome.asked}"
    return f"{outcome.sees} ({asked})"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/failover.md from the tests' table.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    wanted = page()
    if parser.parse_args().check:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
