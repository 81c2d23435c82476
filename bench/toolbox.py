"""What a call of a tool costs: through the toolbox, beside calling it in process, a plain MCP server and a peer.

All measured processes have one worker. `add` of the toolbox's own is the tool; for gateways it is `add` of a plain
server behind them, reached over Streamable HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from mcp_toolbox.app import built_in

from bench import tool_calls
from bench.measure import Rig, Say
from bench.peers import MCPO, NotInstalled, install_mcpo
from bench.processes import Cores, NotStarted, environment, free_port, running, wait_until_answers
from bench.spec import Result
from bench.stats import Spread, median, spread
from bench.tool_calls import Call

REST = "toolbox, REST"
_CONNECTIONS = 16
_START_S = 60.0
_IN_PROCESS_CALLS = 2000
_ROOT = Path(__file__).resolve().parent.parent


class ToolFigures(msgspec.Struct, frozen=True):
    """One way to call `add`. `p50_ms` and `added_ms` (beyond the same call in process) are of one connection."""

    name: str
    p50_ms: Spread | None
    added_ms: Spread | None
    cpu_ms: Spread | None
    per_second: Spread | None
    per_second_16: Spread | None
    bad_rounds: int
    errors: dict[str, int]


class Calls:
    """The ways to call that are measured, by name, and those that are not, with the reason."""

    def __init__(self) -> None:
        self.ways: dict[str, Call] = {}
        self.missing: dict[str, str] = {}


@contextlib.contextmanager
def systems(work: Path, cores: Cores, home: Path, say: Say) -> Iterator[Calls]:
    """Everything started: a plain server, the toolbox with that server behind it, and the peer likewise."""
    calls = Calls()
    with contextlib.ExitStack() as stack:
        plain, plain_pid = stack.enter_context(_plain(work, cores))
        ours, our_pid = stack.enter_context(_toolbox(work, cores, plain))
        calls.ways = {
            REST: tool_calls.rest(ours, our_pid),
            "toolbox, MCP 2026-07-28": tool_calls.modern(ours, our_pid),
            "toolbox, MCP 2025-11-25 session": tool_calls.session(ours, our_pid),
            "plain server, MCP 2026-07-28": tool_calls.modern(plain, plain_pid),
            "plain server, MCP 2025-11-25 session": tool_calls.session(plain, plain_pid),
            "toolbox before the plain server, REST": tool_calls.rest(ours, our_pid, "plain__add"),
            "toolbox before the plain server, MCP 2026-07-28": tool_calls.modern(ours, our_pid, "plain__add"),
        }
        peer = f"{MCPO} before the plain server, REST"
        try:
            port, pid = stack.enter_context(_mcpo(work, cores, home, plain))
            calls.ways[peer] = tool_calls.openapi(port, pid)
        except (NotStarted, NotInstalled) as why:
            say(f"{peer} is not measured: {why}")
            calls.missing[peer] = str(why)
        yield calls


def measure(rig: Rig, calls: Calls, *, rounds: int, window_s: float) -> list[ToolFigures]:
    """All ways take turns within each round."""
    for call in calls.ways.values():
        rig.load(call.spec(connections=_CONNECTIONS, window_s=window_s))  # warm
    turns: dict[str, list[tuple[Result, Result, float]]] = {name: [] for name in calls.ways}
    for _ in range(rounds):
        for name, call in calls.ways.items():
            single = rig.load(call.spec(connections=1, window_s=window_s))
            many = rig.load(call.spec(connections=_CONNECTIONS, window_s=window_s))
            turns[name].append((single, many, in_process_ms()))
    return [figures(name, turn) for name, turn in turns.items()]


def in_process_ms() -> float:
    """The median time of a call without any transport: the catalog's own."""

    async def calls() -> float | None:
        registry = built_in()
        taken = []
        for number in range(_IN_PROCESS_CALLS):
            began = time.perf_counter()
            await registry.call("add", {"a": 10**12 + number, "b": 0})
            taken.append((time.perf_counter() - began) * 1000)
        return median(taken)

    return asyncio.run(calls()) or 0.0


def figures(name: str, turns: list[tuple[Result, Result, float]]) -> ToolFigures:
    """Of each round: the window of one connection, that of many, and the time in process. Windows with errors give
    no figure."""
    errors: dict[str, int] = {}
    for kind, count in (pair for single, many, _ in turns for each in (single, many) for pair in each.errors.items()):
        errors[kind] = errors.get(kind, 0) + count
    good = [turn for turn in turns if not any(each.errors or not each.answered for each in turn[:2])]
    return ToolFigures(
        name=name,
        p50_ms=spread(single.p50_ms for single, _, _ in good),
        added_ms=spread(None if single.p50_ms is None else single.p50_ms - alone for single, _, alone in good),
        cpu_ms=spread((many.cpu_s or 0) * 1000 / many.answered for _, many, _ in good),
        per_second=spread(single.per_second for single, _, _ in good),
        per_second_16=spread(many.per_second for _, many, _ in good),
        bad_rounds=len(turns) - len(good),
        errors=errors,
    )


@contextlib.contextmanager
def _plain(work: Path, cores: Cores) -> Iterator[tuple[int, int]]:
    port, log = free_port(), work / "plain.log"
    argv = [sys.executable, "-m", "bench.plain_mcp", str(port)]
    with running(argv, env=environment(), log=log, cores=cores.system, cwd=_ROOT) as process:
        _wait(lambda: tool_calls.session(port, process.pid), log)
        yield port, process.pid


@contextlib.contextmanager
def _toolbox(work: Path, cores: Cores, plain: int) -> Iterator[tuple[int, int]]:
    """The toolbox as a user starts it, with its defaults, and the plain server behind it."""
    port, log, file = free_port(), work / "tools.log", work / "servers.json"
    file.write_text(json.dumps({"mcpServers": {"plain": {"url": f"http://127.0.0.1:{plain}/mcp"}}}))
    env = environment(HOST="127.0.0.1", PORT=str(port), LOG_FORMAT="json", MCP_SERVERS_FILE=str(file))
    with running([sys.executable, "-m", "mcp_toolbox"], env=env, log=log, cores=cores.system, cwd=work) as process:
        wait_until_answers(process, port, "/readyz", log, _START_S)
        _wait(lambda: tool_calls.listed(port, "plain__add"), log)
        yield port, process.pid


@contextlib.contextmanager
def _mcpo(work: Path, cores: Cores, home: Path, plain: int) -> Iterator[tuple[int, int]]:
    command = install_mcpo(home)
    port, log = free_port(), work / "mcpo.log"
    argv = [command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--server-type",
            "streamable-http", "--", f"http://127.0.0.1:{plain}/mcp"]  # fmt: skip
    with running(argv, env=environment(), log=log, cores=cores.system, cwd=work) as process:
        wait_until_answers(process, port, "/openapi.json", log, _START_S)
        yield port, process.pid


def _wait(ready: Callable[[], object], log: Path) -> None:
    """Until `ready` gives something true; a server that does not listen yet raises OSError."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if ready():
                return
        time.sleep(0.05)
    raise NotStarted(f"{log.stem} did not get ready within {_START_S:.0f} s")
