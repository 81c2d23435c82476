"""What one run of the load generator is told, and what it gives back: the two ends of its pipe."""

from __future__ import annotations

import msgspec

MARK = "@MARK@"
"""Where the marker goes in a request's body."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `body` is the request's JSON with `@MARK@` where the marker goes; `varied` gives each its own nonce.
    `digits` writes the nonce alone there, in decimal digits, for bodies where a number is wanted. In a right answer
    `wanted` stands before the nonce.

    `watch_pid` is the process (with its children) whose processor time is read over the measured window, and whose
    resident memory every `memory_every_s`, if that is not 0. Connections are opened evenly over `ramp_s`, before
    `warmup_s`. `probe` is a path that is asked for meanwhile on a connection of its own, every 5 ms.
    """

    host: str = "127.0.0.1"
    port: int
    path: str
    headers: dict[str, str] = {}
    body: str
    connections: int = 1
    warmup_s: float = 0.3
    window_s: float = 2.0
    varied: bool = True
    digits: bool = False
    wanted: str = ""
    stream: bool = False
    chunks: int = 1
    gap_ms: int = 0
    calls: int = 0
    watch_pid: int | None = None
    keep_bodies: bool = False
    answer_timeout_s: float = 20.0
    ramp_s: float = 0.0
    probe: str = ""
    memory_every_s: float = 0.0


class Result(msgspec.Struct, kw_only=True):
    """What was measured. Latencies in ms; `answered` counts the window only, `errors` and `sent` the whole run.

    Gaps lie between two tokens of a stream as they arrive; two that arrive together have a gap of 0.
    `longest_stop_ms` is the probe's slowest answer. `memory` has seconds since the window's begin and resident MB.
    """

    window_s: float
    answered: int
    sent: int
    errors: dict[str, int]
    p50_ms: float | None = None
    p99_ms: float | None = None
    first_token_p50_ms: float | None = None
    first_token_p99_ms: float | None = None
    tokens: int = 0
    cpu_s: float | None = None
    generator_busy: float = 0.0
    bodies: list[str] = []
    gap_p50_ms: float | None = None
    gap_p99_ms: float | None = None
    longest_stop_ms: float | None = None
    memory: list[tuple[float, float]] = []

    @property
    def per_second(self) -> float:
        return self.answered / self.window_s
