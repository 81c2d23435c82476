"""Compares the gateway with its peers over one mock upstream, and measures what the agents and the toolbox add."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench import scenarios
from bench.measure import Plan
from bench.report import Report, markdown
from bench.session import Order, Part, Session

_RESULTS = Path(__file__).resolve().parent / "results"
_FULL = Plan(scenarios.FULL, 3, window_s=1.0, warm_up_s=6, ladders=scenarios.LADDERS, memory_s=12, rest_s=20)
_QUICK = Plan(scenarios.QUICK, 1, window_s=0.5, warm_up_s=2, ladders=scenarios.QUICK_LADDERS, pairs=4)
_PARTS: tuple[Part, ...] = ("gateway", "peers", "against", "agents", "toolbox")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute, our gateway alone; nothing is kept")
    parser.add_argument("--only", choices=_PARTS, help="measure this part alone; nothing is kept")
    parser.add_argument("--against", metavar="COMMIT", help="compare our gateway with its older self in the same run")
    parser.add_argument("--rounds", type=int, help="how many times each window is measured")
    parser.add_argument("--pin", action="store_true", help="give the system under test a core of its own")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="the folder that a full run's report goes to")
    options = parser.parse_args(argv)
    if options.only == "against" and options.against is None:
        parser.error("--only against needs --against COMMIT")
    return options


def _order(options: argparse.Namespace) -> Order:
    plan = _QUICK if options.quick else _FULL
    if options.rounds:
        plan = plan._replace(rounds=options.rounds)
    parts: tuple[Part, ...] = ("gateway", "against") if options.quick else _PARTS
    if options.only:
        parts = (options.only,)
    return Order("quick" if options.quick else "full", parts, plan, pin=options.pin, against=options.against)


def keep(report: Report, folder: Path) -> None:
    """Write the report as Markdown and as JSON, named by its date."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{report.date}.md").write_text(markdown(report))
    encoded = msgspec.json.format(msgspec.json.encode(report), indent=2)
    (folder / f"{report.date}.json").write_bytes(encoded + b"\n")
    _say(f"kept in {folder / report.date}.md and .json")


def _stop(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)  # unwinds every `with`, which ends every process that was started


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench and print its report; 130 when stopped by Ctrl-C."""
    options = _arguments(argv)
    signal.signal(signal.SIGTERM, _stop)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            report = Session(_order(options), Path(folder), _say).run()
        except KeyboardInterrupt:
            _say("stopped; everything started has been ended")
            return 130
    print(markdown(report))
    if not options.quick and options.only is None:
        keep(report, options.results)
    return 0
