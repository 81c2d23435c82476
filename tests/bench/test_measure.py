"""The measuring loop with its real processes, on the mock alone."""

import os

from bench.figures import Book
from bench.measure import Plan, Rig
from bench.processes import Cores
from bench.scenarios import BURST_LONG, BURST_SHORT, CACHED, MESSAGE, PLAIN, Ladder, Scenario
from bench.systems import CHAT, DIRECT, OURS, mock_upstream


def test_systems_take_turns_and_every_pass_through_reaches_the_upstream(tmp_path):
    said: list[str] = []
    cores = Cores(list(os.sched_getaffinity(0)))
    with mock_upstream(tmp_path, cores) as upstream:
        first = upstream.as_system()
        second = first._replace(name="other")
        plan = Plan((PLAIN[0], BURST_SHORT, BURST_LONG), rounds=2, window_s=0.15, warm_up_s=0)
        samples = Rig(upstream, cores, said.append).run([first, second], plan)
    assert [sample.system for sample in samples] == [DIRECT, "other"] * 3 + ["other", DIRECT] * 3
    assert [sample.round for sample in samples] == [0] * 6 + [1] * 6
    assert all(not sample.problems() for sample in samples), said
    assert all(sample.upstream_calls == sample.result.sent for sample in samples)
    book = Book(samples)
    for key in ("rps-1", "p50-1", "p99-1"):
        figure = book.spread(key, DIRECT)
        assert figure is not None
        assert 0 < figure.low <= figure.median <= figure.high
    ratio = book.ratio("rps-1", "other", "rps-1", DIRECT)
    assert ratio is not None
    assert 0.02 < ratio.median < 50, "the same system under two names"


def test_an_answer_without_the_upstream_is_no_pass_through(tmp_path):
    """Against a mock that is not the one being counted, as behind a gateway that answers from its cache."""
    cores = Cores(list(os.sched_getaffinity(0)))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with mock_upstream(tmp_path / "a", cores) as counted, mock_upstream(tmp_path / "b", cores) as called:
        rig = Rig(counted, cores, lambda text: None)
        plan = Plan((PLAIN[0],), rounds=1, window_s=0.1, warm_up_s=0)
        (sample,) = rig.run([called.as_system()], plan)
    assert sample.problems() == {"answered without the upstream": sample.result.sent}


def test_cache_hits_are_measured_on_ours_alone(tmp_path):
    cores = Cores(list(os.sched_getaffinity(0)))
    with mock_upstream(tmp_path, cores) as upstream:
        direct = upstream.as_system()
    assert not CACHED[0].applies_to(direct)
    assert CACHED[0].applies_to(direct._replace(name=OURS))


def test_a_system_climbs_for_as_long_as_it_holds(tmp_path):
    cores = Cores(list(os.sched_getaffinity(0)))
    rungs = tuple(Scenario(f"plain-{connections}", connections=connections) for connections in (2, 3, 4, 5))
    climbed: list[str] = []
    ladder = Ladder(rungs, lambda result: result.sent > 0 and len(climbed) < 2, rounds=1)
    with mock_upstream(tmp_path, cores) as upstream:
        direct = upstream.as_system()
        systems = [direct, direct._replace(name="other", pid=os.getpid())]

        class Counting(Rig):
            def window(self, number, scenario, system, window_s):
                climbed.append(f"{scenario.name} {system.name}")
                return super().window(number, scenario, system, window_s)

        plan = Plan((), rounds=2, window_s=0.1, warm_up_s=0, ladders=(ladder,))
        samples = Counting(upstream, cores, lambda text: None).run(systems, plan)
    assert climbed == ["plain-2 other", "plain-3 other"], "in the first round alone, and never the mock itself"
    assert [sample.round for sample in samples] == [0, 0]


def test_a_surface_is_asked_of_those_who_have_it(tmp_path):
    with mock_upstream(tmp_path, Cores(list(os.sched_getaffinity(0)))) as upstream:
        direct = upstream.as_system()
        result = Rig(upstream, Cores([0]), lambda text: None).load(MESSAGE[0].spec(direct, window_s=0.1))
    assert result.errors == {}
    assert result.answered > 10
    assert not MESSAGE[0].applies_to(direct._replace(asks={CHAT: "gpt-4o"}))
