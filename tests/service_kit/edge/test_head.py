from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from service_kit.service import server_config
from service_kit.settings import ServiceSettings, load
from service_kit.testing import running
from starlette.responses import StreamingResponse

from tests.service_kit.harness import small_service


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/who", 200), ("/health-of-nothing", 404), ("/healthz", 200), ("/readyz", 200), ("/openapi.json", 200),
        ("/docs", 200), ("/docs/static/swagger-ui.css", 200), ("/refused", 429), ("/items", 405), ("/broken", 500),
    ],
)  # fmt: skip
async def test_head_answers_what_get_does_without_the_body(path: str, status: int):
    app = small_service({})
    async with running(app) as url, httpx.AsyncClient(base_url=url) as http:
        got, headed = await http.get(path), await http.head(path)
        assert (headed.status_code, headed.content) == (got.status_code, b"") == (status, b"")
        assert headed.headers["content-type"] == got.headers["content-type"]
        assert headed.headers.get("content-length") == got.headers.get("content-length")
        assert (await http.get("/healthz")).json() == {"status": "alive"}  # the connection is still good


async def test_the_stream_behind_a_head_ends():
    ended = asyncio.Event()
    app = small_service({})

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.Event().wait()
                yield b""
        finally:
            ended.set()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(endless(), media_type="text/event-stream")

    config = server_config(app, load(ServiceSettings, {}))
    async with running(app, http=config.http) as url, httpx.AsyncClient(base_url=url) as http:
        headed = await http.head("/stream")
        assert (headed.status_code, headed.content) == (200, b"")
        assert headed.headers["content-type"].startswith("text/event-stream")
        await asyncio.wait_for(ended.wait(), 5)
        assert (await http.get("/healthz")).status_code == 200


async def test_head_needs_the_key_that_get_needs():
    app = small_service({"AUTH_MODE": "keys", "API_KEYS": "some-key"})
    async with running(app) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.head("/who")).status_code == 401
        assert (await http.head("/who", headers={"x-api-key": "some-key"})).status_code == 200
