"""Prometheus's exposition on a port of its own, without keys: for scrapers inside a private network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address

import uvicorn
from service_kit.edge.hosts import HostRule, without_port
from service_kit.errors import ApiError, error_response
from service_kit.ids import request_id
from service_kit.service import server_config
from service_kit.telemetry.logs import get_logger
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm_gateway.settings import GatewaySettings
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.metrics import Metrics

_log = get_logger(__name__)


@asynccontextmanager
async def metrics_server(
    settings: GatewaySettings, metrics: Metrics, records: RecordDispatcher
) -> AsyncIterator[int | None]:
    """Serves `GET /metrics` on METRICS_PORT for the length of the block; nothing where that is not set. Yields the real
    port.

    Raises:
        OSError: the port is taken.
    """
    if settings.metrics_port is None:
        yield None
        return
    hosts = HostRule(settings.allowed_hosts)

    async def exposition(request: Request) -> Response:
        if not _allowed(hosts, request.headers.get("host")):
            error = ApiError(421, "host_not_allowed", "This host name is not in ALLOWED_HOSTS.")
            return error_response(error, request_id(request.headers.get("x-request-id")))
        records.flush()
        body, content_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    app = Starlette(routes=[Route("/metrics", exposition)])
    listener = _listener(settings.host.strip("[]"), settings.metrics_port)
    port = listener.getsockname()[1]
    server = _Server(server_config(app, settings, port=port, lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]), name="metrics server")
    _log.info("metrics", host=settings.host, port=port)
    try:
        yield port
    finally:
        server.should_exit = True
        await serving
        listener.close()


def _allowed(hosts: HostRule, host: str | None) -> bool:
    """Whether `host` is in ALLOWED_HOSTS, or a bare address: scrapers find pods by their addresses, and a page of
    another site can point a name of its own at us, but not an address."""
    if hosts.allows(host):
        return True
    try:
        ip_address(without_port(host or "").strip("[]"))
    except ValueError:
        return False
    return True


def _listener(host: str, port: int) -> socket.socket:
    """Bound here, so that a port that is taken stops the start, and connections that come early wait."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the service's own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
