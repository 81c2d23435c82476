"""Where the processor time of a request goes, by stage, and what it is beside an older commit.

`python -m bench.hot_path` prints both as Markdown, for the kinds of `in_process.py`. The two processes of a comparison
take turns in short runs (old new, new old, …) and what counts is the median of the ratios of neighbours: a busy machine
slows both.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from bench.against import checkout
from bench.in_process import KINDS
from bench.processes import environment, spawned
from bench.stats import Spread, spread

_ROOT = Path(__file__).resolve().parent.parent
_REQUESTS = {"plain": 300, "hit": 600, "stream": 100}
"""In one short run: about as long for each kind."""
_PROFILED = 100
"""How many times as many are profiled."""
_PLAIN = 10
"""How many times as many are timed beside that."""

OTHERS = "libraries"
STAGES: Mapping[str, str] = {
    "/bench/": "(the bench's client and provider)",
    "/uvicorn/": "HTTP server",
    "/service_kit/edge/protocol.py": "HTTP server",
    "/service_kit/edge/cycle.py": "HTTP server",
    "/service_kit/": "edge: id, checks, security headers",
    "/surfaces/": "surface: body, headers of the answer",
    "/dialects/": "dialects: parse, encode, decode, render",
    "/canonical/": "dialects: parse, encode, decode, render",
    "/pipeline/": "pipeline: context, admission, shared call",
    "/routing/": "routing: attempts, breakers",
    "/cache/": "cache: key, entry",
    "/catalog/pricing.py": "price and record, log, metrics",
    "/telemetry/": "price and record, log, metrics",
    "/prometheus_client/": "price and record, log, metrics",
    "/logging/": "price and record, log, metrics",
    "/structlog/": "price and record, log, metrics",
    "/catalog/": "routing: attempts, breakers",
    "/providers/": "providers and net: request, connection, answer",
    "/net/": "providers and net: request, connection, answer",
    "/asyncio/": "event loop and tasks",
    "/_weakrefset.py": "event loop and tasks",
}
"""Which stage a file belongs to, by a part of its path; the first that fits."""


class Measured(msgspec.Struct, frozen=True):
    """What a worker answers: µs of processor time a request, and where it went (file, function, share)."""

    us: float
    where: list[tuple[str, str, float]] = []


class Worker:
    """The gateway of one checkout in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._orders, self._answers = process.stdin, process.stdout
        if self._answers.readline() != b"ready\n":
            raise RuntimeError(f"the worker ended with code {process.wait()}")

    def run(self, kind: str, requests: int, *, profile: bool = False) -> Measured:
        """Returns what so many requests took."""
        self._orders.write(f"{kind} {requests}{' profile' if profile else ''}\n".encode())
        self._orders.flush()
        return msgspec.json.decode(self._answers.readline(), type=Measured)


@contextlib.contextmanager
def worker(sources: Sequence[Path] = ()) -> Iterator[Worker]:
    """A worker whose packages are found in `sources` before the installed ones."""
    env = environment(PYTHONPATH=os.pathsep.join(map(str, sources)), PYTHONHASHSEED="0")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with spawned([sys.executable, "-m", "bench.in_process"], _end, env=env, cwd=_ROOT, **pipes) as process:
        yield Worker(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def stage_of(file: str) -> str:
    """Returns the stage that a file's time counts for."""
    return next((stage for part, stage in STAGES.items() if part in file), OTHERS)


def stages(measured: Measured) -> list[tuple[str, float]]:
    """Returns µs a request by stage, the largest first."""
    taken: Counter[str] = Counter()
    for file, _, share in measured.where:
        taken[stage_of(file)] += share * measured.us  # type: ignore[assignment] - a Counter of floats
    return taken.most_common()


def paired(old: Worker, new: Worker, kind: str, pairs: int) -> tuple[Spread | None, Spread | None, Spread | None]:
    """Returns µs a request of both, and new to old, over so many pairs of neighbours."""
    taken: dict[Worker, list[float]] = {old: [], new: []}
    for number in range(pairs):
        for each in (old, new) if number % 2 == 0 else (new, old):
            taken[each].append(each.run(kind, _REQUESTS[kind]).us)
    ratios = [after / before for before, after in zip(taken[old], taken[new], strict=True)]
    return spread(taken[old]), spread(taken[new]), spread(ratios)


def compare(commit: str, pairs: int) -> Iterator[str]:
    """Yields the lines of the table beside `commit`."""
    yield f"| kind | {commit}, µs | now, µs | ratio, median of {pairs} pairs (range) |"
    yield "|---|---|---|---|"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        then = checkout(commit, Path(folder))
        with worker(then.sources) as old, worker() as new:
            for kind in KINDS:
                before, after, ratio = paired(old, new, kind, pairs)
                if before and after and ratio:
                    span = f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
                    yield f"| {kind} | {before.median:.0f} | {after.median:.0f} | {span} |"


def profile() -> Iterator[str]:
    """Yields the lines of the tables by stage."""
    with worker() as now:
        found = {kind: _unslowed(now, kind) for kind in KINDS}
    by_kind = {kind: dict(stages(measured)) for kind, measured in found.items()}
    yield "| stage | " + " | ".join(f"{kind}, µs" for kind in KINDS) + " |"
    yield "|---|" + "---|" * len(KINDS)
    for stage, _ in stages(found["plain"]):
        yield f"| {stage} | " + " | ".join(f"{by_kind[kind].get(stage, 0.0):.1f}" for kind in KINDS) + " |"
    yield "| all | " + " | ".join(f"{found[kind].us:.1f}" for kind in KINDS) + " |"


def _unslowed(now: Worker, kind: str) -> Measured:
    """Returns the shares of a run that is profiled, and the time of one that is not: looking takes time itself."""
    profiled = now.run(kind, _REQUESTS[kind] * _PROFILED, profile=True)
    return msgspec.structs.replace(profiled, us=now.run(kind, _REQUESTS[kind] * _PLAIN).us)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hot_path", description=__doc__)
    parser.add_argument("--against", metavar="COMMIT", help="compare with this older commit as well")
    parser.add_argument("--pairs", type=int, default=40)
    options = parser.parse_args()
    for lines in (profile(), compare(options.against, options.pairs) if options.against else iter(())):
        for line in lines:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
