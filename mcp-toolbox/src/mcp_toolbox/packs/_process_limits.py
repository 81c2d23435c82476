"""Limits of a process that does such work; a module of its own, since the process imports no more than it needs."""

from __future__ import annotations

import resource
from contextlib import suppress


def limit_this_process(memory_bytes: int, cpu_seconds: int) -> None:
    """Limits the memory and the processor time of the process that calls this, where the system can."""
    for limit, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, cpu_seconds)):
        with suppress(ValueError, OSError):  # some systems have no such limit
            resource.setrlimit(limit, (most, most))
