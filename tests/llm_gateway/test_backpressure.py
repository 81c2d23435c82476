"""A client that reads slowly slows its provider down: nothing piles up in between."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec
import pytest
from fake_providers import Exchange, FakeOpenAI

from tests.llm_gateway.harness import CHAT, QUESTION, Stage, staged

PIECE = 8 * 1024
MANY = 4_000  # 32 MB: far more than all buffers on the way


@dataclass
class Pours:
    """As much as the reader takes; `sent` counts the pieces."""

    sent: int = 0

    async def play(self, exchange: Exchange) -> None:
        await exchange.start(200, {"content-type": "text/event-stream"})
        await self.pour(exchange)

    @staticmethod
    def piece() -> bytes:
        chunk = {"choices": [{"index": 0, "delta": {"content": "a" * PIECE}}]}
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    async def pour(self, exchange: Exchange) -> None:
        data = self.piece()
        for _ in range(MANY):
            await exchange.write(data)
            self.sent += 1
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        await exchange.end(b"data: " + msgspec.json.encode(end) + b"\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize("cache", ["", "Cache-Control: no-store\r\n"])
async def test_a_reader_that_waits_stops_its_provider_and_then_gets_everything(cache: str):
    pours = Pours()
    async with staged(FakeOpenAI(pours), UPSTREAM_MAX_BYTES=str(10**9)) as stage:
        host, port = stage.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=PIECE)
        body = msgspec.json.encode({"model": "gpt-4o", "messages": QUESTION, "stream": True})
        head = f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{cache}"
        writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        try:
            assert b"200" in await reader.readline()
            sent = await _settled(pours, stage)
            assert sent < MANY / 2, "the provider was read although nobody read what it said"
            whole = b""
            while chunk := await reader.read(1 << 20):
                whole += chunk
        finally:
            writer.close()
            await writer.wait_closed()
    assert whole.count(b"a") >= MANY * PIECE
    assert b"[DONE]" in whole


async def _settled(pours: Pours, stage: Stage) -> int:
    """How much was sent once nothing more is: provider and gateway share this loop, which has turned many times."""
    before = -1
    while pours.sent != before:
        before = pours.sent
        for _ in range(5):
            await stage.taken_in()
    return before
