"""The load generator: keeps a number of connections busy for a while, and times every answer.

`python -m bench.load` reads a `Spec` as JSON from standard input, drives it, and prints a `Result`. It is a process
of its own, on bare asyncio transports, so that its own work is neither a bottleneck nor counted as the system's.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time

import msgspec
import uvloop

from bench import proc
from bench.client import Client, Run
from bench.probe import Prober
from bench.spec import Result, Spec
from bench.stats import percentile


async def _keep_busy(run: Run) -> None:
    """One connection after the other until the run stops: a closed one is replaced, a refused one is retried."""
    loop = asyncio.get_running_loop()
    while not run.stopping:
        finished: asyncio.Future[None] = loop.create_future()
        try:
            _, client = await loop.create_connection(lambda: Client(run, finished), run.spec.host, run.spec.port)  # noqa: B023
        except OSError:
            run.errors["connection refused"] += 1
            await asyncio.sleep(0.05)
            continue
        try:
            await asyncio.shield(finished)
        except asyncio.CancelledError:
            client.abandon()
            raise


async def _open(run: Run) -> list[asyncio.Task[None]]:
    """All connections, opened evenly over the ramp: real streams do not beat in time with one another."""
    connections = []
    for _ in range(run.spec.connections):
        connections.append(asyncio.create_task(_keep_busy(run)))
        if run.spec.ramp_s:
            await asyncio.sleep(run.spec.ramp_s / run.spec.connections)
    return connections


async def _sample_memory(pids: list[int], every_s: float, samples: list[tuple[float, float]]) -> None:
    began = time.perf_counter()
    while True:
        samples.append((time.perf_counter() - began, proc.resident_mb(pids)))
        await asyncio.sleep(every_s)


async def drive(spec: Spec) -> Result:
    """Warm up, measure for the window, then let what is in flight finish."""
    run = Run(spec)
    connections = await _open(run)
    await asyncio.sleep(spec.warmup_s)
    watched = proc.tree(spec.watch_pid) if spec.watch_pid is not None else []
    prober, memory = Prober(spec.host, spec.port, spec.probe), []
    beside = [asyncio.create_task(prober.run())] if spec.probe else []
    if spec.memory_every_s:
        beside.append(asyncio.create_task(_sample_memory(watched, spec.memory_every_s, memory)))
    cpu, own, began = proc.cpu_seconds(watched), time.process_time(), time.perf_counter()
    run.measuring = True
    await asyncio.sleep(spec.window_s)
    run.measuring, run.stopping = False, True
    window, own = time.perf_counter() - began, time.process_time() - own
    cpu = proc.cpu_seconds(watched) - cpu
    longest_stop = prober.longest_ms()
    for task in beside:
        task.cancel()
    run.errors.update(prober.errors)
    _, late = await asyncio.wait(connections, timeout=spec.answer_timeout_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, *beside, return_exceptions=True)
    result = _result(run, window, own / window, cpu if watched else None)
    result.longest_stop_ms, result.memory = longest_stop, memory
    return result


def _result(run: Run, window: float, busy: float, cpu: float | None) -> Result:
    def at(values: list[float], share: float) -> float | None:
        return percentile(values, share) if values else None

    return Result(
        window_s=window,
        answered=len(run.latencies),
        sent=run.sent,
        errors=dict(run.errors),
        p50_ms=at(run.latencies, 0.50),
        p99_ms=at(run.latencies, 0.99),
        first_token_p50_ms=at(run.first_tokens, 0.50),
        first_token_p99_ms=at(run.first_tokens, 0.99),
        tokens=run.tokens,
        cpu_s=cpu,
        generator_busy=busy,
        bodies=run.bodies,
        gap_p50_ms=at(run.gaps, 0.50),
        gap_p99_ms=at(run.gaps, 0.99),
    )


def main() -> None:
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=Spec)
    gc.disable()  # a collection here would be timed as if the system under test had stopped
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(drive(spec))))


if __name__ == "__main__":
    main()
