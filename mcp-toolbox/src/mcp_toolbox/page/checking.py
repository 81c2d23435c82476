"""The check of a pasted config: what each of its servers would run or call, what is wrong with it, and its tools."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from service_kit.language import Language

from mcp_toolbox.approvals.approvals import Approvals
from mcp_toolbox.upstream.adding import MOST_SERVERS, Candidate, Judge, Problem, described
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.manager import UpstreamManager
from mcp_toolbox.upstream.servers_file import Pasted
from mcp_toolbox.upstream.trial import Trials


class Checked(NamedTuple):
    """The servers of a config, what is wrong with it as a whole, and notes on what has no effect."""

    candidates: list[Candidate]
    problems: list[Problem]
    notes: list[str]

    @property
    def ok(self) -> bool:
        """Whether it can be added."""
        return not self.problems and not any(candidate.problems for candidate in self.candidates)


class Checking:
    """Checks configs against the servers of `upstreams`."""

    def __init__(self, upstreams: UpstreamManager, judge: Judge, trials: Trials, approvals: Approvals) -> None:
        self._upstreams = upstreams
        self._judge = judge
        self._trials = trials
        self._approvals = approvals

    async def check(self, config: str) -> Checked:
        """Returns what is in a config; nothing is connected to."""
        try:
            pasted = await asyncio.to_thread(self._upstreams.pasted, config)
        except ServersFileError as error:
            return Checked([], [Problem("invalid_config", str(error), str(error))], [])
        candidates = await self._judge.candidates(pasted, self._upstreams.names)
        return Checked(candidates, _of_the_whole(pasted), list(pasted.warnings))

    async def told(self, checked: Checked, language: Language, *, connect: bool) -> dict[str, Any]:
        """Returns the answer of a check. With `connect` each server that could be added is tried."""
        servers = await asyncio.gather(*(self._told(each, language, connect) for each in checked.candidates))
        return {
            "ok": checked.ok,
            "servers": servers,
            "problems": [_problem(problem, language) for problem in checked.problems],
            "notes": checked.notes,
        }

    async def _told(self, candidate: Candidate, language: Language, connect: bool) -> dict[str, Any]:
        told = {**described(candidate), "problems": [_problem(problem, language) for problem in candidate.problems]}
        spec = candidate.spec
        if not connect or spec is None or spec.disabled or candidate.problems:
            return told
        tried = await self._trials.tried(spec)
        tools = [
            {**_shown(tool.to_wire()), "needsApproval": self._approvals.needed(tool)}
            for tool in sorted(tried.tools, key=lambda tool: tool.name)
        ]
        told |= {"connected": tried.connected, "tools": tools}
        extra = {"error": tried.error, "notes": list(tried.problems)}
        return told | {name: value for name, value in extra.items() if value}


def _of_the_whole(pasted: Pasted) -> list[Problem]:
    problems = [Problem("invalid_config", text, text) for text in pasted.mistakes.get("", ())]
    if not pasted.entries:
        problems.append(Problem("invalid_config", "there is no server in it", "no hay ningún servidor"))
    if len(pasted.entries) > MOST_SERVERS:
        problems.append(
            Problem(
                "too_many_servers",
                f"at most {MOST_SERVERS} servers are added at a time",
                f"se añaden como mucho {MOST_SERVERS} servidores a la vez",
            )
        )
    return problems


def _problem(problem: Problem, language: Language) -> dict[str, str]:
    return {"code": problem.code, "message": problem.spanish if language == "es" else problem.message}


def _shown(tool: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tool.items() if name in ("name", "title", "description", "annotations")}
