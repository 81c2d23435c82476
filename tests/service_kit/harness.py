"""A small service of the kit's own making, and ways to talk to it that well-behaved clients lack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

import httpx
from fastapi import Request, WebSocket
from pydantic import BaseModel
from service_kit.errors import ApiError
from service_kit.service import Service, create_service
from service_kit.settings import ServiceSettings, load
from service_kit.telemetry.logs import logging_to
from service_kit.testing import running
from starlette.responses import PlainTextResponse, Response, StreamingResponse

OWN_POLICY = "default-src 'self'"


class Item(BaseModel):
    name: str
    count: int


def small_service(environ: Mapping[str, str], **more: Any) -> Service:
    """A service with one route for each way in which a route can end."""
    app = create_service(name="small", title="Small", settings=load(ServiceSettings, environ), **more)

    @app.get("/who")
    async def who(request: Request) -> dict[str, str]:
        state = request.state
        return {"id": state.request_id, "principal": state.principal.id, "language": state.language}

    @app.post("/items")
    async def items(item: Item) -> Item:
        return item

    @app.put("/anything")
    async def anything(request: Request) -> int:
        return len(await request.body())

    @app.get("/refused")
    async def refused() -> None:
        raise ApiError(429, "too_many", "Not so fast.", retry_after=2.2)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    @app.get("/cut")
    async def cut() -> StreamingResponse:
        return StreamingResponse(_breaks())

    @app.get("/page")
    async def page() -> Response:
        return PlainTextResponse("page", headers={"content-security-policy": OWN_POLICY})

    @app.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept("agent.v1" if "agent.v1" in websocket.scope["subprotocols"] else None)
        state = websocket.state
        await websocket.send_json({"id": state.request_id, "principal": state.principal.id, "language": state.language})
        if await websocket.receive_text() == "break":
            raise RuntimeError("the password is hunter2")
        await websocket.close()

    @app.websocket("/ws/broken")
    async def broken_socket(websocket: WebSocket) -> None:
        raise RuntimeError("the password is hunter2")

    return app


async def _breaks() -> AsyncIterator[bytes]:
    yield b"one piece"
    await asyncio.sleep(0)
    raise RuntimeError("the password is hunter2")


@dataclass
class Stage:
    """A running small service, a client of it, and what it logged."""

    url: str
    http: httpx.AsyncClient
    written: StringIO

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def socket_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    async def lines(self, count: int, message: str = "request") -> list[dict[str, Any]]:
        """The log's lines with this message, once there are `count` of them."""
        deadline = asyncio.get_running_loop().time() + 10
        while True:
            found = [
                line for line in map(json.loads, self.written.getvalue().splitlines()) if line["message"] == message
            ]
            if len(found) >= count or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(0.01)


@asynccontextmanager
async def staged(environ: Mapping[str, str] | None = None, **more: Any) -> AsyncIterator[Stage]:
    """The small service with these variables, its log as JSON in memory."""
    written = StringIO()
    with logging_to("small", "INFO", "json", written):
        async with (
            running(small_service(environ or {}, **more), http="httptools") as url,
            httpx.AsyncClient(base_url=url, timeout=20) as http,
        ):
            yield Stage(url, http, written)


async def raw(port: int, *lines: str, body: bytes = b"") -> bytes:
    """Everything that the server sends back for a request written by hand; the connection is closed after it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """A body whose length nobody declares."""
    for part in parts:
        yield part


def error_of(response: httpx.Response) -> dict[str, Any]:
    """The envelope's error, checked for its shape and its request id."""
    body = response.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"message", "type", "code", "param", "request_id"}
    assert error["request_id"] == response.headers["x-request-id"]
    return error


def codes(responses: Iterable[httpx.Response]) -> list[int]:
    return [response.status_code for response in responses]
