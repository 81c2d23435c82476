"""The log of a server's standard error."""

from __future__ import annotations

from typing import Any

from mcp_toolbox.upstream.stderr_log import StderrLog
from structlog.testing import capture_logs


def test_the_log_of_a_server_is_bounded_and_keeps_its_secrets():
    now = [0.0]
    with capture_logs() as logs:
        stderr_log = StderrLog("one", {"s3cr3t-key", "s3cr3t", "abc"}, clock=lambda: now[0])
        stderr_log.say(b"token s3cr3t-key, abc \xff\x1b[0m")
        stderr_log.say(b"   ")
        for _ in range(100):
            stderr_log.say(b"again")
        now[0] = 11.0
        stderr_log.say(b"x" * 5000)
    said: list[Any] = [line["line"] for line in logs if line["event"] == "server says"]
    assert said[0] == "token ***, abc �[0m"
    assert len(said) == 51
    assert len(said[-1]) == 1001
    assert [line["lines"] for line in logs if line["event"] == "server says more than is logged"] == [51]
