"""Plays the cells of one file through a running gateway, and writes down what went by on both sides, as text.

    ##### tools                          the cell
    --- upstream                         what the provider was sent; the same lines as of an earlier cell are not
    POST /v1/messages HTTP/1.1           repeated: `= upstream head of answer`
    --- client                           what the client was answered
    --- log                              its line in the log
    ##### metrics                        what the counters say after all cells

A body is indented by one space, its control characters written as Python writes them. What differs from run to run
has a word in capitals in its place; ids are numbered, so that it shows where two are the same.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

from llm_gateway.app import from_environment
from service_kit.telemetry.logs import logging_to
from service_kit.testing import running

from tests.llm_gateway.recordings.cells import Cell, Recorded
from tests.llm_gateway.recordings.wire import Message, Upstream, ask

_TIMES = ("latency_ms", "processingTime", "created", "created_at", "completed_at", "timestamp")
_VOLATILE = (
    (re.compile(rf'("(?:{"|".join(_TIMES)})": ?)("[^"]*"|[\d.]+)'), r"\1TIME"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\bdur=[\d.]+"), "dur=TIME"),
    (re.compile(r"^(x-overhead-ms: )[\d.]+$", re.MULTILINE), r"\1TIME"),
    (re.compile(r"^(x-cache-key: )[0-9a-f]{32}$", re.MULTILINE), r"\1KEY"),  # the address of the provider is part of it
    (re.compile(r"not asked: [\d.]+ s left"), "not asked: TIME left"),
    (re.compile(r"(00-[0-9a-f]{32}-)[0-9a-f]{16}(-01)"), r"\1SPAN\2"),
)
_IDS = re.compile(r"\b((?:[a-z]+[_-])+)([0-9a-f]{16,})\b")
_TRACE = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
_COUNTED = re.compile(r"^mcp_\w+_(?:total|count)(?:\{.*\})? .*$", re.MULTILINE)


_EVERY_ANSWERS = """x-request-id: REQUEST_ID
x-content-type-options: nosniff
x-frame-options: DENY
referrer-policy: no-referrer
cross-origin-resource-policy: same-site
content-security-policy: default-src 'none'; frame-ancestors 'none'
connection: close"""


async def record(one: Recorded) -> str:
    """The text of one file."""
    upstream, log, notes = Upstream(), io.StringIO(), Notes()
    async with upstream.running() as url:
        environ = {"UPSTREAM_RETRIES": "0", "OFFLINE_FALLBACK": "never"}
        environ |= {name: value.format(url=url) for name, value in one.provider.environ.items()}
        with logging_to("llm-gateway", "INFO", "json", log):
            app, _ = from_environment(environ)
            async with running(app, server_header=False, date_header=False) as gateway:
                for cell in one.cells():
                    await _play(cell, gateway, upstream, notes)
                metrics = await ask(gateway, "GET", "/metrics?format=prometheus", {})
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    logged = {line["requestId"]: line for line in lines if line.get("surface")}
    return notes.text(logged, metrics.body.decode())


async def _play(cell: Cell, gateway: str, upstream: Upstream, notes: Notes) -> None:
    upstream.answer = cell.answer
    before = len(upstream.received)
    headers = {"content-type": "application/json", "x-request-id": request_id(cell.name), "traceparent": _TRACE}
    answer = await ask(gateway, "POST", cell.path, headers, cell.body)
    notes.add(cell, upstream.received[before:], answer)


def request_id(cell: str) -> str:
    """The id that a cell's request bears, by which its line in the log is found."""
    return "rec-" + re.sub(r"\W+", "-", cell)


class Notes:
    """The sections so far; `_first` has the cell in which a text was seen first."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._sections: list[tuple[Cell, str]] = []

    def add(self, cell: Cell, received: list[Message], answer: Message) -> None:
        parts = ["--- upstream: not asked"] if not received else []
        for request in received:
            parts += ["--- upstream", *self._message(cell, "upstream", request)]
        parts += ["--- client", *self._message(cell, "client", answer)]
        self._sections.append((cell, _steady("\n".join(parts), cell)))

    def _message(self, cell: Cell, side: str, message: Message) -> Iterator[str]:
        head = _steady("\n".join([message.first_line, *(_header(*each, message) for each in message.headers)]), cell)
        yield self._once(cell, f"{side} head", head.replace(_EVERY_ANSWERS, "(every answer's headers)"))
        yield self._once(cell, f"{side} body", _body(message))

    def _once(self, cell: Cell, what: str, text: str) -> str:
        text = _steady(text, cell)
        first = self._first.setdefault(f"{what} {text}", cell.name)
        return text if first == cell.name or len(text) < 80 else f"= {what} of {first}"

    def text(self, logged: dict[str, dict[str, object]], metrics: str) -> str:
        """Everything, with each call's line of the log, and the counters at the end."""
        parts: list[str] = []
        for cell, section in self._sections:
            line = logged.get(request_id(cell.name))
            shown = "not logged" if line is None else json.dumps(line, ensure_ascii=False)
            parts.append(f"##### {cell.name}\n{section}\n--- log\n{self._once(cell, 'log', shown)}\n")
        counted = "\n".join(_COUNTED.findall(metrics))
        return "\n".join([*parts, f"##### metrics\n{counted}\n"])


def _header(name: str, value: str, message: Message) -> str:
    if name.lower() == "content-length" and value == str(len(message.body)):
        return f"{name}: LENGTH"
    return f"{name}: {value}"


def _body(message: Message) -> str:
    lines = message.body.decode().split("\n")
    shown = [" " + "".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in lines]
    return "\n".join([*shown, *(() if message.whole else ["(cut)"])])


def _steady(text: str, cell: Cell) -> str:
    """`text` without what differs from run to run, or from this cell to another because of their names."""
    text = text.replace(request_id(cell.name), "REQUEST_ID").replace(f"({cell.name})", "(CELL)")
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    numbers: dict[str, int] = {}
    return _IDS.sub(lambda found: f"{found[1]}ID{numbers.setdefault(found[2], len(numbers) + 1)}", text)
