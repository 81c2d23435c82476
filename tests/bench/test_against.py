"""An older commit is unpacked, started beside today's code and compared with it; what cannot be is said so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import against
from bench.measure import Rig
from bench.processes import Cores, NotStarted
from bench.stats import Spread
from bench.systems import mock_upstream, our_gateway
from bench.targets import judge_against

ROOT = Path(__file__).resolve().parents[2]
OLD_TREE = "service-kit/src/service_kit/__init__.py"
NEW_TREE = "packages/service-kit/src/service_kit/__init__.py"


def commit_with(path: str) -> str:
    """The last commit that had this file."""
    found = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--diff-filter=D", "--", path],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    if (ROOT / path).exists():
        return "HEAD"
    if not found:
        pytest.skip("the history here is too short to have it")
    return f"{found}~1"


@pytest.mark.parametrize("path", [OLD_TREE, NEW_TREE], ids=["old tree", "new tree"])
def test_a_commit_is_imported_from_its_own_tree(tmp_path, path):
    before = status()
    older = against.checkout(commit_with(path), tmp_path)
    names = {package.name for source in older.sources for package in source.iterdir()}
    assert {"llm_gateway", "service_kit"} <= names
    assert (tmp_path / older.commit / path).exists()
    code = "import llm_gateway.app, service_kit; print(llm_gateway.app.__file__, service_kit.__file__)"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, older.sources))}
    imported = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert all(file.startswith(str(tmp_path)) for file in imported), imported
    assert status() == before, "nothing is left in the repository"


def status() -> str:
    command = ["git", "worktree", "list", "--porcelain"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("commit", ["no-such-commit", "--help", ""])
def test_a_commit_that_is_not_there_is_said_so(tmp_path, commit):
    with pytest.raises(NotStarted):
        against.checkout(commit, tmp_path)


def test_both_take_turns_and_their_ratio_is_judged(tmp_path):
    cores, said = Cores(list(os.sched_getaffinity(0))), []
    older = against.checkout("HEAD", tmp_path)
    with (
        mock_upstream(tmp_path, cores) as upstream,
        our_gateway(upstream, tmp_path, cores, name="then", sources=older.sources) as old,
        our_gateway(upstream, tmp_path, cores) as new,
    ):
        found = against.measure(Rig(upstream, cores, said.append), older.commit, old, new, pairs=1, window_s=0.1)
    assert [each.what for each in found] == list(against.COMPARED)
    for each in found:
        assert each.errors == {}, said
        assert each.ratio is not None and each.ratio.rounds == 1
        assert 0.1 < each.ratio.median < 10, "the same code twice"
    assert [verdict.wanted for verdict in judge_against(found)] == [1.05, 1.05]


def test_more_than_five_per_cent_is_not_met():
    def compared(median: float) -> against.Comparison:
        return against.Comparison("abc", "a request", None, None, Spread(median, 1.0, 1.2, 4), {})

    assert [verdict.met for verdict in judge_against([compared(1.05), compared(1.06)])] == [True, False]
