"""The probes."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
from service_kit.testing import running

from tests.service_kit.harness import error_of, small_service


async def test_alive_and_ready():
    async with running(small_service({})) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/healthz")).json() == {"status": "alive"}
        assert (await http.get("/readyz")).json() == {"status": "ready"}


async def test_a_service_that_drains_is_alive_and_not_ready():
    app = small_service({})
    async with running(app) as url, httpx.AsyncClient(base_url=url) as http:
        app.state.lifecycle.drain()
        answer = await http.get("/readyz")
        assert (answer.status_code, error_of(answer)["code"]) == (503, "not_ready")
        assert answer.headers["retry-after"]
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/who")).status_code == 200


async def test_ready_only_while_its_parts_are_open():
    seen = []

    @asynccontextmanager
    async def parts(app):
        seen.append(app.state.lifecycle.ready)
        yield
        seen.append(app.state.lifecycle.ready)

    async with running(small_service({}, lifespan=parts)):
        pass
    assert seen == [False, False]
