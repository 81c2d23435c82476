"""What is measured, as data: how many connections, plain or streamed, in what pace, and by whom."""

from __future__ import annotations

import json
from typing import NamedTuple

from bench import answers
from bench.spec import MARK, Spec
from bench.systems import OURS, System
from bench.vendors import ANTHROPIC_MODEL, BEDROCK_MODEL, GEMINI_MODEL

SHORT_STREAM = 16
LONG_STREAM = 256


class Scenario(NamedTuple):
    """One way of asking. Unless `repeated`, every body differs, so that no cache can answer it."""

    name: str
    connections: int = 1
    stream: bool = False
    chunks: int = 1
    gap_ms: int = 0
    repeated: bool = False
    model: str = answers.MODEL

    def applies_to(self, system: System) -> bool:
        """Cache hits are a figure of ours alone (the peers' caches are other features, off unless configured), and so
        is what our gateway adds in one provider's dialect beyond another's."""
        return (not self.repeated and self.model == answers.MODEL) or system.name == OURS

    def spec(self, system: System, *, window_s: float, warmup_s: float = 0.3) -> Spec:
        return Spec(
            port=system.port,
            path=system.path,
            headers=system.headers,
            body=request_body(self.model, stream=self.stream),
            connections=self.connections,
            warmup_s=warmup_s,
            window_s=window_s,
            varied=not self.repeated,
            stream=self.stream,
            chunks=self.chunks,
            gap_ms=self.gap_ms,
            watch_pid=system.pid,
        )


PLAIN = (Scenario("plain-1"), Scenario("plain-16", connections=16), Scenario("plain-64", connections=64))
FIRST_TOKEN = Scenario("first-token", stream=True, chunks=8, gap_ms=2)
BURST_SHORT = Scenario("burst-short", stream=True, chunks=SHORT_STREAM)
BURST_LONG = Scenario("burst-long", stream=True, chunks=LONG_STREAM)
PACED = Scenario("paced", connections=16, stream=True, chunks=32, gap_ms=10)
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

WARM_UP = (PLAIN[1], Scenario("warm-up", connections=4, stream=True, chunks=32))
FULL = (*PLAIN, *CACHED, FIRST_TOKEN, BURST_SHORT, BURST_LONG, PACED, *IN_DIALECTS)
QUICK = (*PLAIN, *CACHED, FIRST_TOKEN, BURST_SHORT, BURST_LONG, *IN_DIALECTS)


def request_body(model: str = answers.MODEL, *, stream: bool) -> str:
    """The chat request of every scenario: a system prompt, a question of some length, and the marker's place."""
    question = (
        "A train leaves the station at nine in the morning and travels north at eighty kilometres an hour; another "
        "leaves the same station an hour later at a hundred and twenty. Say when and where the second one catches up "
        "with the first, show each step of the calculation, and end with one short sentence. "
    )
    messages = [
        {"role": "system", "content": "You are a careful assistant. Answer in plain text."},
        {"role": "user", "content": question + MARK},
    ]
    body = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 256}
    return json.dumps({**body, "stream": True} if stream else body)
