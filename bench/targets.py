"""The numbers that the design promises, each judged against what was measured, met or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from bench.against import Comparison
from bench.figures import Book
from bench.peers import LITELLM, PORTKEY
from bench.scenarios import DIALECTS
from bench.stats import Spread
from bench.systems import OURS
from bench.toolbox import REST, ToolFigures


class Verdict(msgspec.Struct, frozen=True):
    """A target and what came of it; `met` is None when it could not be measured."""

    label: str
    unit: str
    sense: Literal["at least", "at most"]
    wanted: float
    measured: Spread | None
    met: bool | None


class _Target(NamedTuple):
    label: str
    unit: str
    sense: Literal["at least", "at most"]
    wanted: float

    def judge(self, measured: Spread | None) -> Verdict:
        """By the median over the rounds."""
        met = None
        if measured is not None:
            met = measured.median >= self.wanted if self.sense == "at least" else measured.median <= self.wanted
        return Verdict(self.label, self.unit, self.sense, self.wanted, measured, met)


def judge(book: Book, resident_mb: Spread | None, *, against_peers: bool = True) -> list[Verdict]:
    """Every target of the gateway, in the design's order; those against peers only where peers were asked for."""
    peers = _against_peers(book) if against_peers else ()
    return [*peers, *_cache_hits(book), *_absolutes(book, resident_mb), *_dialects(book)]


def judge_tools(figures: Sequence[ToolFigures]) -> Iterator[Verdict]:
    """The targets of the toolbox, where it was measured."""
    for each in figures:
        if each.name == REST:
            yield _Target("calls/s of add over REST, 16 conn.", "", "at least", 2000.0).judge(each.per_second_16)
            yield _Target("added to a call in process, REST, 1 conn.", "ms", "at most", 1.5).judge(each.added_ms)


def judge_against(comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
    """What our gateway may cost more than at an older commit."""
    for each in comparisons:
        label = f"processor time of {each.what} against {each.commit}"
        yield _Target(label, "×", "at most", 1.05).judge(each.ratio)


def _against_peers(book: Book) -> Iterator[Verdict]:
    for peer, wanted in ((LITELLM, {1: 18.0, 16: 32.0}), (PORTKEY, {1: 3.2, 16: 4.0})):
        for connections, times in wanted.items():
            key = f"rps-{connections}"
            target = _Target(f"requests/s against {peer}'s, {connections} conn.", "×", "at least", times)
            yield target.judge(book.ratio(key, OURS, key, peer))


def _cache_hits(book: Book) -> Iterator[Verdict]:
    for connections in (1, 64):
        target = _Target(f"cache hit against own pass-through, {connections} conn.", "×", "at least", 2.0)
        yield target.judge(book.ratio(f"cached-{connections}", OURS, f"rps-{connections}", OURS))


def _absolutes(book: Book, resident_mb: Spread | None) -> Iterator[Verdict]:
    yield _Target("p50 added, 1 conn.", "ms", "at most", 0.3).judge(book.spread("added-p50", OURS))
    yield _Target("p99 against p50, 16 conn.", "×", "at most", 4.0).judge(book.ratio("p99-16", OURS, "p50-16", OURS))
    yield _Target("added to the first token", "ms", "at most", 1.0).judge(book.spread("added-first-token", OURS))
    yield _Target("added per chunk, on the clock", "µs", "at most", 20.0).judge(book.spread("chunk-wall", OURS))
    yield _Target("processor time per chunk", "µs", "at most", 20.0).judge(book.spread("chunk-cpu", OURS))
    yield _Target("resident memory after all load", "MB", "at most", 150.0).judge(resident_mb)


def _dialects(book: Book) -> Iterator[Verdict]:
    for key, label in (("cpu-16", "a request"), ("stream-cpu", "a long stream")):
        for name in DIALECTS:
            target = _Target(f"processor time of {label}, {name} against OpenAI", "×", "at most", 1.3)
            yield target.judge(book.ratio(f"{key}-{name}", OURS, key, OURS))
