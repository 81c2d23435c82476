"""What the tests need to know of a provider's API: our dialect of it, a fake of it, and how that answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fake_providers import Behavior, Embeds, FakeProvider
from llm_gateway.canonical import Request, Result, Text
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.protocols import ClientDialect


@dataclass(frozen=True)
class Framing:
    """How a stream is cut into events: `ends` are the positions after each one, `garbage` is what no event can be,
    and `noise` what the format allows between events and means nothing. `checked` says that it has checksums."""

    ends: Callable[[bytes], list[int]]
    garbage: tuple[bytes, ...]
    noise: tuple[bytes, ...] = ()
    checked: bool = False


@dataclass(frozen=True)
class Vendor:
    """One provider's API.

    `says` is how its fake gives an answer, in the pieces of its texts; `fails` how it fails, with a status and a
    `Retry-After`. `carried` is what its API can hold of an answer, `takes` what of a request it can be asked: the
    rest is a known refusal (`InvalidRequest`). `forces` is how an answer comes that a forced tool stands for, and
    `gives_ids` says whether tool calls have ids of the provider's own, `embeds` is how it gives vectors.
    """

    name: str
    client: ClientDialect[Any]
    model: Model
    fake: type[FakeProvider]
    says: Callable[[Result], Behavior]
    fails: Callable[[int, str | None], Behavior]
    framing: Framing
    carried: Callable[[Result], Result] = field(default=lambda result: result)
    takes: Callable[[Request], Request] = field(default=lambda request: request)
    forces: Callable[[str], Behavior] | None = None
    gives_ids: bool = True
    embeds: Callable[[], Behavior] = Embeds

    def __repr__(self) -> str:
        return self.name


def pieces(text: str) -> list[str]:
    """`text` as a model would stream it, in three pieces at most."""
    size = max(1, -(-len(text) // 3))
    return [text[start : start + size] for start in range(0, len(text), size)]


def text_of(result: Result) -> str:
    return "".join(part.text for part in result.content if isinstance(part, Text))


def _sse_ends(body: bytes) -> list[int]:
    return [0, *(found.end() for found in re.finditer(rb"\r?\n\r?\n", body))]


SSE = Framing(
    ends=_sse_ends,
    garbage=(
        b"data: {oops\n\n", b"data: \xff\xfe\n\n", b"data: []\n\n", b"data: 7\n\n", b"data: \"text\"\n\n",
        b"data: null\n\n", b"data: " + b"[" * 5000 + b"\n\n",
    ),
    noise=(b": keep-alive\n\n", b"\n\n", b"retry: 3000\n\n", b"id: 7\n\n", b"<html></html>\n\n"),
)  # fmt: skip
