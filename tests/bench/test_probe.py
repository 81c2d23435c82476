"""The prober against a system that stops: it must see the stop, about as long as it was, and no other."""

import asyncio
import contextlib
import time

from bench.load import drive
from bench.probe import Prober
from bench.spec import MARK, Spec
from bench.upstream import Mock, listen, port_of
from tests.peers import listening

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def probed(port: int, until: asyncio.Event) -> Prober:
    prober = Prober("127.0.0.1", port, "/healthz")
    probing = asyncio.create_task(prober.run())
    await asyncio.wait([asyncio.create_task(until.wait()), probing], return_when=asyncio.FIRST_COMPLETED)
    probing.cancel()
    await asyncio.gather(probing, return_exceptions=True)
    return prober


def server_that_stops(after: int, seconds: float, enough: asyncio.Event):
    """Answers at once, but waits before the answer `after`; `enough` is set some answers later."""
    answers = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answers
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                answers += 1
                if answers == after:
                    await asyncio.sleep(seconds)
                if answers == after + 3:
                    enough.set()
                writer.write(OK)

    return serve


async def test_the_slowest_answer_is_the_longest_stop():
    enough = asyncio.Event()
    async with listening(server_that_stops(5, 0.3, enough)) as port:
        prober = await probed(port, enough)
    longest = prober.longest_ms()
    assert longest is not None
    assert 299 <= longest < 3000
    assert not prober.errors


async def test_a_stop_that_has_not_ended_counts_as_long_as_it_was_seen():
    began = time.perf_counter()
    enough = asyncio.Event()
    asyncio.get_running_loop().call_later(0.2, enough.set)
    async with listening(server_that_stops(1, 60, asyncio.Event())) as port:
        prober = await probed(port, enough)
        longest = prober.longest_ms()
    assert longest is not None
    assert 100 < longest <= (time.perf_counter() - began) * 1000


async def test_a_system_that_refuses_or_hangs_up_is_an_error():
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with listening(hang_up) as port:
        lost = await probed(port, asyncio.Event())
    refused = await probed(port, asyncio.Event())
    assert dict(lost.errors) == {"probe lost": 1}
    assert dict(refused.errors) == {"probe refused": 1}
    assert refused.longest_ms() is None


async def test_an_answer_that_is_no_200_is_an_error():
    server = await listen(Mock())
    async with server:
        prober = Prober("127.0.0.1", port_of(server), "/nowhere")
        await asyncio.wait_for(prober.run(), 5)
    assert dict(prober.errors) == {"probe: status 400": 1}


async def test_a_window_is_probed_while_it_is_loaded():
    server = await listen(Mock())
    body = f'{{"messages": [{{"role": "user", "content": "{MARK}"}}]}}'
    async with server:
        spec = Spec(port=port_of(server), path="/v1/chat/completions", body=body, warmup_s=0, window_s=0.2)
        plain, watched = await drive(spec), await drive(_probed(spec))
    assert plain.longest_stop_ms is None
    assert watched.longest_stop_ms is not None
    assert watched.errors == {}
    assert watched.answered > 10


def _probed(spec: Spec) -> Spec:
    return Spec(port=spec.port, path=spec.path, body=spec.body, warmup_s=0, window_s=0.2, probe="/healthz")
