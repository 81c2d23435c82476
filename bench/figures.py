"""From samples to figures: what each column of the report means, and how it is computed from one round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bench.measure import Sample
from bench.scenarios import DIALECTS, LONG_STREAM, SHORT_STREAM
from bench.spec import Result
from bench.stats import Spread, slope, spread
from bench.systems import DIRECT


class Round:
    """The results of one round, by scenario and system. A window with any error gives no figure at all."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._results = {(each.scenario, each.system): each.result for each in samples if not each.problems()}

    def get(self, scenario: str, system: str) -> Result | None:
        return self._results.get((scenario, system))


Compute = Callable[[Round, str], float | None]


class Figure(NamedTuple):
    """One line of the table: a name, a unit, and how one round gives it for one system."""

    key: str
    label: str
    unit: str
    compute: Compute


def _of(scenario: str, read: Callable[[Result], float | None]) -> Compute:
    def compute(round_: Round, system: str) -> float | None:
        result = round_.get(scenario, system)
        return None if result is None else read(result)

    return compute


def _added(compute: Compute) -> Compute:
    """The figure less that of calling the mock directly, in the same round."""

    def added(round_: Round, system: str) -> float | None:
        through, direct = compute(round_, system), compute(round_, DIRECT)
        return None if system == DIRECT or through is None or direct is None else through - direct

    return added


def _per_chunk(read: Callable[[Result], float | None], suffix: str = "") -> Compute:
    """Microseconds a chunk, from streams that differ in length alone; `read` gives milliseconds a stream."""

    def compute(round_: Round, system: str) -> float | None:
        short, long = round_.get(f"burst-short{suffix}", system), round_.get(f"burst-long{suffix}", system)
        if short is None or long is None:
            return None
        low, high = read(short), read(long)
        if low is None or high is None:
            return None
        return slope(low, high, LONG_STREAM - SHORT_STREAM) * 1000

    return compute


def _cpu_ms(result: Result) -> float | None:
    """Processor time of the system for one answer."""
    return None if result.cpu_s is None or not result.answered else result.cpu_s * 1000 / result.answered


def _cpu_per_token_us(result: Result) -> float | None:
    return None if result.cpu_s is None or not result.tokens else result.cpu_s * 1e6 / result.tokens


def _figures() -> Iterable[Figure]:
    for connections in (1, 16, 64):
        at, scenario = f"{connections} conn.", f"plain-{connections}"
        yield Figure(f"rps-{connections}", f"pass-through, {at}", "req/s", _of(scenario, lambda r: r.per_second))
        yield Figure(f"p50-{connections}", f"p50, {at}", "ms", _of(scenario, lambda r: r.p50_ms))
        yield Figure(f"p99-{connections}", f"p99, {at}", "ms", _of(scenario, lambda r: r.p99_ms))
    p50, first = _of("plain-1", lambda r: r.p50_ms), _of("first-token", lambda r: r.first_token_p50_ms)
    yield Figure("added-p50", "p50 added, 1 conn.", "ms", _added(p50))
    yield Figure("cpu", "processor time a request, 64 conn.", "ms", _of("plain-64", _cpu_ms))
    yield Figure("first-token", "first token, p50, 1 stream", "ms", first)
    yield Figure("added-first-token", "added to the first token, p50", "ms", _added(first))
    yield Figure("chunk-wall", "added per streamed chunk, full speed", "µs", _added(_per_chunk(lambda r: r.p50_ms)))
    yield Figure("chunk-cpu", "processor time per chunk, full speed", "µs", _per_chunk(_cpu_ms))
    yield Figure("paced-cpu", "processor time per chunk, 16 streams, paced", "µs", _of("paced", _cpu_per_token_us))
    yield Figure("paced-p99", "first token, p99, 16 streams", "ms", _of("paced", lambda r: r.first_token_p99_ms))
    yield Figure("cpu-16", "processor time a request, 16 conn.", "ms", _of("plain-16", _cpu_ms))
    yield Figure("stream-cpu", f"processor time a stream of {LONG_STREAM}", "ms", _of("burst-long", _cpu_ms))
    for name in DIALECTS:
        plain, long = f"plain-16-{name}", f"burst-long-{name}"
        yield Figure(f"cpu-16-{name}", f"the same request, {name}'s dialect", "ms", _of(plain, _cpu_ms))
        yield Figure(f"stream-cpu-{name}", f"the same stream, {name}'s dialect", "ms", _of(long, _cpu_ms))
        yield Figure(f"chunk-cpu-{name}", f"a chunk in {name}'s dialect", "µs", _per_chunk(_cpu_ms, f"-{name}"))
    yield Figure("cached-1", "cache hit, 1 conn.", "req/s", _of("cached-1", lambda r: r.per_second))
    yield Figure("cached-64", "cache hit, 64 conn.", "req/s", _of("cached-64", lambda r: r.per_second))


FIGURES = tuple(_figures())


class Book:
    """All figures of a run: per round, so that a ratio compares neighbours in time, and as spreads."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        rounds: dict[int, list[Sample]] = {}
        for sample in samples:
            rounds.setdefault(sample.round, []).append(sample)
        self._rounds = [Round(rounds[number]) for number in sorted(rounds)]
        self._compute = {figure.key: figure.compute for figure in FIGURES}

    def per_round(self, key: str, system: str) -> list[float | None]:
        return [self._compute[key](each, system) for each in self._rounds]

    def spread(self, key: str, system: str) -> Spread | None:
        """Median and range over the rounds."""
        return spread(self.per_round(key, system))

    def ratio(self, key: str, system: str, other_key: str, other: str) -> Spread | None:
        """How many times the one figure is the other, round by round."""
        pairs = zip(self.per_round(key, system), self.per_round(other_key, other), strict=True)
        return spread(mine / theirs for mine, theirs in pairs if mine is not None and theirs)
