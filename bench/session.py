"""One run of the bench from start to report: starts the parts that are wanted, measures, gathers what came of it."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from bench import against, agents, machine, memory, peers, targets, toolbox
from bench.figures import FIGURES, Book
from bench.measure import Plan, Rig, Sample, Say
from bench.processes import Cores, NotStarted
from bench.report import FigureLine, Problem, Report, SystemLine
from bench.stats import spread
from bench.systems import DIRECT, OURS, System, Upstream, mock_upstream, our_gateway

Part = Literal["gateway", "peers", "against", "agents", "toolbox"]
_ENVIRONMENTS = Path(__file__).resolve().parent.parent / ".venvs"
_BUSY = 0.8  # of a processor: a generator above it measures itself


class Order(NamedTuple):
    """What is wanted: which parts, how long, and whether systems keep to a core of their own; `against` is the older
    commit that our gateway is compared with, if any."""

    mode: str
    parts: Collection[Part]
    plan: Plan
    pin: bool = False
    against: str | None = None


class Session:
    """One run. What cannot be measured is kept with its reason, and the rest goes on."""

    def __init__(self, order: Order, work: Path, say: Say) -> None:
        self._order = order
        self._work = work
        self._say = say
        self._cores = Cores(list(os.sched_getaffinity(0)), pin=order.pin)
        self._machine = machine.describe()
        self._lines: list[SystemLine] = []
        self._samples: list[Sample] = []
        self._agents: list[agents.AgentFigures] = []
        self._tools: list[toolbox.ToolFigures] = []
        self._notes: list[str] = []
        self._memory: list[memory.MemoryFigures] = []
        self._comparisons: list[against.Comparison] = []

    def run(self) -> Report:
        """Measure everything ordered; every process started has ended when this returns or raises."""
        with mock_upstream(self._work, self._cores) as upstream:
            rig = Rig(upstream, self._cores, self._say)
            if "gateway" in self._order.parts or "peers" in self._order.parts:
                self._gateways(rig, upstream)
            if "against" in self._order.parts and self._order.against:
                self._compare(rig, upstream, self._order.against)
            if "agents" in self._order.parts:
                self._measure_agents(rig, upstream)
            if "toolbox" in self._order.parts:
                self._measure_tools(rig)
        return self._report()

    def _gateways(self, rig: Rig, upstream: Upstream) -> None:
        plan = self._order.plan
        with contextlib.ExitStack() as stack:
            started = list(self._start(stack, upstream))
            idle = {system.name: system.resident_mb() for system in started}
            systems = [upstream.as_system(), *started]
            rig.warm_up(systems, plan.warm_up_s)
            self._samples = rig.run(systems, plan)
            if plan.memory_s:
                self._say("watching memory")
                self._memory = memory.measure(rig, started, idle, load_s=plan.memory_s, rest_s=plan.rest_s)
            for system in started:
                line = SystemLine(system.name, system.version, idle[system.name], system.resident_mb())
                self._lines.append(line)

    def _start(self, stack: contextlib.ExitStack, upstream: Upstream) -> Iterator[System]:
        starters = {}
        if "gateway" in self._order.parts:
            starters[OURS] = our_gateway(upstream, self._work, self._cores)
        if "peers" in self._order.parts:
            for name, (start, home) in peers.PEERS.items():
                starters[name] = start(upstream, _ENVIRONMENTS / home, self._work, self._cores)
        for name, starter in starters.items():
            self._say(f"starting {name}")
            try:
                yield stack.enter_context(starter)
            except (NotStarted, peers.NotInstalled) as why:
                self._say(f"{name} is not measured: {why}")
                self._lines.append(SystemLine(name, not_measured=str(why)))

    def _compare(self, rig: Rig, upstream: Upstream, commit: str) -> None:
        self._say(f"comparing with {commit}")
        plan = self._order.plan
        try:
            with contextlib.ExitStack() as stack:
                older = against.checkout(commit, self._work)
                gateway = our_gateway(upstream, self._work, self._cores, name=older.commit, sources=older.sources)
                old = stack.enter_context(gateway)
                new = stack.enter_context(our_gateway(upstream, self._work, self._cores))
                rig.warm_up([old, new], plan.warm_up_s)
                self._comparisons = against.measure(
                    rig, older.commit, old, new, pairs=plan.pairs, window_s=plan.window_s
                )
        except NotStarted as why:
            self._notes.append(f"Commit {commit} is not measured: {why}")

    def _measure_agents(self, rig: Rig, upstream: Upstream) -> None:
        self._say("measuring the agent")
        plan = self._order.plan
        try:
            with agents.http_agent(upstream, self._work, self._cores) as agent:
                self._agents = agents.measure(rig, upstream, agent, rounds=plan.rounds, window_s=plan.window_s)
        except NotStarted as why:
            self._notes.append(f"The agents are not measured: {why}")

    def _measure_tools(self, rig: Rig) -> None:
        self._say("measuring calls of tools")
        plan = self._order.plan
        try:
            with toolbox.systems(self._work, self._cores, _ENVIRONMENTS / "mcpo", self._say) as calls:
                self._tools = toolbox.measure(rig, calls, rounds=plan.rounds, window_s=plan.window_s)
                self._notes += [f"{name} is not measured: {why}" for name, why in calls.missing.items()]
        except NotStarted as why:
            self._notes.append(f"Calls of tools are not measured: {why}")

    def _report(self) -> Report:
        book = Book(self._samples)
        names = list(dict.fromkeys(sample.system for sample in self._samples))
        figures = [
            FigureLine(each.key, each.label, each.unit, {name: book.spread(each.key, name) for name in names})
            for each in FIGURES
        ]
        return Report(
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            mode=self._order.mode,
            machine=self._machine,
            rounds=self._order.plan.rounds,
            window_s=self._order.plan.window_s,
            pinned=self._cores.pinned,
            systems=self._lines,
            figures=[line for line in figures if any(line.values.values())],
            verdicts=[
                *self._verdicts(book),
                *targets.judge_against(self._comparisons),
                *targets.judge_tools(self._tools),
            ],
            problems=[
                *self._gateway_problems(),
                *self._other_problems(),
                *self._agent_problems(),
                *self._tool_problems(),
            ],
            notes=[*self._notes, *self._busy_notes()],
            agents=self._agents,
            tools=self._tools,
            memory=self._memory,
            comparisons=self._comparisons,
        )

    def _verdicts(self, book: Book) -> list[targets.Verdict]:
        if "gateway" not in self._order.parts:
            return []
        resident = spread(line.resident_after_mb for line in self._lines if line.name == OURS)
        return targets.judge(book, resident, against_peers="peers" in self._order.parts)

    def _gateway_problems(self) -> Iterator[Problem]:
        found: dict[tuple[str, str], list[dict[str, int]]] = {}
        for sample in self._samples:
            if problems := sample.problems():
                found.setdefault((sample.scenario, sample.system), []).append(problems)
        for (scenario, system), many in found.items():
            total: Counter[str] = Counter()
            for kinds in many:
                total.update(kinds)
            yield Problem(scenario, system, len(many), dict(total))

    def _other_problems(self) -> Iterator[Problem]:
        for each in self._comparisons:
            if each.errors:
                yield Problem(f"against {each.commit}", each.what, 1, each.errors)
        for each in self._memory:
            if each.errors:
                yield Problem("memory", each.name, 1, each.errors)

    def _agent_problems(self) -> Iterator[Problem]:
        for each in self._agents:
            if each.errors:
                yield Problem(each.name, "agent-http", each.bad_rounds, each.errors)

    def _tool_problems(self) -> Iterator[Problem]:
        for each in self._tools:
            if each.errors:
                yield Problem("tool calls", each.name, each.bad_rounds, each.errors)

    def _busy_notes(self) -> Iterator[str]:
        through = (sample for sample in self._samples if sample.system != DIRECT)
        busy = sorted({sample.scenario for sample in through if sample.result.generator_busy > _BUSY})
        if busy:
            yield f"The load generator was itself near its limit in: {', '.join(busy)}."
