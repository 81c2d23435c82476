"""The MCP toolbox: its composition from the settings, and its command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from service_kit.auth.principal import principal_in
from service_kit.background import BackgroundLoops
from service_kit.health import reason_for
from service_kit.limits.limiter import Limiter
from service_kit.service import Service, create_service, serve
from service_kit.settings import SettingsError, load
from starlette.responses import Response
from starlette.types import ASGIApp

from mcp_toolbox import tools
from mcp_toolbox.approvals.approvals import Approvals
from mcp_toolbox.approvals.destructive import Destructive
from mcp_toolbox.approvals.used_approvals import UsedApprovals
from mcp_toolbox.calls.compose import CallPolicyParts, with_call_policy
from mcp_toolbox.calls.request import MESSAGES_PATH
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.page.calls import add_calls_route
from mcp_toolbox.page.checking import Checking
from mcp_toolbox.page.listing import Listing
from mcp_toolbox.page.page import catalog_page
from mcp_toolbox.page.routes import ROOT, Adding, add_page_routes
from mcp_toolbox.page.servers import add_server_routes
from mcp_toolbox.registry.tools import ToolRegistry, discover
from mcp_toolbox.search.rest import add_search_route
from mcp_toolbox.search.search import ToolSearch
from mcp_toolbox.server import schemas
from mcp_toolbox.server.rest import add_rest_routes
from mcp_toolbox.server.sdk_logs import drop_client_faults
from mcp_toolbox.server.server import NAME, ToolboxServer, create_server
from mcp_toolbox.server.stdio import serve_stdio
from mcp_toolbox.server.streams import AsgiResponse, let_answers_finish
from mcp_toolbox.server.transports import HttpTransports
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.upstream.account import UnknownAccount, account_of
from mcp_toolbox.upstream.adding import Judge, Rules
from mcp_toolbox.upstream.additions import Additions
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.manager import UpstreamManager
from mcp_toolbox.upstream.pins import Pins, PinsFileError
from mcp_toolbox.upstream.spec import Limits
from mcp_toolbox.upstream.trial import Trials

VERSION = version("mcp-toolbox")


def create_app(settings: ToolboxSettings, registry: ToolRegistry, upstreams: UpstreamManager | None = None) -> Service:
    """Returns the toolbox as a web service: MCP, plain REST and health over one registry, to which `upstreams` adds
    tools."""
    approvals = approvals_of(settings, used_approvals_of(settings))
    server = create_server(registry, version=VERSION, approvals=approvals)
    return mounted(settings, registry, server, approvals, upstreams)


def mounted(
    settings: ToolboxSettings,
    registry: ToolRegistry,
    server: ToolboxServer,
    approvals: Approvals,
    upstreams: UpstreamManager | None = None,
) -> Service:
    """Returns `server` as a web service, with plain REST and health for the same registry."""
    upstreams = upstreams or UpstreamManager(None, {})
    policy = with_call_policy(registry, settings)
    search = ToolSearch(registry, settings.tool_search_threshold)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        async with filled(settings, registry, server, upstreams, policy), approvals.running(), transports.run():
            yield

    app = create_service(
        name=NAME,
        title="MCP toolbox",
        description="Tools for language models, over the Model Context Protocol and over plain REST.",
        settings=settings,
        version=VERSION,
        lifespan=lifespan,
        quiet_paths=frozenset({"/mcp"}),  # the audit has a line for each call, and agents poll for new tools
        public_paths=frozenset({ROOT}),
        resource_paths=("/mcp",),
    )
    transports = HttpTransports(
        server,
        max_body_bytes=settings.max_body_bytes,
        drained=app.state.lifecycle.drain_started,
        refusals=app.refusals,
        on_drain=server.changes.listen.close,
    )
    add_rest_routes(app, registry, approvals)
    add_search_route(app, search)
    _add_catalog(app, settings, registry, approvals, upstreams)
    add_calls_route(app, policy)
    _add_mcp_routes(app, transports)
    _add_health(app, registry, upstreams, policy.limiter)
    return app


def _add_catalog(
    app: FastAPI, settings: ToolboxSettings, registry: ToolRegistry, approvals: Approvals, upstreams: UpstreamManager
) -> None:
    additions = Additions(upstreams)
    rules = Rules(settings.mcp_add_commands, settings.mcp_add_networks, frozenset(settings.mcp_add_variables))
    trials = Trials(upstreams.environ, upstreams.account)
    checking = Checking(upstreams, Judge(rules, upstreams.environ), trials, approvals)
    listing = Listing(registry, approvals, upstreams.to_health, upstreams.changed_tools, lambda: additions.names)
    adding = Adding(commands=rules.commands, kept="file" if additions.in_file else "memory")
    page = catalog_page(settings.suite_urls)
    add_page_routes(app, listing, page, service=NAME, version=VERSION, adding=adding)
    add_server_routes(app, upstreams, additions, checking)


@asynccontextmanager
async def filled(
    settings: ToolboxSettings,
    registry: ToolRegistry,
    server: ToolboxServer,
    upstreams: UpstreamManager,
    policy: CallPolicyParts,
) -> AsyncIterator[None]:
    """Opens the record of calls, the packs that are switched on, and the other servers. Their tools are in `registry`,
    and the servers' resources and prompts in those of `server`, until the block ends."""
    async with (
        policy.running(),
        opened_packs(settings, registry),
        upstreams.running(registry, server.resources, server.prompts),
    ):
        yield


