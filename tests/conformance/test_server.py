"""The official conformance suite against the toolbox, for each revision of the protocol that it speaks.

Every scenario that the suite scores has to pass, without a warning. Those that it runs without scoring are extensions
or too new for its own reference server; the ones that we do not pass are named here, and no others.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load
from service_kit.testing import running

from tests.conformance.server import create_fixture_app
from tests.nodejs import program, run_node

EXPECTED_FAILURES = Path(__file__).parent / "expected-failures.yaml"
pytestmark = pytest.mark.filterwarnings("ignore:The .* capability is deprecated")

CURRENT, STABLE = "@modelcontextprotocol/conformance", "conformance-2025"


_TASKS = (
    "tasks-capability-negotiation",
    "tasks-dispatch-and-envelope",
    "tasks-lifecycle",
    "tasks-mrtr-composition",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-request-state-removal",
    "tasks-required-task-error",
    "tasks-wire-fields",
)
"""An extension of 2026-07-28, which the toolbox does not offer: its calls answer when they are done."""


class Run(NamedTuple):
    """Which suite, how it is asked, how many scenarios it has to run at least (none is lost in silence), and which
    of those that it runs without scoring we do not pass."""

    suite: str
    options: list[str]
    least: int
    unscored: tuple[str, ...] = ()


RUNS = {
    "2026-07-28": Run(CURRENT, ["--requirements", "2026-07-28"], 50, _TASKS),
    # Streams of the handshake revisions are not resumable: what a client missed it asks for again.
    "2025-11-25": Run(CURRENT, ["--requirements", "2025-11-25"], 33, ("server-sse-polling",)),
    "2025-11-25, stable suite": Run(STABLE, [], 30),
    "2025-06-18": Run(CURRENT, ["--spec-version", "2025-06-18"], 27),
    "2025-03-26": Run(CURRENT, ["--spec-version", "2025-03-26"], 1),
}


@pytest.fixture
async def server() -> AsyncIterator[str]:
    async with running(create_fixture_app(load(ToolboxSettings, {}))) as url:
        yield url


def problems(results: Path) -> dict[str, list[str]]:
    """Scenario → what failed in it or was warned of, by the suite's own reports."""
    found: dict[str, list[str]] = {}
    for report in results.rglob("checks.json"):
        scenario = re.fullmatch(r"server-(.+)-\d{4}-\d{2}-\d{2}T.+", report.parent.name)
        assert scenario, report
        checks = json.loads(report.read_text("utf-8"))
        bad = [check for check in checks if check["status"] in ("FAILURE", "WARNING")]
        found[scenario[1]] = [f"{check['id']}: {check.get('errorMessage')}" for check in bad]
    return found


@pytest.mark.parametrize("name", RUNS)
async def test_every_scored_scenario_passes(server: str, tmp_path: Path, name: str):
    run = RUNS[name]
    ended = await run_node(
        program(run.suite), "server", "--url", f"{server}/mcp", *run.options,
        "--expected-failures", str(EXPECTED_FAILURES), "--output-dir", str(tmp_path),
    )  # fmt: skip
    assert ended.code == 0, ended.output[-4000:] + ended.errors[-2000:]
    found = problems(tmp_path)
    assert len(found) >= run.least
    assert sorted(scenario for scenario, bad in found.items() if bad) == sorted(run.unscored), found


async def test_the_suite_fails_where_a_server_does(server: str, tmp_path: Path):
    """The suite's verdict is worth something: the same scenarios fail against a path that serves no MCP."""
    ended = await run_node(program(CURRENT), "server", "--url", f"{server}/health", "--scenario", "tools-list")
    assert ended.code == 1, ended.output
