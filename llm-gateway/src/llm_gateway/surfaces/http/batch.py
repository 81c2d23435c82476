"""Batches of the prompt API: `/api/v1/generate/batch`, and the same as one stream.

Each item is a call of its own for the pipeline: admitted, cached, billed and recorded like a single one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from llm_gateway.canonical.answer import Answer
from llm_gateway.dialects.common.render_error import render_error
from llm_gateway.dialects.prompt.parse import parse_batch, parse_prompt
from llm_gateway.dialects.prompt.render import duration, encode, failure_of, rate, result_of
from llm_gateway.dialects.prompt.render_stream import ChunkEncoder, sse
from llm_gateway.pipeline.caller import Caller
from llm_gateway.pipeline.pipeline import Pipeline
from llm_gateway.surfaces.chunks import Emit, emit_stream, shown
from llm_gateway.surfaces.http.exchange import Exchange
from llm_gateway.surfaces.http.keep_alive import KeepAlive
from llm_gateway.surfaces.http.raw_endpoint import RawEndpoint, in_session
from llm_gateway.surfaces.send_limits import SendLimits

Item = msgspec.Raw
Work = Callable[[int, Item, Caller], Awaitable[None]]


class BatchErrors:
    """What refuses a batch as a whole: the suite's envelope."""

    render_error = staticmethod(render_error)


class _Tally:
    """What the items of one batch have used so far."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.tokens = 0

    def add(self, answer: Answer) -> None:
        self.tokens += answer.usage.total_tokens

    def totals(self, count: int) -> dict[str, Any]:
        seconds = time.perf_counter() - self._started
        return {
            "count": count,
            "totalTokens": self.tokens,
            "processingTime": duration(seconds * 1000),
            "rate": rate(count, seconds),
        }


class BatchSurface(RawEndpoint[list[Item]]):
    """`POST` of up to 1,000 prompts, at most `parallel` of them under way at a time. An item that fails is an item with
    an error, in its place; the rest succeed."""

    def __init__(self, pipeline: Pipeline, limits: SendLimits, parallel: int) -> None:
        super().__init__("prompt.batch", BatchErrors(), pipeline, limits)
        self._parallel = parallel

    def read(self, body: bytes) -> list[Item]:
        return parse_batch(body)

    async def answer(self, request: list[Item], caller: Caller, exchange: Exchange) -> None:
        tally = _Tally()
        responses: list[dict[str, Any]] = [{}] * len(request)

        async def work(index: int, item: Item, caller: Caller) -> None:
            responses[index] = {**await self._item(item, caller, tally), "index": index}

        await _in_parallel(request, in_session(caller), self._parallel, work)
        body = {"responses": responses, **tally.totals(len(request)), "parallelProcessing": self._parallel > 1}
        await exchange.respond_plain(encode(body))

    async def _item(self, item: Item, caller: Caller, tally: _Tally) -> dict[str, Any]:
        try:
            asked = self._read(item, caller, stream=False)
            async with self._pipeline.generate(asked, caller) as call:
                answer = await call.whole()
        except Exception as error:  # noqa: BLE001 - whatever spoils one item leaves the others
            return failure_of(shown(error), caller.request_id)
        tally.add(answer)
        return result_of(answer)

    def _read(self, item: Item, caller: Caller, *, stream: bool) -> Any:
        try:
            return parse_prompt(item, stream=stream)
        except BaseException as error:
            self._pipeline.unread(error, caller)
            raise


class BatchStreamSurface(BatchSurface):
    """The same as one stream of all items' chunks as they come, each with its item's `index`."""

    def __init__(self, pipeline: Pipeline, limits: SendLimits, parallel: int, keep_alive: float) -> None:
        super().__init__(pipeline, limits, parallel)
        self._keep_alive = keep_alive

    async def answer(self, request: list[Item], caller: Caller, exchange: Exchange) -> None:
        tally, sending = _Tally(), asyncio.Lock()

        async def beat() -> None:
            async with sending:
                await exchange.beat()

        alive = KeepAlive(beat, self._keep_alive)

        async def emit(chunk: dict[str, Any]) -> None:
            alive.touch()
            async with sending:  # one item waits for another's chunk, and its provider waits for it
                await exchange.event(sse(chunk))

        async def work(index: int, item: Item, caller: Caller) -> None:
            await self._stream_item(index, item, caller, emit, tally)

        try:
            await exchange.begin()
            await _in_parallel(request, in_session(caller), self._parallel, work)
        finally:
            alive.stop()
        await exchange.end(sse({"done": True, **tally.totals(len(request))}))

    async def _stream_item(self, index: int, item: Item, caller: Caller, emit: Emit, tally: _Tally) -> None:
        chunks = ChunkEncoder(caller.request_id, index)
        try:
            asked = self._read(item, caller, stream=True)
            async with self._pipeline.generate(asked, caller) as call:
                tally.add(await emit_stream(call, chunks, emit))
        except Exception as error:  # noqa: BLE001 - whatever spoils one item leaves the others
            await emit(chunks.fail(shown(error)))


async def _in_parallel(items: list[Item], caller: Caller, most: int, work: Work) -> None:
    """Does `work` for each item, for at most `most` at a time, in their order. The caller of an item is the batch's,
    with an id of its own."""
    numbered: Iterator[tuple[int, Item]] = enumerate(items)

    async def worker() -> None:
        for index, item in numbered:
            await work(index, item, msgspec.structs.replace(caller, request_id=f"{caller.request_id}-{index}"))

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(most, len(items))):
            workers.create_task(worker())
