"""Another client, which asks for /healthz all the time: a process of its own, since the test's is busy being hostile.

`python -m tests.service_kit.others PORT` asks every 20 ms until its standard input ends, and prints the seconds that
each answer took, as JSON.
"""

from __future__ import annotations

import json
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

USUAL_SECONDS = 0.1
"""What others may wait, as the median over the time of an attack. A stalled service shows in all answers, a busy
machine only in some."""

LONGEST_SECONDS = 2.0
"""What one answer may take: this machine does other things too, but no stop of the service is that long."""

_EVERY_SECONDS = 0.02


def health_seconds(port: int) -> float:
    """How long one answer of /healthz takes, on a connection of its own."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := one.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return time.monotonic() - began


def answers_at_once(port: int) -> bool:
    """Whether /healthz is answered as usual, in the best of five times."""
    return min(health_seconds(port) for _ in range(5)) < USUAL_SECONDS


@contextmanager
def unnoticed_by_others(port: int) -> Iterator[None]:
    """Asserts that others are answered as usual for the length of the block."""
    command = [sys.executable, "-m", "tests.service_kit.others", str(port)]
    asking = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert asking.stdout is not None
        asking.stdout.readline()  # it has its first answer
        yield
        output, _ = asking.communicate(timeout=30)
    finally:
        asking.kill()
        asking.wait()
    assert asking.returncode == 0, "/healthz was not answered"
    waits: list[float] = json.loads(output)
    assert statistics.median(waits) < USUAL_SECONDS, waits
    assert max(waits) < LONGEST_SECONDS, waits


def main(port: int) -> None:
    waits = [health_seconds(port)]
    print("begun", flush=True)
    while not select.select([sys.stdin], [], [], _EVERY_SECONDS)[0]:
        waits.append(health_seconds(port))
    print(json.dumps(waits))


if __name__ == "__main__":
    main(int(sys.argv[1]))
