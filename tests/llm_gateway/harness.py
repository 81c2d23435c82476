"""A gateway between a scripted provider and a client, all of them real, over loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import msgspec
from fake_providers import FakeOpenAI
from llm_gateway.app import Parts, build_parts, create_app
from llm_gateway.settings import GatewaySettings
from llm_gateway.telemetry.record import CallRecord
from service_kit.edge.connections import Connections
from service_kit.edge.limits import ConnectionLimits
from service_kit.edge.protocol import HttpProtocol
from service_kit.edge.websocket_protocol import WebSocketProtocol
from service_kit.service import LARGEST_FRAME_BYTES
from service_kit.settings import load
from service_kit.testing import running

PROTOCOLS = {"http": HttpProtocol, "ws": WebSocketProtocol}
KEY = "sk-test-0123456789abcdef"
CHAT = "/v1/chat/completions"
GENERATE = "/mcp/llm/generate"
PROMPT = "/api/v1/generate"
BATCH = "/api/v1/generate/batch"
QUESTION = [{"role": "user", "content": "Hola"}]


@dataclass
class Stage:
    """The running gateway: `http` is a client of it, `calls` the records that it left (behind the answers)."""

    url: str
    http: httpx.AsyncClient
    parts: Parts
    calls: list[CallRecord] = field(default_factory=list)

    async def chat(self, *, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """`POST /v1/chat/completions`, by default one question to `gpt-4o`."""
        return await self.http.post(CHAT, json={"model": "gpt-4o", "messages": QUESTION, **body}, headers=headers)

    async def taken_in(self) -> None:
        """Returns when the gateway has begun with all that was sent before: its loop works in the order of arrival."""
        for _ in range(5):
            await self.http.get("/healthz")

    async def generate(self, *, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """`POST /mcp/llm/generate`, by default one question to `gpt-4o`."""
        return await self.http.post(GENERATE, json={"model": "gpt-4o", "messages": QUESTION, **body}, headers=headers)

    async def prompt(
        self, path: str = PROMPT, *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """`POST /api/v1/generate`, by default one question to `gpt-4o`."""
        return await self.http.post(path, json={"model": "gpt-4o", "prompt": "Hola", **body}, headers=headers)

    async def batch(self, *items: Any, path: str = BATCH, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """`POST /api/v1/generate/batch` of these items."""
        return await self.http.post(path, json={"requests": items}, headers=headers)

    async def observed(self) -> list[CallRecord]:
        """The calls so far; asking for the metrics hands the observers what is still queued for them."""
        await self.http.get("/metrics")
        return self.calls


@dataclass
class Collected:
    """A sink that keeps every record."""

    records: list[CallRecord]

    def observe(self, record: CallRecord) -> None:
        self.records.append(record)

    def flush(self) -> None:
        pass


@asynccontextmanager
async def gateway(**environ: str) -> AsyncIterator[Stage]:
    """A gateway with these variables and no others; it asks a provider that fails only once, unless told otherwise."""
    environ = {"UPSTREAM_RETRIES": "0", **environ}
    settings = load(GatewaySettings, environ)
    parts = build_parts(settings, environ)
    seen: list[CallRecord] = []
    app = create_app(settings, msgspec.structs.replace(parts, sinks=(*parts.sinks, Collected(seen))))
    connections = Connections(ConnectionLimits(), app.refusals, settings.ui_language)
    protocols = {name: partial(kind, register=connections) for name, kind in PROTOCOLS.items()}
    async with (
        running(app, **protocols, ws_max_size=LARGEST_FRAME_BYTES) as url,
        httpx.AsyncClient(base_url=url, timeout=20, verify=False) as http,
    ):
        yield Stage(url, http, parts, seen)


@asynccontextmanager
async def staged(fake: FakeOpenAI, **environ: str) -> AsyncIterator[Stage]:
    """A gateway whose OpenAI is `fake`, which must have played its whole script by the end."""
    async with (
        running(fake) as upstream,
        gateway(**{"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{upstream}/v1", **environ}) as stage,
    ):
        yield stage
    fake.check()


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The error in the envelope, checked for its shape."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "code", "param", "request_id"}
    assert body["error"]["request_id"] == response.headers["x-request-id"]
    return body["error"]
