"""Two hundred readers of one shared stream, each of its own manners: all that stay have all of it, every one leaves one
record, and nothing is left behind."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from fake_providers import Exchange, FakeOpenAI
from fake_providers.exchange import CutConnection

from tests.llm_gateway.harness import Stage, staged
from tests.llm_gateway.pipeline.test_over_sockets import (
    SOON,
    Gated,
    all_of,
    calls_under_way,
    on_uvloop,
    open_stream,
    readers,
    recorded,
    until,
)

EACH = 40
MANNERS = ("fast", "slow", "leaving", "idle", "half_closed")
PIECES = 100


class Measured(Gated):
    """A gated stream of a known length, which may break in its middle."""

    def __init__(self, *, breaks: bool = False) -> None:
        super().__init__()
        self.breaks = breaks

    async def pour(self, exchange: Exchange) -> None:
        for number in range(PIECES):
            if self.breaks and number == PIECES // 2:
                raise CutConnection
            await exchange.write(self.piece())
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        await exchange.end(b"data: " + msgspec.json.encode(end) + b"\n\ndata: [DONE]\n\n")


async def behaves(stage: Stage, manner: str, come: asyncio.Semaphore, gate: asyncio.Event) -> bytes:
    """One reader; returns what it read."""
    async with open_stream(stage) as reader:
        come.release()
        await gate.wait()
        match manner:
            case "leaving":
                return await reader.read(1)
            case "slow":
                said = b""
                while chunk := await reader.read(1 << 16):
                    said += chunk
                    await asyncio.sleep(0.001)
                return said
            case "idle":
                await until(lambda: calls_under_way() == [])
                return b""
            case "half_closed":  # which is a client that left: its requests are not told from those of one
                reader._transport.write_eof()  # type: ignore[attr-defined] # pyright: ignore
                return await all_of(reader)
            case _:
                return await all_of(reader)


@pytest.mark.parametrize("breaks", [False, True])
@on_uvloop
async def test_readers_of_every_manner(breaks: bool):
    measured = Measured(breaks=breaks)
    fake = FakeOpenAI(measured)
    more = {"UPSTREAM_MAX_BYTES": str(10**9), "STREAM_BUFFER_BYTES": str(512 * 1024), "CLIENT_SEND_TIMEOUT": "1"}
    async with staged(fake, **more) as stage:
        come, gate = asyncio.Semaphore(0), asyncio.Event()
        asking = {
            manner: [asyncio.create_task(behaves(stage, manner, come, gate)) for _ in range(EACH)] for manner in MANNERS
        }
        for _ in range(EACH * len(MANNERS)):
            await asyncio.wait_for(come.acquire(), SOON)
        assert readers() == EACH * len(MANNERS)
        gate.set()
        measured.gate.set()
        said = {manner: await asyncio.gather(*tasks) for manner, tasks in asking.items()}
        calls = await recorded(stage, EACH * len(MANNERS))
    assert len(fake.calls) == 1 and len(calls) == EACH * len(MANNERS)
    assert [call.billed for call in calls].count(True) == 1
    end = b"upstream_stream_cut" if breaks else b"[DONE]"
    for manner in ("fast", "slow"):
        for one in said[manner]:  # no reader is left with half an answer that looks whole
            assert (end in one) != (b"stream_reader_too_slow" in one), manner
    assert any(end in one for one in said["fast"]), "the fastest reader never loses its place"
