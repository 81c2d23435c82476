"""Prometheus's exposition on a port of its own, without keys: for scrapers inside a private network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service_kit.logs import get_logger

from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.metrics import Metrics

_log = get_logger(__name__)


@asynccontextmanager
async def metrics_server(
    host: str, port: int | None, metrics: Metrics, records: RecordDispatcher
) -> AsyncIterator[int | None]:
    """Serve `GET /metrics` for the length of the block; nothing when `port` is None. Yields the real port."""
    if port is None:
        yield None
        return
    # Imported here: it weighs 10 MB, and most gateways are scraped on their own port.
    from aiohttp import web

    async def exposition(request: web.Request) -> web.Response:
        records.flush()
        body, content_type = metrics.exposition(request.headers.get("accept", ""))
        return web.Response(body=body, headers={"content-type": content_type})

    app = web.Application()
    app.router.add_get("/metrics", exposition)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host.strip("[]"), port)
    await site.start()
    real_port = runner.addresses[0][1]
    _log.info("metrics", host=host, port=real_port)
    try:
        yield real_port
    finally:
        await runner.cleanup()
