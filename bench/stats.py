"""The few statistics that the report rests on. Pure; plain floats in, plain floats out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """A figure over several rounds: the median, and the range that it moved in."""

    median: float
    low: float
    high: float
    rounds: int


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of unsorted `values`: always a value that was really measured.

    `share` is in 0..1. Raises ValueError when there are no values: a missing figure is not zero.
    """
    if not values:
        raise ValueError("no values: a percentile of nothing is not a figure")
    if not 0 <= share <= 1:
        raise ValueError(f"share must be within 0..1, not {share}")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The median, the mean of the two middle values when their number is even."""
    if not values:
        raise ValueError("no values: a median of nothing is not a figure")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def spread(values: Iterable[float | None]) -> Spread | None:
    """Median and range over the rounds that gave a figure; None when none did."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(median=median(known), low=min(known), high=max(known), rounds=len(known))


def slope(short: float, long: float, extra: int) -> float:
    """The cost of one more item, given the cost of a short and of a long run that has `extra` items more."""
    if extra <= 0:
        raise ValueError("the long run must have more items than the short one")
    return (long - short) / extra


def trend(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the straight line that fits (x, y) best, by least squares.

    Raises ValueError when all x are the same: a line needs two.
    """
    middle_x = sum(x for x, _ in points) / len(points) if points else 0.0
    middle_y = sum(y for _, y in points) / len(points) if points else 0.0
    spread_x = sum((x - middle_x) ** 2 for x, _ in points)
    if not spread_x:
        raise ValueError("a trend needs points at two times at least")
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread_x
