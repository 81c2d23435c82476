"""The route `GET /`, for people and for programs, and the data of the page."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field
from pydantic_core import to_json
from service_kit.auth.principal import principal_in
from service_kit.pages import Page
from starlette.responses import Response

from mcp_toolbox.page.listing import Listing
from mcp_toolbox.server.schemas import ListedTool

ROOT = "/"
"""Open without a key: the page contains no secret, and the summary nothing that `/health` does not."""

_PATHS = {
    "catalogue": "/mcp/catalogue",
    "tools": "/mcp/tools/list",
    "mcp": "/mcp",
    "health": "/health",
    "docs": "/docs",
    "openapi": "/openapi.json",
}


class ServerSummary(BaseModel):
    """Where tools come from."""

    name: str
    kind: str = Field(description="`built-in`, `pack` or `upstream`: another MCP server.", examples=["built-in"])
    status: str = Field(examples=["up"])
    healthy: bool
    reason: str | None = Field(None, description="What is wrong, when something is.")
    transport: Literal["stdio", "http", "sse"] | None = Field(None, description="How another server is reached.")
    since: str | None = Field(None, description="Since when it has had this status.")
    restarts: int | None = Field(None, description="How often it was connected again, or tried to.")
    problems: list[str] | None = Field(None, description="What is wrong with its tools.")
    added: bool | None = Field(None, description="Whether it was added while the toolbox runs.")
    tools: int


class Summary(BaseModel):
    """The toolbox at a glance."""

    service: str
    version: str
    servers: dict[str, ServerSummary]
    tools: int = Field(description="How many there are.")
    links: dict[str, str]


class CatalogTool(ListedTool):
    needs_approval: bool = Field(alias="needsApproval", description="A person is asked before it runs.")
    changed: bool = Field(description="It looks different from when it was first seen.")


class CatalogServer(ServerSummary):
    tools: list[CatalogTool]  # pyright: ignore[reportIncompatibleVariableOverride] - here they are told, there counted


class Adding(BaseModel):
    """What may be added here."""

    commands: bool = Field(description="Whether servers with a command may be added.")
    kept: Literal["file", "memory"] = Field(description="Where servers that are added are kept.")


class FullCatalog(BaseModel):
    """Every server with its tools."""

    servers: list[CatalogServer]
    operator: bool = Field(description="Whether the caller may reconnect, check and add servers.")
    adding: Adding


def add_page_routes(
    app: FastAPI,
    listing: Listing,
    page: Page,
    *,
    service: str,
    version: str,
    adding: Adding,
) -> None:
    """Adds the catalog's routes: `GET /` and `GET /mcp/catalogue`."""

    @app.get(
        ROOT,
        tags=["catalog"],
        summary="The catalog",
        operation_id="get_catalog_page",
        description="A page for browsers (`Accept: text/html`), a summary for programs.",
        responses={200: {"model": Summary, "content": {"text/html": {"schema": {"type": "string"}}}}},
    )
    async def catalog_page(request: Request) -> Response:
        if prefers_html(request.headers.get("accept", "")):
            return page.answer(request)
        servers = listing.summary()
        prefix = request.scope.get("root_path", "")
        return _json(
            {
                "service": service,
                "version": version,
                "servers": servers,
                "tools": sum(server["tools"] for server in servers.values()),
                "links": {name: f"{prefix}{path}" for name, path in _PATHS.items()},
            }
        )

    @app.get(
        "/mcp/catalogue",
        tags=["catalog"],
        summary="Every server with its tools",
        operation_id="get_catalog",
        responses={200: {"model": FullCatalog}},
    )
    async def whole_catalog(request: Request) -> Response:
        principal = principal_in(request.scope)
        operator = "operator" in principal.roles
        return _json({"servers": listing.full(principal.id), "operator": operator, "adding": adding.model_dump()})


def prefers_html(accept: str) -> bool:
    """Returns whether an `Accept` header prefers HTML to JSON, as browsers' headers do and programs' do not."""
    ranges = {kind.partition(";")[0].strip().lower(): _quality(kind) for kind in accept.split(",")[:32]}
    html = ranges.get("text/html", 0.0)
    return html > 0 and html >= ranges.get("application/json", 0.0)


def _quality(kind: str) -> float:
    for parameter in kind.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _json(value: Any) -> Response:
    return Response(to_json(value), media_type="application/json", headers={"vary": "Accept"})
