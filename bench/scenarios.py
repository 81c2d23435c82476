"""What is measured, as data: how many connections, plain or streamed, in what pace, and by whom."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.spec import MARK, Result, Spec
from bench.systems import CHAT, MESSAGES, OURS, System
from bench.vendors import ANTHROPIC_MODEL, BEDROCK_MODEL, GEMINI_MODEL

SHORT_STREAM = 16
LONG_STREAM = 256
_HEADERS = {MESSAGES: {"anthropic-version": "2023-06-01", "x-api-key": "bench"}}


class Scenario(NamedTuple):
    """One way of asking. Unless `repeated`, every body differs, so that no cache can answer it.

    `model` is asked for in place of the system's own; `probed` has the loop's stops looked for. A window lasts at least
    `least_s`.
    """

    name: str
    connections: int = 1
    stream: bool = False
    chunks: int = 1
    gap_ms: int = 0
    repeated: bool = False
    path: str = CHAT
    model: str | None = None
    probed: bool = False
    ramp_s: float = 0.0
    least_s: float = 0.0

    def applies_to(self, system: System) -> bool:
        """Cache hits are a figure of ours alone (the peers' caches are other features, off unless configured), and so
        is what our gateway adds in one provider's dialect beyond another's."""
        if self.repeated or self.model is not None:
            return system.name == OURS
        return self.path in system.asks

    def spec(self, system: System, *, window_s: float, warmup_s: float = 0.3) -> Spec:
        model = self.model or system.asks[self.path]
        return Spec(
            port=system.port,
            path=self.path,
            headers={**system.headers, **_HEADERS.get(self.path, {})},
            body=request_body(self.path, model, stream=self.stream),
            connections=self.connections,
            warmup_s=warmup_s,
            window_s=max(window_s, self.least_s),
            varied=not self.repeated,
            stream=self.stream,
            chunks=self.chunks,
            gap_ms=self.gap_ms,
            watch_pid=system.pid,
            ramp_s=self.ramp_s,
            probe=system.probe if self.probed else "",
        )


PLAIN = (Scenario("plain-1"), Scenario("plain-16", connections=16), Scenario("plain-64", connections=64))
FIRST_TOKEN = Scenario("first-token", stream=True, chunks=8, gap_ms=2)
BURST_SHORT = Scenario("burst-short", stream=True, chunks=SHORT_STREAM)
BURST_LONG = Scenario("burst-long", stream=True, chunks=LONG_STREAM)
PACE_MS = 20
PACED_CHUNKS = 64
_PACED_S = PACE_MS * PACED_CHUNKS / 1000


def _paced(streams: int) -> Scenario:
    """As many streams as a model would send: 64 chunks, one every 20 ms, begun at different times."""
    pace = {"chunks": PACED_CHUNKS, "gap_ms": PACE_MS, "ramp_s": _PACED_S, "least_s": 1.5 * _PACED_S}
    return Scenario(f"paced-{streams}", connections=streams, stream=True, **pace)


PACED = _paced(16)
STOPS = Scenario("stops", connections=16, probed=True)
MESSAGE = (
    Scenario("messages-1", path=MESSAGES),
    Scenario("messages-16", connections=16, path=MESSAGES),
)
CACHED = (Scenario("cached-1", repeated=True), Scenario("cached-64", connections=64, repeated=True))
DIALECTS = {"Anthropic": ANTHROPIC_MODEL, "Gemini": GEMINI_MODEL, "Bedrock": BEDROCK_MODEL}
"""The model by which each other provider's dialect is asked for."""

IN_DIALECTS = tuple(
    scenario
    for name, model in DIALECTS.items()
    for scenario in (
        Scenario(f"plain-16-{name}", connections=16, model=model),
        Scenario(f"burst-short-{name}", stream=True, chunks=SHORT_STREAM, model=model),
        Scenario(f"burst-long-{name}", stream=True, chunks=LONG_STREAM, model=model),
    )
)


class Ladder(NamedTuple):
    """Scenarios of growing load. A system climbs for as long as it `holds`, in each of the first `rounds` rounds."""

    rungs: Sequence[Scenario]
    holds: Callable[[Result], bool]
    rounds: int = 1000


BOUNDS_MS = (1, 5, 10, 50)
"""The frontier is the most requests a second of which 99 % are answered within such a bound."""


def _within_the_last_bound(result: Result) -> bool:
    return result.p99_ms is not None and result.p99_ms <= BOUNDS_MS[-1]


def keeps_pace(result: Result) -> bool:
    """Whether 99 % of the gaps between two tokens are at most twice the pace; that none is missing, is a window without
    errors."""
    return result.gap_p99_ms is not None and result.gap_p99_ms <= 2 * PACE_MS


def _rungs(name: str, path: str, many: Sequence[int]) -> tuple[Scenario, ...]:
    return tuple(Scenario(f"{name}-{connections}", connections=connections, path=path) for connections in many)


CHAT_LADDER = Ladder(_rungs("plain", CHAT, (2, 4, 8, 32)), _within_the_last_bound)
MESSAGES_LADDER = Ladder(_rungs("messages", MESSAGES, (4, 8)), _within_the_last_bound)
PACED_LADDER = Ladder(tuple(map(_paced, (32, 64, 128, 256, 512))), keeps_pace, rounds=1)
LADDERS = (CHAT_LADDER, MESSAGES_LADDER, PACED_LADDER)
QUICK_LADDERS = (Ladder(_rungs("plain", CHAT, (4, 8)), _within_the_last_bound),)

WARM_UP = (PLAIN[1], Scenario("warm-up", connections=4, stream=True, chunks=32), MESSAGE[1])
STEADY = (PLAIN[1], MESSAGE[1])
"""The load under which memory is watched: the first that a system takes."""

FULL = (*PLAIN, STOPS, *MESSAGE, *CACHED, FIRST_TOKEN, BURST_SHORT, BURST_LONG, PACED, *IN_DIALECTS)
QUICK = (*PLAIN, STOPS, *CACHED, FIRST_TOKEN, BURST_SHORT, BURST_LONG, *IN_DIALECTS)


def request_body(path: str, model: str, *, stream: bool) -> str:
    """The request of every scenario in the dialect of its surface: a system prompt, a question of some length, and the
    marker's place."""
    system = "You are a careful assistant. Answer in plain text."
    question = (
        "A train leaves the station at nine in the morning and travels north at eighty kilometres an hour; another "
        "leaves the same station an hour later at a hundred and twenty. Say when and where the second one catches up "
        "with the first, show each step of the calculation, and end with one short sentence. "
    )
    messages = [{"role": "user", "content": question + MARK}]
    body = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 256}
    if path == MESSAGES:
        body["system"] = system
    else:
        messages.insert(0, {"role": "system", "content": system})
    return json.dumps({**body, "stream": True} if stream else body)
