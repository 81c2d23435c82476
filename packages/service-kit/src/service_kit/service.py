"""The composition of a service, and the server that runs it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service_kit.auth.authentication import authentication_of
from service_kit.background import BackgroundLoops
from service_kit.docs_page import STATIC_PATH, add_docs_page
from service_kit.edge.connections import Connections
from service_kit.edge.head import HeadAsGet
from service_kit.edge.limits import ConnectionLimits
from service_kit.edge.middleware import EdgeMiddleware
from service_kit.edge.policy import ErrorBody, Policy
from service_kit.edge.protocol import HttpProtocol
from service_kit.edge.websocket_protocol import WebSocketProtocol
from service_kit.errors import install_error_handlers
from service_kit.garbage import settle_garbage_collector
from service_kit.health import add_probes
from service_kit.json_routes import JsonRoute
from service_kit.language import LANGUAGES
from service_kit.lifecycle import Lifecycle
from service_kit.openapi import describe_edge
from service_kit.settings import ServiceSettings, SettingsError, is_loopback
from service_kit.suite_links import SuitePage, suite_links
from service_kit.telemetry.access_log import Access, AccessLog
from service_kit.telemetry.logs import get_logger, logging_to
from service_kit.telemetry.refusals import Refusals
from service_kit.undumpable import close_to_other_processes

_log = get_logger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_TICKS_OF_A_SWEEP = 5
"""uvicorn ticks ten times a second."""

LARGEST_FRAME_BYTES = 1024 * 1024
"""The limit of a WebSocket message, for services that set none of their own."""

PING_SECONDS = 15.0
"""The interval of pings on an open stream or socket; idle proxies often cut after 60 s."""


class Service(FastAPI):
    """A FastAPI application behind the edge.

    `front` may wrap the application inside the edge, for routes that cannot afford a router.
    """

    def __init__(
        self,
        *,
        name: str,
        policy: Policy,
        observe: Callable[[Access], None],
        refusals: Refusals,
        front: Callable[[ASGIApp], ASGIApp] | None,
        **fastapi: Any,
    ) -> None:
        super().__init__(docs_url=None, redoc_url=None, **fastapi)
        self.router.route_class = JsonRoute
        self.service_name = name
        self.policy = policy
        self._observe = observe
        self.refusals = refusals
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self.middleware_stack is None:
            return await super().__call__(scope, receive, send)
        # FastAPI's own `__call__` looks for telemetry in the environment on each request.
        scope["app"] = self
        return await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        inner = super().build_middleware_stack()
        answering = HeadAsGet(self._front(inner) if self._front else inner)
        return EdgeMiddleware(answering, self.policy, self._observe, self.refusals)


_QUIET_PATHS = frozenset({"/health", "/metrics"})
_DOCS_FILES = frozenset(f"{STATIC_PATH}/{file}" for file in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"))


def create_service(
    *,
    name: str,
    title: str,
    settings: ServiceSettings,
    version: str = "0.1.0",
    description: str = "",
    lifespan: Lifespan | None = None,
    public_paths: frozenset[str] = frozenset(),
    page_token: str | None = None,
    unlogged_paths: frozenset[str] = frozenset(),
    quiet_paths: frozenset[str] = frozenset(),
    error_bodies: Mapping[str, ErrorBody] | None = None,
    front: Callable[[ASGIApp], ASGIApp] | None = None,
    resource_paths: tuple[str, ...] = (),
    docs_as: SuitePage | None = None,
    lenient_paths: frozenset[str] = frozenset(),
) -> Service:
    """Returns a service with probes, documentation, the error envelope and the edge; the caller adds its routes.

    Requests to `unlogged_paths` have no line in the access log unless the edge refused them, because the service writes
    a better one. Requests to `quiet_paths`, which other programs poll, have one only if they failed. `public_paths`
    need no key. `page_token`, `error_bodies` and `lenient_paths` are those of `Policy`, and `front` that of `Service`.
    The settings decide which credentials are accepted; `resource_paths` are the paths of the service whose OAuth
    metadata clients ask for. `docs_as` is the page of the suite that `/docs` is, for a service without another one.

    Raises:
        SettingsError: the settings of OAuth are not complete.
    """
    lifecycle, access_log, background, refusals = Lifecycle(), AccessLog(), BackgroundLoops(), Refusals()
    authentication = authentication_of(settings, title, resource_paths)
    policy = Policy.of(
        settings,
        page_token=page_token,
        authentication=authentication,
        public_paths=public_paths | _DOCS_FILES | authentication.public_paths,
        error_bodies=error_bodies,
        lenient_paths=lenient_paths,
    )

    @asynccontextmanager
    async def living(app: FastAPI):
        with background.collecting():
            async with (
                access_log.running(),
                refusals.running(),
                authentication.running(),
                lifespan(app) if lifespan else _nothing(),
            ):
                describe_edge(app, policy)  # last: by now the service has described its own routes
                lifecycle.started = True
                yield
                lifecycle.drain()

    app = Service(
        name=name,
        policy=policy,
        observe=_access_observer(access_log, unlogged_paths, _QUIET_PATHS | quiet_paths),
        refusals=refusals,
        front=front,
        title=title,
        version=version,
        description=description,
        lifespan=living,
    )
    app.state.lifecycle = lifecycle
    app.state.background = background
    install_error_handlers(app)
    add_probes(app, lifecycle)
    authentication.add_routes(app)
    add_docs_page(app, {language: suite_links(settings.suite_urls, docs_as, language) for language in LANGUAGES})
    return app


def _access_observer(log: AccessLog, unlogged: frozenset[str], quiet: frozenset[str]) -> Callable[[Access], None]:
    """Returns a function that logs each request, except one that the edge let pass to an `unlogged` path, and one to a
    `quiet` path that succeeded."""

    def observe(access: Access) -> None:
        if access.refused or (access.path not in unlogged and (access.status >= 400 or access.path not in quiet)):
            log.observe(access)

    return observe


@asynccontextmanager
async def _nothing():
    yield


def refuse_open_mode(settings: ServiceSettings) -> None:
    """Checks that a service without keys listens on loopback only, unless the operator allows more.

    Raises:
        SettingsError: the service is bound beyond loopback without keys and without ALLOW_OPEN; or AUTH_MODE=keys is
            set and there are no keys.
    """
    if settings.auth_mode == "keys":
        if not settings.has_keys:
            raise SettingsError("API_KEYS: AUTH_MODE=keys needs API_KEYS, ADMIN_API_KEY or OAUTH_ISSUER")
        return
    if not settings.allow_open and not is_loopback(settings.host):
        raise SettingsError(
            f"HOST: {settings.host} is reachable from outside and AUTH_MODE is none; "
            "set AUTH_MODE=keys with API_KEYS, or ALLOW_OPEN=true if something else guards the port"
        )


class BoundedServer(uvicorn.Server):
    """uvicorn that closes those of its `connections` which have exceeded one of their times."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_OF_A_SWEEP == 0:
            self._connections.sweep()
        return await super().on_tick(counter)


