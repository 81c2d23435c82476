"""Prometheus's exposition on a port of its own, without keys: for scrapers inside a private network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address

from service_kit.auth.principal import UNAUTHENTICATED
from service_kit.edge.connections import Connections
from service_kit.edge.hosts import HostRule, without_port
from service_kit.edge.limits import ConnectionLimits
from service_kit.edge.middleware import EdgeMiddleware
from service_kit.edge.origins import OriginRule
from service_kit.edge.policy import Policy
from service_kit.errors import install_error_handlers
from service_kit.side_port import side_port
from service_kit.telemetry.logs import get_logger
from service_kit.telemetry.refusals import Refusals
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llm_gateway.settings import GatewaySettings
from llm_gateway.telemetry.dispatcher import RecordDispatcher
from llm_gateway.telemetry.metrics import Metrics

_log = get_logger(__name__)


_CONNECTIONS = 64
"""Scrapers are few, and the descriptors are needed for calls."""


@asynccontextmanager
async def metrics_server(
    settings: GatewaySettings, metrics: Metrics, records: RecordDispatcher, refusals: Refusals
) -> AsyncIterator[int | None]:
    """Serves `GET /metrics` on METRICS_PORT for the length of the block; nothing where that is not set. Yields the real
    port. Its connections have the limits of the service's own, and count in its `refusals`.

    Raises:
        OSError: the port is taken.
    """
    if settings.metrics_port is None:
        yield None
        return

    async def exposition(request: Request) -> Response:
        records.flush()
        body, content_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    inner = Starlette(routes=[Route("/metrics", exposition)])
    install_error_handlers(inner)
    limits = replace(ConnectionLimits(), max_connections=_CONNECTIONS).within_descriptors()
    connections = Connections(limits, refusals, settings.ui_language)
    app = EdgeMiddleware(inner, _policy(settings), refusals=refusals)
    async with side_port(app, settings, settings.metrics_port, connections, "metrics server") as port:
        _log.info("metrics", host=settings.host, port=port)
        yield port


def _policy(settings: GatewaySettings) -> Policy:
    return Policy(
        hosts=_NamesAndAddresses(settings.allowed_hosts),
        origins=OriginRule(settings.cors_allowed_origins, allow_all=settings.cors_allow_all_origins),
        authenticator=None,
        anonymous=UNAUTHENTICATED,
        max_body_bytes=settings.max_body_bytes,
        default_language=settings.ui_language,
    )


class _NamesAndAddresses(HostRule):
    """Allows ALLOWED_HOSTS, and every bare address: scrapers find pods by their addresses, and a page of another site
    can point a name of its own at this port, but not an address."""

    def allows(self, host: str | None) -> bool:
        if super().allows(host):
            return True
        try:
            ip_address(without_port(host or "").strip("[]"))
        except ValueError:
            return False
        return True
