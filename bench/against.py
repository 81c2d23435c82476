"""Our gateway beside an older commit of itself: the processor time of the same requests, in the same run.

Absolute figures of two runs differ by half on a shared machine, so the two processes stand side by side and take turns,
and what is judged is the ratio of neighbors in time. The older one runs on today's interpreter and libraries: only our
own code differs.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.figures import cpu_ms
from bench.measure import Rig
from bench.processes import NotStarted
from bench.scenarios import BURST_LONG, PLAIN, Scenario
from bench.stats import Spread, spread
from bench.systems import System

_ROOT = Path(__file__).resolve().parent.parent
COMPARED: Mapping[str, Scenario] = {"a request, 16 conn.": PLAIN[1], "a stream of 256, 1 conn.": BURST_LONG}


class Comparison(msgspec.Struct, frozen=True):
    """Processor time in ms an answer, of the older commit and of this code; `ratio` is new to old, pair by pair."""

    commit: str
    what: str
    old_ms: Spread | None
    new_ms: Spread | None
    ratio: Spread | None
    errors: dict[str, int]


class Checkout(NamedTuple):
    """An older commit's files; `sources` are the folders that its packages are imported from."""

    commit: str
    sources: Sequence[Path]


def checkout(commit: str, folder: Path) -> Checkout:
    """The files of `commit` under `folder`, in whichever tree they were then. Nothing is left in the repository.

    Raises:
        NotStarted: there is no such commit here, or no package in it.
    """
    found = _git("rev-parse", "--verify", "--short", f"{commit}^{{commit}}")
    archive = folder / "commit.tar"
    _git("archive", "--output", archive, found)
    with tarfile.open(archive) as files:
        files.extractall(folder / found, filter="data")
    archive.unlink()
    sources = sorted({package.parent.parent for package in (folder / found).glob("**/src/*/__init__.py")})
    if not any((source / "llm_gateway").is_dir() for source in sources):
        raise NotStarted(f"commit {found} has no gateway")
    return Checkout(found, sources)


def _git(*arguments: str | Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotStarted(" ".join(done.stderr.split())[-400:] or f"git ended with code {done.returncode}")
    return done.stdout.strip()


def measure(rig: Rig, commit: str, old: System, new: System, *, pairs: int, window_s: float) -> list[Comparison]:
    """`pairs` windows of each kind for both: old new, new old, old new, …"""
    return [_compare(rig, commit, what, scenario, old, new, pairs, window_s) for what, scenario in COMPARED.items()]


def _compare(
    rig: Rig, commit: str, what: str, scenario: Scenario, old: System, new: System, pairs: int, window_s: float
) -> Comparison:
    taken: dict[str, list[float | None]] = {old.name: [], new.name: []}
    errors: dict[str, int] = {}
    for number in range(pairs):
        for system in (old, new) if number % 2 == 0 else (new, old):
            sample = rig.window(number, scenario, system, window_s)
            problems = sample.problems()
            for kind, count in problems.items():
                errors[kind] = errors.get(kind, 0) + count
            taken[system.name].append(None if problems else cpu_ms(sample.result))
    both = zip(taken[old.name], taken[new.name], strict=True)
    return Comparison(
        commit=commit,
        what=what,
        old_ms=spread(taken[old.name]),
        new_ms=spread(taken[new.name]),
        ratio=spread(after / before for before, after in both if before and after),
        errors=errors,
    )