class Server(BoundedServer):
    """The server of a service: it tells the service when it drains, and exits with 0 after a signal."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, connections: Connections) -> None:
        super().__init__(config, connections)
        self._lifecycle = lifecycle

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own method raises the signal again at the end, which turns a clean stop into exit code 143.
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
        self._lifecycle.drain()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settle_garbage_collector()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn closes every WebSocket at once; so first the ports are closed, and what runs may end.
        for server in self.servers:
            server.close()
        await self._lifecycle.run_shutdown_hooks()
        await super().shutdown(sockets)


def server_config(
    app: ASGIApp, settings: ServiceSettings, connections: Connections | None = None, **overrides: Any
) -> uvicorn.Config:
    """Returns the uvicorn configuration of all four services: one worker whatever the environment says, uvloop,
    httptools under the limits of `connections` (the usual ones if it is None), and no log of uvicorn's own."""
    if connections is None:
        connections = Connections(ConnectionLimits(), Refusals(), settings.ui_language)
    options: dict[str, Any] = {
        "host": settings.host.strip("[]"),
        "port": settings.port,
        "workers": 1,
        "loop": "uvloop",
        "http": partial(HttpProtocol, register=connections),
        "ws": partial(WebSocketProtocol, register=connections),
        "ws_max_size": LARGEST_FRAME_BYTES,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        "ws_per_message_deflate": False,
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": settings.shutdown_grace_seconds,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "lifespan": "on",
    }
    return uvicorn.Config(app, **{**options, **overrides})


def serve(app: Service, settings: ServiceSettings, limits: ConnectionLimits | None = None, **overrides: Any) -> int:
    """Runs the service until SIGTERM or SIGINT. Returns the exit code: 0 after a clean stop, 1 if it could not start.

    Raises:
        SettingsError: see `refuse_open_mode`.
    """
    refuse_open_mode(settings)
    connections = Connections((limits or ConnectionLimits()).within_descriptors(), app.refusals, settings.ui_language)
    with logging_to(app.service_name, settings.log_level, settings.log_format):
        config = server_config(app, settings, connections, **overrides)
        server = Server(config, app.state.lifecycle, connections)
        _log.info("starting", host=settings.host, port=settings.port)
        try:
            server.run()
        except SystemExit:  # uvicorn exits this way if the port is taken or the application did not start
            _log.error(f"could not start on {settings.host}, port {settings.port}")
        else:
            _log.info("stopped")
    return 0 if server.started else 1


def run_main(main: Callable[[], int]) -> int:
    """Runs a service's `main` and returns its exit code; after a SettingsError, prints one line that names the variable
    and returns 2."""
    close_to_other_processes()
    try:
        return main()
    except SettingsError as error:
        import sys

        print(f"configuration error: {error}", file=sys.stderr)  # noqa: T201 - no log is open yet
        return 2
