"""The ways in which a provider fails a request: what it does, plain and streamed, as bytes on its socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from fake_providers import Behavior, Fails, Says, Sends, Silent

PART = "Hola, esto"
"""What a failing provider has said before it fails in the middle."""

STAND_IN = "Respondo yo."
"""What the fallback answers."""

FIRST_TOKEN, IDLE, TOTAL = 0.6, 0.6, 1.8
"""The limits of every model here, in seconds."""

RETRIES = 1
"""How often the failing model is asked again, where that is safe; its fallback never is."""

PACE = 0.3
"""Between two pieces of an answer that is slow: within `IDLE`, and without an end."""


class Kind(NamedTuple):
    """One way to fail. `waits` is how long an attempt lasts at most, in seconds: 0 where the provider ends it, else the
    limit that does. A deployment that lets a limit pass is not asked again."""

    name: str
    does: str
    plain: Behavior
    streamed: Behavior
    waits: float = 0.0

    def behavior(self, *, stream: bool) -> Behavior:
        return self.streamed if stream else self.plain


def _chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "x", "choices": [choice]}
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


_BEGUN = _chunk({"role": "assistant", "content": PART})
_WHOLE = b'{"id": "x", "object": "chat.completion", "created": 1, "model": "x", "choices": [{"index": 0, "message": '
_HALF = _WHOLE + b'{"role": "assistant", "content": "' + PART.encode()
_PAGE = b"<!doctype html><title>502</title><p>Bad gateway"
_JSON, _EVENTS = "application/json", "text/event-stream"


def _slowly(begun: Sequence[bytes], piece: bytes) -> list[bytes | float]:
    return [*begun, *[PACE, piece] * 100]


KINDS = (
    Kind("cut", "hangs up in the middle of the answer", Sends([_HALF], _JSON, then="cut"), Sends([_BEGUN], then="cut")),
    Kind(
        "cut before a word",
        "hangs up after the head of the answer",
        Sends([], _JSON, then="cut"),
        Sends([], _EVENTS, then="cut"),
    ),
    Kind("ended early", "ends in the middle, as if that were all", Sends([_HALF], _JSON), Sends([_BEGUN])),
    Kind("silent", "takes the request and says nothing", Silent(), Silent(), FIRST_TOKEN),
    Kind(
        "stalled",
        "falls silent in the middle of the answer",
        Sends([_HALF], _JSON, then="silence"),
        Sends([_BEGUN], then="silence"),
        IDLE,
    ),
    Kind(
        "slow",
        "keeps sending, and does not come to an end",
        Sends(_slowly([_HALF], b" esto"), _JSON),
        Sends(_slowly([_BEGUN], _chunk({"content": " esto"}))),
        TOTAL,
    ),
    Kind("garbage", "sends garbage", Sends([b"\x00\xff{{{"], _JSON), Sends([b"\x00\xff{{{\n\n"])),
    Kind(
        "garbage later",
        "begins well and goes on with garbage",
        Sends([_HALF + b"\x00}}}"], _JSON),
        Sends([_BEGUN, PACE, b"data: {{{\n\n"]),
    ),
    Kind("wrong content", "sends a web page with status 200", Sends([_PAGE], "text/html"), Sends([_PAGE], "text/html")),
    Kind(
        "empty",
        "sends an answer with nothing in it",
        Sends([b'{"id": "x", "object": "chat.completion", "choices": []}'], _JSON),
        Sends([b"data: [DONE]\n\n"]),
    ),
    Kind("429", "refuses: too many requests", Fails(429), Fails(429)),
    Kind(
        "429 for 30 s",
        "refuses for longer than is waited",
        Fails(429, retry_after="30"),
        Fails(429, retry_after="30"),
    ),
    Kind("500", "fails", Fails(500), Fails(500)),
    Kind("503", "is overloaded", Fails(503), Fails(503)),
)

ANSWERS = Says(STAND_IN)
"""What the fallback does."""
