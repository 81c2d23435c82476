"""From samples to figures: what each column of the report means, and how it is computed from one round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bench.measure import Sample
from bench.scenarios import BOUNDS_MS, DIALECTS, LONG_STREAM, PACED, PACED_LADDER, SHORT_STREAM, keeps_pace
from bench.spec import Result
from bench.stats import Spread, slope, spread
from bench.systems import DIRECT


class Round:
    """The results of one round, by scenario and system. A window with any error gives no figure at all."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._results = {(each.scenario, each.system): each.result for each in samples if not each.problems()}

    def get(self, scenario: str, system: str) -> Result | None:
        return self._results.get((scenario, system))

    def named(self, start: str, system: str) -> list[tuple[int, Result]]:
        """The windows of the scenarios that are called `start` and a number, by that number."""
        found = (
            (int(name.rpartition("-")[2]), result)
            for (name, measured), result in self._results.items()
            if measured == system and name.rpartition("-")[0] == start and name.rpartition("-")[2].isdigit()
        )
        return sorted(found, key=lambda pair: pair[0])


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


def _per_second(result: Result) -> float:
    return result.per_second


def cpu_ms(result: Result) -> float | None:
    """Processor time of the system for one answer."""
    return None if result.cpu_s is None or not result.answered else result.cpu_s * 1000 / result.answered


def _cpu_per_token_us(result: Result) -> float | None:
    return None if result.cpu_s is None or not result.tokens else result.cpu_s * 1e6 / result.tokens


def _frontier(scenarios: str, bound_ms: float) -> Compute:
    """Requests a second at the most loaded window of which 99 % were answered within the bound; 0 if there is none."""

    def compute(round_: Round, system: str) -> float | None:
        windows = [result for _, result in round_.named(scenarios, system)]
        within = [each.per_second for each in windows if each.p99_ms is not None and each.p99_ms <= bound_ms]
        return max(within, default=0.0) if windows and system != DIRECT else None

    return compute


def _sustained(round_: Round, system: str) -> float | None:
    """The most streams that kept their pace, counted up to the first number that did not; None where nobody climbed."""
    windows = dict(round_.named("paced", system))
    if system == DIRECT or not windows:
        return None
    sustained = 0
    for streams in sorted(int(rung.name.rpartition("-")[2]) for rung in (PACED, *PACED_LADDER.rungs)):
        if streams not in windows or not keeps_pace(windows[streams]):
            break
        sustained = streams
    return float(sustained)


def _load_figures(scenarios: str, what: str, many: Iterable[int], start: str = "") -> Iterable[Figure]:
    """Requests a second and latencies at each number of connections."""
    for connections in many:
        at, scenario = f"{connections} conn.", f"{scenarios}-{connections}"
        key = f"{start}{{}}-{connections}".format
        yield Figure(key("rps"), f"{what}, {at}", "req/s", _of(scenario, _per_second))
        yield Figure(key("p50"), f"{what}, p50, {at}", "ms", _of(scenario, lambda r: r.p50_ms))
        yield Figure(key("p99"), f"{what}, p99, {at}", "ms", _of(scenario, lambda r: r.p99_ms))


def _frontier_figures(scenarios: str, what: str, start: str = "") -> Iterable[Figure]:
    for bound in BOUNDS_MS:
        label = f"{what}, frontier: p99 within {bound} ms"
        yield Figure(f"{start}frontier-{bound}", label, "req/s", _frontier(scenarios, bound))


def _stream_figures() -> Iterable[Figure]:
    first = _of("first-token", lambda r: r.first_token_p50_ms)
    yield Figure("first-token", "first token, p50, 1 stream", "ms", first)
    yield Figure("added-first-token", "added to the first token, p50", "ms", _added(first))
    yield Figure("chunk-wall", "added per streamed chunk, full speed", "µs", _added(_per_chunk(lambda r: r.p50_ms)))
    yield Figure("chunk-cpu", "processor time per chunk, full speed", "µs", _per_chunk(cpu_ms))
    yield Figure("stream-cpu", f"processor time a stream of {LONG_STREAM}", "ms", _of("burst-long", cpu_ms))


def _paced_figures() -> Iterable[Figure]:
    """Of 16 streams that come as a model sends them; `sustained` of the ladder above them."""
    reads: dict[str, Callable[[Result], float | None]] = {
        "to the first token, p50": lambda r: r.first_token_p50_ms,
        "to the first token, p99": lambda r: r.first_token_p99_ms,
        "to a gap, p50": lambda r: r.gap_p50_ms,
        "to a gap, p99": lambda r: r.gap_p99_ms,
    }
    keys = ("paced-first-p50", "paced-first-p99", "paced-gap-p50", "paced-gap-p99")
    for key, (what, read) in zip(keys, reads.items(), strict=True):
        yield Figure(key, f"paced streams, added {what}", "ms", _added(_of("paced-16", read)))
    cpu = _of("paced-16", _cpu_per_token_us)
    yield Figure("paced-cpu", "paced streams, processor time per chunk", "µs", cpu)
    yield Figure("sustained", "paced streams sustained without a lost frame", "", _sustained)


def _dialect_figures() -> Iterable[Figure]:
    for name in DIALECTS:
        plain, long = f"plain-16-{name}", f"burst-long-{name}"
        yield Figure(f"cpu-16-{name}", f"a request in {name}'s dialect, processor time", "ms", _of(plain, cpu_ms))
        yield Figure(f"stream-cpu-{name}", f"a stream in {name}'s dialect, processor time", "ms", _of(long, cpu_ms))
        yield Figure(f"chunk-cpu-{name}", f"a chunk in {name}'s dialect", "µs", _per_chunk(cpu_ms, f"-{name}"))


def _figures() -> Iterable[Figure]:
    yield from _load_figures("plain", "pass-through", (1, 16, 64))
    yield Figure("added-p50", "p50 added, 1 conn.", "ms", _added(_of("plain-1", lambda r: r.p50_ms)))
    yield from _frontier_figures("plain", "pass-through")
    yield Figure("stop", "longest stop of the loop, 16 conn.", "ms", _of("stops", lambda r: r.longest_stop_ms))
    yield Figure("cpu-16", "processor time a request, 16 conn.", "ms", _of("plain-16", cpu_ms))
    yield Figure("cpu", "processor time a request, 64 conn.", "ms", _of("plain-64", cpu_ms))
    yield from _stream_figures()
    yield from _paced_figures()
    yield from _load_figures("messages", "`/v1/messages`", (1, 16), "messages-")
    yield from _frontier_figures("messages", "`/v1/messages`", "messages-")
    yield Figure("messages-cpu", "`/v1/messages`, processor time, 16 conn.", "ms", _of("messages-16", cpu_ms))
    yield from _dialect_figures()
    yield Figure("cached-1", "cache hit, 1 conn.", "req/s", _of("cached-1", _per_second))
    yield Figure("cached-64", "cache hit, 64 conn.", "req/s", _of("cached-64", _per_second))


FIGURES = tuple(_figures())


class Book:
    """All figures of a run: per round, so that a ratio compares neighbors in time, and as spreads."""

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
