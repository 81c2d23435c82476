"""What an agent itself costs: `POST /process` less the model's and the tools' time.

The real HTTP agent talks to the real toolbox and to a gateway that answers at once (the mock's native stream). The
model's share is measured by calling that gateway directly, the tools' share is what the agent reports in its steps.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.answers import MODEL
from bench.measure import Rig
from bench.processes import Cores, environment, free_port, running, wait_until_answers
from bench.spec import MARK, Result, Spec
from bench.stats import Spread, median, spread
from bench.systems import Upstream

_START_S = 60.0
_CHUNKS = 8


class AgentFigures(msgspec.Struct, frozen=True):
    """One kind of run. Times in ms; `overhead_ms` is `whole_ms` less `model_ms` and `tools_ms`."""

    name: str
    whole_ms: Spread | None
    model_ms: Spread | None
    tools_ms: Spread | None
    overhead_ms: Spread | None
    cpu_ms: Spread | None
    per_second: Spread | None
    per_second_8: Spread | None
    bad_rounds: int
    errors: dict[str, int]


class Agent(NamedTuple):
    port: int
    pid: int


@contextlib.contextmanager
def http_agent(upstream: Upstream, work: Path, cores: Cores) -> Iterator[Agent]:
    """The toolbox and the HTTP agent as a user starts them, the agent's gateway being the mock."""
    with contextlib.ExitStack() as stack:
        tools_port, tools_log = free_port(), work / "toolbox.log"
        env = environment(HOST="127.0.0.1", PORT=str(tools_port), LOG_FORMAT="json")
        toolbox = running([sys.executable, "-m", "mcp_toolbox"], env=env, log=tools_log, cores=cores.rest, cwd=work)
        wait_until_answers(stack.enter_context(toolbox), tools_port, "/readyz", tools_log, _START_S)
        port, log = free_port(), work / "agent-http.log"
        env = environment(
            HOST="127.0.0.1",
            PORT=str(port),
            LOG_FORMAT="json",
            LLM_GATEWAY_URL=f"http://127.0.0.1:{upstream.port}",
            MCP_SERVER_URL=f"http://127.0.0.1:{tools_port}",
        )
        agent = running([sys.executable, "-m", "agent_http"], env=env, log=log, cores=cores.system, cwd=work)
        process = stack.enter_context(agent)
        wait_until_answers(process, port, "/readyz", log, _START_S)
        yield Agent(port, process.pid)


def measure(rig: Rig, upstream: Upstream, agent: Agent, *, rounds: int, window_s: float) -> list[AgentFigures]:
    """A run that only talks, and one that calls a tool: two visits to the model, one to the toolbox."""
    rig.load(_process(agent, calls=1, connections=2, window_s=window_s))  # warm: imports, pools, the tools' list
    kinds = {"answer only": 0, "one tool call": 1}
    return [_kind(rig, upstream, agent, name, calls, rounds, window_s) for name, calls in kinds.items()]


def _process(agent: Agent, *, calls: int, connections: int, window_s: float) -> Spec:
    body = {"input": f"Please add two and three. {MARK}", "model": MODEL}
    return Spec(
        port=agent.port,
        path="/process",
        body=json.dumps(body),
        connections=connections,
        window_s=window_s,
        chunks=_CHUNKS,
        calls=calls,
        watch_pid=agent.pid,
        keep_bodies=True,
    )


def _model(upstream: Upstream, window_s: float) -> Spec:
    """The same conversation's last call to the gateway, without the agent."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": MARK}], "stream": True}
    return Spec(
        port=upstream.port,
        path="/mcp/llm/generate",
        body=json.dumps(body),
        window_s=window_s,
        stream=True,
        chunks=_CHUNKS,
    )


class _Turn(NamedTuple):
    """One round of one kind; None where the window had errors."""

    single: Result
    many: Result
    model: Result
    calls: int

    def tools_ms(self) -> float | None:
        return median([_tool_time(json.loads(body)) for body in self.single.bodies]) if self.single.bodies else None

    def overhead_ms(self) -> float | None:
        whole, model, tools = self.single.p50_ms, self.model.p50_ms, self.tools_ms()
        if whole is None or model is None or tools is None:
            return None
        return whole - (self.calls + 1) * model - tools


def _tool_time(answer: dict) -> float:
    """The milliseconds that an answer's steps say were spent in tools."""
    return sum(tool["duration_ms"] for step in answer["steps"] for tool in step.get("tools", ()))


def _kind(
    rig: Rig, upstream: Upstream, agent: Agent, name: str, calls: int, rounds: int, window_s: float
) -> AgentFigures:
    turns = [
        _Turn(
            single=rig.load(_process(agent, calls=calls, connections=1, window_s=window_s)),
            many=rig.load(_process(agent, calls=calls, connections=8, window_s=window_s)),
            model=rig.load(_model(upstream, window_s)),
            calls=calls,
        )
        for _ in range(rounds)
    ]
    errors: dict[str, int] = {}
    for result in (result for turn in turns for result in turn[:3]):
        for kind, count in result.errors.items():
            errors[kind] = errors.get(kind, 0) + count
    good = [turn for turn in turns if not any(result.errors or not result.answered for result in turn[:3])]
    return AgentFigures(
        name=name,
        whole_ms=spread(turn.single.p50_ms for turn in good),
        model_ms=spread(None if turn.model.p50_ms is None else (calls + 1) * turn.model.p50_ms for turn in good),
        tools_ms=spread(turn.tools_ms() for turn in good),
        overhead_ms=spread(turn.overhead_ms() for turn in good),
        cpu_ms=spread((turn.single.cpu_s or 0) * 1000 / turn.single.answered for turn in good),
        per_second=spread(turn.single.per_second for turn in good),
        per_second_8=spread(turn.many.per_second for turn in good),
        bad_rounds=len(turns) - len(good),
        errors=errors,
    )
