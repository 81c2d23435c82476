"""Very long questions for the planner: they stop nothing else, take bounded memory, and lose nothing of a quote."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from llm_gateway.canonical import Message, Request, Result, Text, Tool, ToolCall
from llm_gateway.providers.embedded import EmbeddedProvider

from tests.llm_gateway import values

MODEL = values.model("offline", "offline")
BYTES = 20_000_000
LONGEST_STOP = 0.25
NUMBERS = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]}
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
TOOLS = (
    Tool(name="add", description="Adds two numbers", parameters=NUMBERS),
    Tool(name="uppercase", description="Return a text in upper case.", parameters=TEXT),
)


def ask(text: str) -> Request:
    return Request(model="offline", messages=(Message(role="user", content=(Text(text=text),)),), tools=TOOLS)


def filled(piece: str) -> str:
    return piece * (BYTES // len(piece.encode()))


class Watch:
    """The longest stop of the loop, in seconds, and the highest growth of resident memory, in bytes."""

    def __init__(self) -> None:
        self.stop = 0.0
        self.growth = 0

    async def tick(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.stop, last = max(self.stop, now - last), now


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@contextmanager
def memory_of(watch: Watch) -> Iterator[None]:
    over, before = threading.Event(), _resident()

    def look() -> None:
        while not over.wait(0.002):
            watch.growth = max(watch.growth, _resident() - before)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def answered(text: str) -> tuple[Result, Watch]:
    provider, watch = EmbeddedProvider(), Watch()
    provider.warm()
    request = ask(text)
    ticking = asyncio.create_task(watch.tick())
    try:
        with memory_of(watch):
            return await provider.complete(request, MODEL), watch
    finally:
        ticking.cancel()


@pytest.mark.parametrize(
    "piece",
    [
        "hola mundo ", "a", ",", "a-", "7", "1,", "1 ", '"a" ', '"', "'a'", "“", " ", "\n", "suma 1 y 2, ", "(", ")",
        "./", "e\u0301", "\u0301", "😀", "\u200b", "\u200f", "م", "٣", "-", "a@", "¿", "\u00a0",
        "resultado de ", "=", "«",
        "mil ",
    ],
)  # fmt: skip
async def test_20_mb_of_one_kind_stop_nothing_and_take_little_memory(piece: str):
    result, watch = await answered("suma 1 y 2 " + filled(piece))
    assert result.content
    assert watch.stop < LONGEST_STOP
    assert watch.growth < 5 * BYTES


@pytest.mark.parametrize(("opening", "closing"), [('"', '"'), ("«", "»"), ("“", "”"), ("'", "'"), ("`", "`")])
async def test_a_quote_that_begins_within_what_is_read_is_passed_on_whole(opening: str, closing: str):
    quoted = filled("it's a text ").strip() if opening != "«" else filled("a text ").strip()
    result, watch = await answered(f"convierte a mayúsculas {opening}{quoted}{closing}")
    (call,) = result.content
    assert isinstance(call, ToolCall) and call.name == "uppercase"
    assert json.loads(call.arguments) == {"text": quoted}
    assert watch.stop < LONGEST_STOP


async def test_what_stands_beyond_the_bound_is_not_done_by_half():
    result, _ = await answered(f'convierte a mayúsculas "{filled("a ")}" y suma 3 y 4')
    assert [part for part in result.content if isinstance(part, ToolCall)] == []
    (said,) = result.content
    assert isinstance(said, Text) and "demasiado larga" in said.text
    result, _ = await answered('convierte a mayúsculas "a b" y suma 3 y 4')
    assert [part.name for part in result.content if isinstance(part, ToolCall)] == ["uppercase", "add"]


async def test_a_long_argument_is_streamed_in_pieces_that_end():
    text = "hola mundo " * 100_000
    provider = EmbeddedProvider()
    events = [event async for batch in provider.stream(ask(f'uppercase "{text}"'), MODEL) for event in batch]
    assert 3 < len(events) < 200
