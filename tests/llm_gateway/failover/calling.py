"""A gateway process between a client and a provider that fails, and what both of them see of one call."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import yaml
from fake_providers import Behavior, Call, FakeOpenAI
from service_kit.testing import running

from tests.llm_gateway.event_stream import events
from tests.llm_gateway.failover.cells import WAYS, Outcome, Way
from tests.llm_gateway.failover.kinds import ANSWERS, FIRST_TOKEN, IDLE, KINDS, PART, RETRIES, STAND_IN, TOTAL, Kind
from tests.ports import free_port

_AT_ONCE = 12
_CLIENT_PATIENCE = 15.0


class Ended(NamedTuple):
    """One call that is over; `seconds` is how long its client waited for all of it."""

    outcome: Outcome
    seconds: float


class Case(NamedTuple):
    """One kind of failure, met in one way."""

    kind: Kind
    way: Way

    @property
    def stream(self) -> bool:
        return not self.way.startswith("plain")

    @property
    def model(self) -> str:
        """Each case has deployments of its own, so that none sees another's circuit."""
        return f"{self.kind.name}-{self.way}".replace(" ", "-").replace(",", "")

    @property
    def fallback(self) -> str | None:
        return None if self.way in ("plain", "stream") else f"{self.model}-next"

    def rows(self) -> list[dict[str, Any]]:
        """Its models in the operator's catalog."""
        limits = {"connect": 2, "first_token": FIRST_TOKEN, "idle": IDLE, "total": TOTAL}
        row = {"name": self.model, "provider": "openai", "id": self.model, "retries": RETRIES, "timeouts": limits}
        if self.fallback is None:
            return [row]
        safe = {"safe_stream": self.way} if self.way in ("hold", "continue") else {}
        stand_in = {"name": self.fallback, "id": self.fallback, "supports": ["stream", "prefill"]}
        return [{**row, **safe, "fallbacks": [self.fallback]}, {**row, **stand_in}]


CASES = [Case(kind, way) for kind in KINDS for way in WAYS]


class _Providers(FakeOpenAI):
    """Behaves by the model that it is asked for, however often it is asked."""

    def __init__(self, cases: Sequence[Case]) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        self._failing = {case.model: case.kind.behavior(stream=case.stream) for case in cases}

    def behavior(self, call: Call) -> Behavior:
        model = call.body["model"]
        self.asked[model] += 1
        return self._failing.get(model, ANSWERS)


async def all_ended(cases: Sequence[Case], folder: Path) -> dict[str, Ended]:
    """Make every call, some at a time, of one gateway that runs as a process, on the loop that ships; by model."""
    providers, free = _Providers(cases), asyncio.Semaphore(_AT_ONCE)
    catalog = folder / "catalog.yaml"
    catalog.write_text(yaml.safe_dump({"models": [row for case in cases for row in case.rows()]}))
    async with (
        running(providers) as upstream,
        _gateway(f"{upstream}/v1", catalog, folder) as url,
        httpx.AsyncClient(base_url=url, timeout=_CLIENT_PATIENCE) as client,
    ):

        async def ended(case: Case) -> Ended:
            async with free:
                began = time.monotonic()
                sees = await _sees(client, case)
                seconds = time.monotonic() - began
            asked = providers.asked
            return Ended(Outcome(sees, asked[case.model], asked[case.fallback] if case.fallback else 0), seconds)

        calls = await asyncio.gather(*map(ended, cases))
        return {case.model: call for case, call in zip(cases, calls, strict=True)}


@asynccontextmanager
async def _gateway(upstream: str, catalog: Path, folder: Path) -> AsyncIterator[str]:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "HOST": "127.0.0.1", "PORT": str(port),
        "OPENAI_API_KEY": "sk-failover", "OPENAI_BASE_URL": upstream, "CATALOG_FILE": str(catalog),
        "CACHE_ENABLED": "false",
    }  # fmt: skip
    log = folder / "gateway.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "llm_gateway", env=environ, cwd=folder, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await asyncio.wait_for(_ready(url, process, log), 60)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        while process.returncode is None:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise AssertionError(log.read_text())


async def _sees(client: httpx.AsyncClient, case: Case) -> str:
    body = {"model": case.model, "messages": [{"role": "user", "content": "Hola"}], "stream": case.stream}
    try:
        answer = await client.post("/v1/chat/completions", json=body)
    except httpx.TimeoutException:
        return "nothing, for ever"
    except httpx.TransportError:
        return "a connection that breaks"
    if answer.status_code != 200:
        return f"{answer.status_code} `{answer.json()['error']['code']}`"
    return _streamed(answer.content) if case.stream else _named(answer.json()["choices"][0]["message"]["content"])


def _streamed(body: bytes) -> str:
    """What came, and how it ended: only `[DONE]` says that it is whole."""
    said = events(body)
    chunks = [event for event in said if isinstance(event, dict) and event.get("choices")]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    if said and said[-1] == "[DONE]":
        return _named(text)
    last = said[-1] if said else None
    if isinstance(last, dict) and "error" in last:
        return f"{'a part' if text else 'nothing'}, then `{last['error']['code']}`"
    return f"an end without a word after {json.dumps(text)}"


def _named(text: str | None) -> str:
    """Who gave a text that was handed on as a whole answer."""
    if text == STAND_IN:
        return "the fallback's answer"
    if text and text.startswith(PART) and text.endswith(STAND_IN):
        return "a part, continued by the fallback"
    return f"as if it were whole: {msgspec.json.encode(text).decode()}"
