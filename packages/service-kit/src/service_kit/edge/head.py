"""HEAD wherever GET is answered (RFC 9110 §9.3.2), which FastAPI leaves out."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """ASGI middleware that answers HEAD with the status and the headers that GET would have.

    An answer without a length is a stream, which may never end: its request is cancelled once it has begun.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        with anyio.CancelScope() as request:

            async def head_alone(message: Message) -> None:
                if message["type"] != "http.response.start":
                    return
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                if all(name.lower() != b"content-length" for name, _ in message.get("headers", ())):
                    request.cancel()

            await self._app({**scope, "method": "GET"}, receive, head_alone)
        return None
