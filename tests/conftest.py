"""What all tests share: the event loop that ships, a limit on each test's time, and plain logs."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
import uvloop

TESTS = Path(__file__).parent

# The limit is that of the whole test: one example may take long on a busy machine, and another time it does not.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")

LIMITS = {
    "images": (900, "images are built, and the composed suite is started"),
    "k8s/test_run.py": (900, "images are built, and pods are started"),
    "e2e": (120, "four services, and a language model"),
    "conformance": (120, "the official suite, in Node.js"),
    "scripts": (120, "virtual environments are installed"),
    "contracts": (60, "clients in Node.js, and imports of large client libraries"),
    "bench": (60, "processes are measured"),
    "agent_websocket/page": (60, "a browser"),
    "agent_websocket/test_documentation.py": (60, "a browser"),
    "mcp_toolbox/page": (60, "a browser"),
    "service_kit/test_docs_page.py": (60, "a browser"),
    "mcp_toolbox/packs": (60, "PostgreSQL makes its databases, and embedders load their models"),
    "mcp_toolbox/upstream": (30, "servers that are processes"),
    "mcp_toolbox/upstream_community": (120, "other people's servers, which are processes"),
    "mcp_toolbox/server/test_drain.py": (30, "the service as a process"),
    "mcp_toolbox/test_main.py": (30, "the service as a process"),
    "agent_core/test_memory.py": (60, "the service as a process"),
    "agent_http/test_app.py": (60, "the service as a process"),
    "agent_websocket/test_app.py": (60, "the service as a process"),
    "agent_websocket/test_chat.py": (60, "the terminal's client as a process"),
    "service_kit/test_service.py": (30, "the service as a process"),
    "llm_gateway/providers/emulated_tools": (60, "hypothesis draws long conversations"),
    "llm_gateway/pipeline/test_shared_calls.py": (60, "hypothesis draws long runs of steps"),
    "llm_gateway/surfaces/http/test_openapi.py": (60, "schemathesis draws requests"),
    "llm_gateway/hourglass": (60, "hypothesis draws conversations for every dialect"),
    "llm_gateway/dialects": (60, "hypothesis draws requests and answers"),
    "mcp_toolbox/server/test_sessions.py": (30, "sessions by the thousand"),
    "offline_planner/test_properties.py": (60, "hypothesis draws sentences and tools"),
    "llm_gateway/providers/test_embedded_long.py": (60, "texts of many megabytes"),
    "llm_gateway/recordings": (60, "every surface over every provider"),
}
"""Folders and files whose tests may take longer than `timeout` in pyproject.toml: the seconds, and why."""


def pytest_configure() -> None:
    """A shell starts what runs in its background with SIGINT ignored, and children inherit that: those that tests send
    a SIGINT to would not end. What is handled here is at its default there."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    assert not (gone := [place for place in LIMITS if not (TESTS / place).exists()]), gone
    for item in items:
        if limit := _limit(item.path):
            item.add_marker(pytest.mark.timeout(limit))


def _limit(path: Path) -> int | None:
    """The limit of the innermost folder or file that has one of its own."""
    places = (path, *path.parents)
    named = (LIMITS.get(place.relative_to(TESTS).as_posix()) for place in places if place.is_relative_to(TESTS))
    return next((limit for limit, _ in filter(None, named)), None)


def pytest_asyncio_loop_factories(config: Any, item: Any) -> dict[str, Any]:
    return {"uvloop": shipped_loop}


def shipped_loop() -> asyncio.AbstractEventLoop:
    """The loop of the services. Its timers fire up to a millisecond early, which asyncio's own do not."""
    loop = uvloop.new_event_loop()
    loop.set_exception_handler(_told)
    return loop


def _told(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ends what runs when the time of a test is over: uvloop only reports what the handler of a signal raises."""
    error = context.get("exception")
    if isinstance(error, pytest.fail.Exception):
        for task in asyncio.all_tasks(loop):
            task.cancel(str(error))
    else:
        loop.default_exception_handler(context)


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Outside `logging_to`, structlog would draw each traceback with every frame's variables, for seconds."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
