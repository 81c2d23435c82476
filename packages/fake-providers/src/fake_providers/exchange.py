"""One call to a fake provider: the request, and how to answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import Scope, Send


class Call:
    """One request. `left` is set if its client leaves before it has the whole answer."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.path: str = scope["path"]
        self.raw_path: str = scope["raw_path"].decode("latin-1")  # as it was on the wire: signatures cover that
        self.query: str = scope["query_string"].decode()
        self.headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self.raw = body
        self.client: tuple[str, int] = tuple(scope["client"])
        self.left = asyncio.Event()
        self.answered = asyncio.Event()

    @property
    def body(self) -> dict[str, Any]:
        return msgspec.json.decode(self.raw)

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))


class Exchange:
    """The answering side of one call."""

    def __init__(self, call: Call, send: Send) -> None:
        self.call = call
        self._send = send

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": data})
        self.call.answered.set()

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self.start(status, {**headers, "content-length": str(len(body))})
        await self.end(body)


class CutConnection(Exception):
    """Raised to make the server drop the connection in the middle of an answer."""