def from_environment(environ: Mapping[str, str]) -> tuple[Service, ToolboxSettings]:
    """Returns the toolbox that `environ` describes, and its settings.

    Raises:
        SettingsError: a variable, or a file that one names, is wrong.
    """
    settings = load(ToolboxSettings, environ)
    return create_app(settings, built_in(), upstreams_of(settings, environ)), settings


def built_in() -> ToolRegistry:
    """Returns a registry of the built-in tools."""
    return ToolRegistry(discover(tools))


def used_approvals_of(settings: ToolboxSettings) -> UsedApprovals | None:
    """Returns the store in which replicas record used approvals, or None if each replica keeps its own."""
    if settings.postgres_url is None:
        return None
    from mcp_toolbox.approvals.used_approvals_sql import (
        SqlUsedApprovals,  # SQL is large: it is loaded only if used
    )
    from mcp_toolbox.database import address_of

    return SqlUsedApprovals(address_of(settings))


def approvals_of(settings: ToolboxSettings, used_approvals: UsedApprovals | None = None) -> Approvals:
    """Returns the approvals that the settings describe: they ask a person before a destructive tool runs."""
    return Approvals(
        Destructive(settings.destructive_tools),
        keys=[key.get_secret_value() for key in settings.mcp_state_keys],
        used_approvals=used_approvals,
        language=settings.ui_language,
    )


def upstreams_of(settings: ToolboxSettings, environ: Mapping[str, str]) -> UpstreamManager:
    """Returns the manager of the other servers that the settings name. Their file may refer to variables of `environ`.

    Raises:
        SettingsError: the servers file or the pins file is wrong.
    """
    limits = Limits(  # the widest of the call policy: an entry of the file can only lower them
        call_seconds=max([settings.tool_timeout_seconds, *(seconds for _, seconds in settings.tool_timeouts)]),
        connect_seconds=settings.mcp_connect_timeout_seconds,
        result_bytes=settings.tool_max_result_bytes,
    )
    try:
        return UpstreamManager(
            settings.mcp_servers_file,
            environ,
            defaults=limits,
            pins=Pins(settings.mcp_pins_file),
            account=account_of(settings.mcp_stdio_user),
        )
    except UnknownAccount as error:
        raise SettingsError(f"MCP_STDIO_USER: {error}") from None
    except ServersFileError as error:
        raise SettingsError(f"MCP_SERVERS_FILE: {error}") from None
    except PinsFileError as error:
        raise SettingsError(f"MCP_PINS_FILE: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves HTTP, or with `--stdio` the standard streams, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mcp_toolbox", description=__doc__)
    parser.add_argument("--stdio", action="store_true", help="speak MCP over standard input and output")
    if parser.parse_args(arguments).stdio:
        settings = load(ToolboxSettings, os.environ)
        registry = built_in()
        server = create_server(registry, version=VERSION, approvals=approvals_of(settings))
        ToolSearch(registry, settings.tool_search_threshold)
        return serve_stdio(
            server,
            settings,
            filled(
                settings, registry, server, upstreams_of(settings, os.environ), with_call_policy(registry, settings)
            ),
        )
    return serve_http(*from_environment(os.environ))


def serve_http(app: Service, settings: ToolboxSettings) -> int:
    """Serves until the process is told to stop, and returns the exit code. It first adapts the SDK's logs and event
    streams in this process."""
    drop_client_faults()
    let_answers_finish()
    return serve(app, settings)


def _add_mcp_routes(app: FastAPI, transports: HttpTransports) -> None:
    _hand_off(app, "/mcp", "POST", transports.streamable_http, schemas.MCP_POST)
    _hand_off(app, "/mcp", "GET", transports.streamable_http, schemas.MCP_GET)
    _hand_off(app, "/mcp", "DELETE", transports.streamable_http, schemas.MCP_DELETE)
    _hand_off(app, "/sse", "GET", transports.sse, schemas.SSE)
    _hand_off(app, MESSAGES_PATH, "POST", transports.messages, schemas.MESSAGES)


def _hand_off(app: FastAPI, path: str, method: str, target: ASGIApp, described: dict[str, Any]) -> None:
    async def route() -> Response:
        return AsgiResponse(target)

    name = f"{path.strip('/')}_{method.lower()}"
    app.add_api_route(path, route, methods=[method], name=name, operation_id=name, **described)


def _add_health(app: FastAPI, registry: ToolRegistry, upstreams: UpstreamManager, limiter: Limiter) -> None:
    @app.get(
        "/health",
        tags=["health"],
        summary="How the toolbox is",
        operation_id="get_health",
        response_model_exclude_none=True,
    )
    async def health(request: Request) -> schemas.Health:
        loops: BackgroundLoops = app.state.background
        return schemas.Health(
            status="degraded" if upstreams.degraded or limiter.away or loops.failing else "healthy",
            service=NAME,
            tools_count=len(registry),
            protocol="MCP over HTTP REST",
            servers=upstreams.to_health(),
            servers_file_error=reason_for(principal_in(request.scope), upstreams.file_error),
            rates="this process" if limiter.away else None,
            background=loops.to_health(),
            version=VERSION,
        )
