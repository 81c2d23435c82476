"""The measuring loop: systems take turns within a round, and rounds repeat, because the machine is never quiet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.processes import Cores, environment, spawned
from bench.scenarios import WARM_UP, Ladder, Scenario
from bench.spec import Result, Spec
from bench.systems import System, Upstream

_ROOT = Path(__file__).resolve().parent.parent
_LOAD_LIMIT_S = 120.0

Say = Callable[[str], None]


class Plan(NamedTuple):
    """How long to measure what. Short windows and many rounds: a stall of the machine spoils one window, not all.

    `pairs` is how often an older commit is compared; `memory_s` how long each system is loaded to see its memory grow,
    and `rest_s` how long it then rests, none of it where that is 0.
    """

    scenarios: Sequence[Scenario]
    rounds: int
    window_s: float
    warm_up_s: float
    ladders: Sequence[Ladder] = ()
    pairs: int = 12
    memory_s: float = 0.0
    rest_s: float = 0.0


class Sample(msgspec.Struct, frozen=True):
    """One window: which round, what was asked of whom, and what came of it.

    `upstream_calls` is how many completions the mock was asked for meanwhile, warm-up included.
    """

    round: int
    scenario: str
    system: str
    result: Result
    upstream_calls: int = 0

    def problems(self) -> dict[str, int]:
        """Errors by kind, and what else makes the figures of this window unusable."""
        found = dict(self.result.errors)
        if not self.result.answered and not self.result.tokens:
            found["no right answer"] = self.result.sent
        return found


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


class Rig:
    """What runs the load generator: on which cores, and against which mock."""

    def __init__(self, upstream: Upstream, cores: Cores, say: Say) -> None:
        self._upstream = upstream
        self._cores = cores
        self._say = say

    def load(self, spec: Spec) -> Result:
        """Drive one spec in a process of its own."""
        argv = [sys.executable, "-m", "bench.load"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with spawned(argv, _kill, env=environment(), cwd=_ROOT, **pipes) as process:
            self._cores.keep_aside(process.pid)
            output, _ = process.communicate(msgspec.json.encode(spec), timeout=_LOAD_LIMIT_S)
        if process.returncode:
            raise RuntimeError(f"the load generator ended with code {process.returncode}")
        return msgspec.json.decode(output, type=Result)

    def warm_up(self, systems: Sequence[System], seconds: float) -> None:
        """Let interpreters compile, pools fill and lazy imports happen, before anything counts."""
        for system in systems:
            self._say(f"warming up {system.name}")
            applying = [scenario for scenario in WARM_UP if scenario.applies_to(system)]
            for scenario in applying:
                self.load(scenario.spec(system, window_s=seconds / len(applying), warmup_s=0))

    def run(self, systems: Sequence[System], plan: Plan) -> list[Sample]:
        """All windows: A B C, A B C, … for each scenario in each round, and the other way round in every other one."""
        samples = []
        for number in range(plan.rounds):
            self._say(f"round {number + 1} of {plan.rounds}")
            order = list(systems) if number % 2 == 0 else list(reversed(systems))
            for scenario in plan.scenarios:
                turn = [system for system in order if scenario.applies_to(system)]
                samples += [self.window(number, scenario, system, plan.window_s) for system in turn]
            for ladder in plan.ladders:
                if number < ladder.rounds:
                    samples += self._climb(number, ladder, order, plan.window_s)
        return samples

    def _climb(self, number: int, ladder: Ladder, order: Sequence[System], window_s: float) -> Iterator[Sample]:
        """Rung by rung, each system until it no longer holds; the mock called directly has nothing to show there."""
        climbing = [system for system in order if system.pid is not None]
        for scenario in ladder.rungs:
            for system in [system for system in climbing if scenario.applies_to(system)]:
                sample = self.window(number, scenario, system, window_s)
                yield sample
                if sample.problems() or not ladder.holds(sample.result):
                    climbing.remove(system)

    def window(self, number: int, scenario: Scenario, system: System, window_s: float) -> Sample:
        """One window; `number` is its round."""
        before = self._upstream.completions()
        result = self.load(scenario.spec(system, window_s=window_s))
        calls = self._upstream.completions() - before
        if not scenario.repeated and calls < result.sent - sum(result.errors.values()):
            # Every body was different, so each needed the upstream: what was saved was not a pass-through.
            result.errors["answered without the upstream"] = result.sent - calls
        sample = Sample(number, scenario.name, system.name, result, calls)
        if problems := sample.problems():
            self._say(f"  {scenario.name} on {system.name}: {problems}")
        return sample
