"""Memory's figures, from samples that can be worked out by hand, and from a process that really grows."""

import subprocess
import sys

import pytest

from bench.load import drive
from bench.memory import figures
from bench.spec import MARK, Spec
from bench.stats import trend
from bench.upstream import Mock, listen, port_of


def test_growth_is_that_of_the_second_half():
    filling = [(float(second), 100.0 + 10 * second) for second in range(5)]
    settled = [(float(second), 150.0 + 0.1 * (second - 5)) for second in range(5, 11)]
    found = figures("ours", 80.0, [*filling, *settled], 120.0, {})
    assert found.growth_mb_per_minute == pytest.approx(6.0)
    assert found.steady_mb == 150.0
    assert (found.cold_mb, found.recovered_mb) == (80.0, 120.0)


def test_a_trend_is_the_line_through_the_points():
    assert trend([(0, 1), (1, 3), (2, 5)]) == pytest.approx(2.0)
    assert trend([(0, 1), (1, 2), (2, 1), (3, 2)]) == pytest.approx(0.2)
    for points in ([], [(1.0, 5.0)], [(1.0, 5.0), (1.0, 6.0)]):
        with pytest.raises(ValueError, match="two times"):
            trend(points)


_HOLDS_60_MB = "held = b'x' * 60_000_000; print(len(held), flush=True); input()"


async def test_memory_is_sampled_over_the_window():
    # The watched process is one of its own: the tests' process has grown by all that ran in it before, and the
    # servers that it started are its children.
    watched = subprocess.Popen([sys.executable, "-c", _HOLDS_60_MB], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    body = f'{{"messages": [{{"role": "user", "content": "{MARK}"}}]}}'
    with watched:
        assert watched.stdout.readline() == b"60000000\n"
        async with await listen(Mock()) as server:
            spec = Spec(
                port=port_of(server),
                path="/v1/chat/completions",
                body=body,
                warmup_s=0,
                window_s=0.3,
                watch_pid=watched.pid,
                memory_every_s=0.05,
            )
            result = await drive(spec)
        watched.communicate(b"\n", timeout=10)
    seconds = [second for second, _ in result.memory]
    assert len(seconds) >= 3
    assert seconds == sorted(seconds)
    assert all(60 < megabytes < 120 for _, megabytes in result.memory)
