"""Memory over the life of a process: under a load that does not change, its growth meanwhile, and after some rest."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from bench.measure import Rig
from bench.scenarios import STEADY
from bench.stats import median, trend
from bench.systems import System

_EVERY_S = 0.25


class MemoryFigures(msgspec.Struct, frozen=True):
    """Resident memory of a process and its children, in MB.

    `steady_mb` is the median over the load, `growth_mb_per_minute` the straight line through its second half, and
    `recovered_mb` what is left after the rest.
    """

    name: str
    cold_mb: float | None
    steady_mb: float
    growth_mb_per_minute: float
    recovered_mb: float | None
    errors: dict[str, int]


def measure(
    rig: Rig, systems: Sequence[System], cold: Mapping[str, float | None], *, load_s: float, rest_s: float
) -> list[MemoryFigures]:
    """Load each system in turn, let all rest together. `cold` is each one's memory before its first request."""
    loaded = [(system, _load(rig, system, load_s)) for system in systems]
    time.sleep(rest_s)
    return [
        figures(system.name, cold[system.name], samples, system.resident_mb(), errors)
        for system, (samples, errors) in loaded
    ]


def _load(rig: Rig, system: System, load_s: float) -> tuple[list[tuple[float, float]], dict[str, int]]:
    scenario = next(each for each in STEADY if each.applies_to(system))
    spec = scenario.spec(system, window_s=load_s)
    result = rig.load(msgspec.structs.replace(spec, memory_every_s=_EVERY_S))
    return result.memory, result.errors


def figures(
    name: str,
    cold_mb: float | None,
    samples: Sequence[tuple[float, float]],
    recovered_mb: float | None,
    errors: dict[str, int],
) -> MemoryFigures:
    """From samples of (seconds, MB): the load's first half is left out of the growth, since caches fill in it."""
    second_half = [sample for sample in samples if sample[0] >= samples[-1][0] / 2]
    return MemoryFigures(
        name=name,
        cold_mb=cold_mb,
        steady_mb=median([mb for _, mb in samples]),
        growth_mb_per_minute=60 * trend(second_half),
        recovered_mb=recovered_mb,
        errors=errors,
    )
