"""Ports for servers that are processes of their own, and are told theirs before they start."""

from __future__ import annotations

import os
import random
import socket

_FIRST, _LAST = 10_240, 32_767
"""Below the range from which the kernel gives ports to all others (32,768 to 60,999 on Linux). A port of that range
that was free a moment ago may be another test's server by the time at which the process binds it: its client then
talks to that server."""

_given: set[int] = set()
_random = random.Random(os.getpid())  # not the tests' own, which may be seeded


def free_port() -> int:
    """Returns a port of loopback that no server has, and that no other test of this run is given."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = _random.randrange(_FIRST + mine, _LAST, workers)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def free_ports(count: int) -> list[int]:
    """Returns so many different ports."""
    return [free_port() for _ in range(count)]
