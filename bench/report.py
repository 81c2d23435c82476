"""The report: one value that holds everything of a run, and its form as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from bench.against import Comparison
from bench.agents import AgentFigures
from bench.machine import Machine
from bench.memory import MemoryFigures
from bench.stats import Spread
from bench.targets import Verdict
from bench.toolbox import ToolFigures


class SystemLine(msgspec.Struct, frozen=True):
    """A system of the run: measured, or the reason why not. Memory in MB; after all load the caches are full."""

    name: str
    version: str = ""
    resident_idle_mb: float | None = None
    resident_after_mb: float | None = None
    not_measured: str | None = None


class FigureLine(msgspec.Struct, frozen=True):
    """One figure for each system; None where it was not measured or does not apply."""

    key: str
    label: str
    unit: str
    values: dict[str, Spread | None]


class Problem(msgspec.Struct, frozen=True):
    """Windows that gave no figure, and why."""

    scenario: str
    system: str
    windows: int
    kinds: dict[str, int]


class Report(msgspec.Struct, frozen=True):
    """One run of the bench."""

    date: str
    mode: str
    machine: Machine
    rounds: int
    window_s: float
    pinned: bool
    systems: list[SystemLine]
    figures: list[FigureLine]
    verdicts: list[Verdict]
    problems: list[Problem]
    notes: list[str]
    agents: list[AgentFigures]
    tools: list[ToolFigures] = []
    memory: list[MemoryFigures] = []
    comparisons: list[Comparison] = []


def number(value: float) -> str:
    """Three significant digits, thousands separated, no exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _cell(value: Spread | None) -> str:
    if value is None:
        return "–"
    if value.rounds == 1:
        return f"**{number(value.median)}**"
    return f"**{number(value.median)}** ({number(value.low)}–{number(value.high)})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def markdown(report: Report) -> str:
    """The whole report; medians over the rounds, their range in parentheses."""
    parts = (_head, _verdicts, _figures, _systems, _memory, _comparisons, _agents, _tools, _problems, _notes)
    return "\n".join(line for part in parts for line in part(report)).rstrip() + "\n"


def _head(report: Report) -> Iterator[str]:
    machine = report.machine
    yield f"# Measured on {report.date}"
    yield ""
    yield (
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb} GB; {machine.system}; {machine.python}; "
        f"node {machine.node or 'absent'}; load average before the run {machine.load_average}."
    )
    placed = "systems under test on a core of their own" if report.pinned else "cores left to the scheduler"
    yield (
        f"{report.mode} run: {report.rounds} rounds of {report.window_s:g} s a window, systems taking turns, {placed}. "
        "Each cell: **median** of the rounds (lowest–highest)."
    )
    yield ""


def _verdicts(report: Report) -> Iterator[str]:
    if not report.verdicts:
        return
    words = {True: "met", False: "**not met**", None: "not measured"}
    yield "## Targets"
    yield ""
    yield from _table(
        ("target", "wanted", "measured", ""),
        (
            (each.label, f"{each.sense} {each.wanted:g} {each.unit}", _cell(each.measured), words[each.met])
            for each in report.verdicts
        ),
    )


def _figures(report: Report) -> Iterator[str]:
    if not report.figures:
        return
    names = list(report.figures[0].values)
    yield "## Gateways"
    yield ""
    yield from _table(
        ("", "unit", *names),
        ((each.label, each.unit, *(_cell(each.values[name]) for name in names)) for each in report.figures),
    )


def _plain(value: float | None) -> str:
    return "–" if value is None else number(value)


def _systems(report: Report) -> Iterator[str]:
    if not report.systems:
        return
    yield "## Systems and their memory"
    yield ""
    yield from _table(
        ("system", "version", "resident after start, MB", "resident after all load, MB", ""),
        (
            (
                each.name,
                each.version or "–",
                _plain(each.resident_idle_mb),
                _plain(each.resident_after_mb),
                f"not measured: {each.not_measured}" if each.not_measured else "",
            )
            for each in report.systems
        ),
    )


def _memory(report: Report) -> Iterator[str]:
    if not report.memory:
        return
    yield "## Memory, MB"
    yield ""
    head = ("system", "cold", "steady", "growth per minute", "recovered")
    yield from _table(head, ((each.name, *map(_plain, _memory_values(each))) for each in report.memory))


def _memory_values(each: MemoryFigures) -> tuple[float | None, ...]:
    return each.cold_mb, each.steady_mb, each.growth_mb_per_minute, each.recovered_mb


def _comparisons(report: Report) -> Iterator[str]:
    if not report.comparisons:
        return
    yield f"## Processor time against commit {report.comparisons[0].commit}"
    yield ""
    head = ("", "then, ms", "now, ms", "now to then")
    values = ((each.what, each.old_ms, each.new_ms, each.ratio) for each in report.comparisons)
    yield from _table(head, ((what, *map(_cell, cells)) for what, *cells in values))


def _agents(report: Report) -> Iterator[str]:
    if not report.agents:
        return
    yield "## Agents: overhead of `POST /process` beyond model and tools"
    yield ""
    head = ("run", "whole p50, ms", "model, ms", "tools, ms", "overhead, ms", "CPU, ms", "runs/s, 1 conn.", "8 conn.")
    yield from _table(head, ((each.name, *map(_cell, _agent_values(each))) for each in report.agents))


def _agent_values(each: AgentFigures) -> tuple[Spread | None, ...]:
    return (
        each.whole_ms,
        each.model_ms,
        each.tools_ms,
        each.overhead_ms,
        each.cpu_ms,
        each.per_second,
        each.per_second_8,
    )


def _tools(report: Report) -> Iterator[str]:
    if not report.tools:
        return
    yield "## Toolbox: calls of `add`"
    yield ""
    head = ("way", "p50, ms", "beyond the call in process, ms", "CPU, ms", "calls/s, 1 conn.", "16 conn.")
    yield from _table(head, ((each.name, *map(_cell, _tool_values(each))) for each in report.tools))


def _tool_values(each: ToolFigures) -> tuple[Spread | None, ...]:
    return each.p50_ms, each.added_ms, each.cpu_ms, each.per_second, each.per_second_16


def _problems(report: Report) -> Iterator[str]:
    yield "## Errors"
    yield ""
    if not report.problems:
        yield "None: every answer was right, whole and from the upstream."
        yield ""
        return
    yield "Windows with any error give no figure above."
    yield ""
    yield from _table(
        ("scenario", "system", "windows", "what"),
        ((each.scenario, each.system, str(each.windows), _kinds(each)) for each in report.problems),
    )


def _kinds(problem: Problem) -> str:
    return ", ".join(f"{count} × {kind}" for kind, count in problem.kinds.items())


def _notes(report: Report) -> Iterator[str]:
    for note in report.notes:
        yield f"- {note}"
