from __future__ import annotations

import pytest

from bench import hot_path
from bench.hot_path import OTHERS, Measured, paired, stage_of, stages, worker
from bench.in_process import KINDS


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("/a/packages/service-kit/src/service_kit/edge/cycle.py", "HTTP server"),
        ("/a/packages/service-kit/src/service_kit/edge/guard.py", "edge: id, checks, security headers"),
        ("/a/llm-gateway/src/llm_gateway/catalog/pricing.py", "price and record, log, metrics"),
        ("/a/llm-gateway/src/llm_gateway/catalog/catalog.py", "routing: attempts, breakers"),
        ("<string>", OTHERS),
    ],
)
def test_a_file_belongs_to_its_stage(file: str, stage: str):
    assert stage_of(file) == stage


def test_stages_share_what_a_request_takes():
    where = [("/net/pool.py", "a", 0.5), ("/net/http1.py", "b", 0.2), ("/cache/key.py", "c", 0.3)]
    net, cache = stages(Measured(200.0, where))
    assert net[1] == pytest.approx(140) and cache[1] == pytest.approx(60)


@pytest.mark.timeout(60)
def test_each_kind_is_answered_rightly_and_its_time_is_somewhere():
    with worker() as one:
        for kind in KINDS:
            measured = one.run(kind, 200, profile=True)
            assert measured.us > 0 and sum(share for *_, share in measured.where) == pytest.approx(1)


class Steady:
    """A worker that takes the same time for each run."""

    def __init__(self, us: float, turns: list[float]) -> None:
        self._us, self._turns = us, turns

    def run(self, kind: str, requests: int) -> Measured:
        self._turns.append(self._us)
        return Measured(self._us)


def test_both_take_turns_and_the_ratio_is_that_of_neighbours():
    turns: list[float] = []
    old, new, ratio = paired(Steady(100, turns), Steady(110, turns), "plain", 4)  # type: ignore[arg-type]
    assert turns == [100, 110, 110, 100, 100, 110, 110, 100]
    assert old and new and ratio and (old.median, new.median) == (100, 110) and ratio.median == pytest.approx(1.1)


def test_each_kind_has_a_length_of_its_run():
    assert hot_path._REQUESTS.keys() == KINDS.keys()  # pyright: ignore[reportPrivateUsage]
