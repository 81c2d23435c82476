"""What a client sees of each failure, met in each way, and how often the deployments were asked: asserted by
`test_failover.py`, shown by `docs/failover.md`."""

from __future__ import annotations

from typing import Literal, NamedTuple

Way = Literal["plain", "plain, fallback", "stream", "stream, fallback", "hold", "continue"]
WAYS: tuple[Way, ...] = ("plain", "plain, fallback", "stream", "stream, fallback", "hold", "continue")
"""How it is asked; the last two are safe streams, with a fallback."""


class Outcome(NamedTuple):
    """What the client sees, and how often the model's own deployment and the fallback's were asked."""

    sees: str
    asked: int
    fallback_asked: int = 0


FALLBACK = "the fallback's answer"
CONTINUED = "a part, continued by the fallback"

CELLS: dict[str, dict[Way, Outcome]] = {
    "cut": {
        "plain": Outcome("502 `upstream_stream_cut`", 2),
        "plain, fallback": Outcome(FALLBACK, 2, 1),
        "stream": Outcome("a part, then `upstream_stream_cut`", 1),
        "stream, fallback": Outcome("a part, then `upstream_stream_cut`", 1),
        "hold": Outcome(FALLBACK, 2, 1),
        "continue": Outcome(CONTINUED, 1, 1),
    },
    "cut before a word": {
        "plain": Outcome("502 `upstream_stream_cut`", 2),
        "plain, fallback": Outcome(FALLBACK, 2, 1),
        "stream": Outcome("502 `upstream_stream_cut`", 2),
        "stream, fallback": Outcome(FALLBACK, 2, 1),
        "hold": Outcome(FALLBACK, 2, 1),
        "continue": Outcome(FALLBACK, 2, 1),
    },
    "ended early": {
        "plain": Outcome("502 `upstream_protocol_error`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("a part, then `upstream_stream_cut`", 1),
        "stream, fallback": Outcome("a part, then `upstream_stream_cut`", 1),
        "hold": Outcome(FALLBACK, 2, 1),
        "continue": Outcome(CONTINUED, 1, 1),
    },
    "silent": {
        "plain": Outcome("504 `upstream_timeout`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("504 `upstream_timeout`", 1),
        "stream, fallback": Outcome(FALLBACK, 1, 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(FALLBACK, 1, 1),
    },
    "stalled": {
        "plain": Outcome("504 `upstream_timeout`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("a part, then `upstream_timeout`", 1),
        "stream, fallback": Outcome("a part, then `upstream_timeout`", 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(CONTINUED, 1, 1),
    },
    "slow": {
        "plain": Outcome("504 `upstream_timeout`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("a part, then `upstream_timeout`", 1),
        "stream, fallback": Outcome("a part, then `upstream_timeout`", 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(CONTINUED, 1, 1),
    },
    "garbage": {
        "plain": Outcome("502 `upstream_protocol_error`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("502 `upstream_protocol_error`", 1),
        "stream, fallback": Outcome(FALLBACK, 1, 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(FALLBACK, 1, 1),
    },
    "garbage later": {
        "plain": Outcome("502 `upstream_protocol_error`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("a part, then `upstream_protocol_error`", 1),
        "stream, fallback": Outcome("a part, then `upstream_protocol_error`", 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(CONTINUED, 1, 1),
    },
    "wrong content": {
        "plain": Outcome("502 `upstream_protocol_error`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("502 `upstream_protocol_error`", 1),
        "stream, fallback": Outcome(FALLBACK, 1, 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(FALLBACK, 1, 1),
    },
    "empty": {
        "plain": Outcome("502 `upstream_protocol_error`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("502 `upstream_protocol_error`", 1),
        "stream, fallback": Outcome(FALLBACK, 1, 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(FALLBACK, 1, 1),
    },
    "429": {
        "plain": Outcome("429 `upstream_rate_limited`", 2),
        "plain, fallback": Outcome(FALLBACK, 2, 1),
        "stream": Outcome("429 `upstream_rate_limited`", 2),
        "stream, fallback": Outcome(FALLBACK, 2, 1),
        "hold": Outcome(FALLBACK, 2, 1),
        "continue": Outcome(FALLBACK, 2, 1),
    },
    "429 for 30 s": {
        "plain": Outcome("429 `upstream_rate_limited`", 1),
        "plain, fallback": Outcome(FALLBACK, 1, 1),
        "stream": Outcome("429 `upstream_rate_limited`", 1),
        "stream, fallback": Outcome(FALLBACK, 1, 1),
        "hold": Outcome(FALLBACK, 1, 1),
        "continue": Outcome(FALLBACK, 1, 1),
    },
    "500": {
        "plain": Outcome("503 `upstream_unavailable`", 2),
        "plain, fallback": Outcome(FALLBACK, 2, 1),
        "stream": Outcome("503 `upstream_unavailable`", 2),
        "stream, fallback": Outcome(FALLBACK, 2, 1),
        "hold": Outcome(FALLBACK, 2, 1),
        "continue": Outcome(FALLBACK, 2, 1),
    },
    "503": {
        "plain": Outcome("503 `upstream_unavailable`", 2),
        "plain, fallback": Outcome(FALLBACK, 2, 1),
        "stream": Outcome("503 `upstream_unavailable`", 2),
        "stream, fallback": Outcome(FALLBACK, 2, 1),
        "hold": Outcome(FALLBACK, 2, 1),
        "continue": Outcome(FALLBACK, 2, 1),
    },
}
