"""`/docs`: the OpenAPI page, from files of our own host, so that it works offline and under a strict policy."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from service_kit.pages import Page, inline_hashes

STATIC_PATH = "/docs/static"


def add_docs_page(app: FastAPI) -> None:
    """Serve Swagger UI at `/docs`; its one inline script is let through by its hash."""
    app.mount(STATIC_PATH, StaticFiles(directory=str(files("fastapi_offline").joinpath("static"))), name="docs-static")

    @lru_cache(maxsize=4)
    def page_under(root: str) -> Page:
        html = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=app.title,
            swagger_js_url=f"{root}{STATIC_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{STATIC_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{root}{STATIC_PATH}/favicon.png",
        )
        text = bytes(html.body).decode()
        return Page(text, _policy(text))

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return page_under(request.scope.get("root_path", "")).answer(request)


def lead_home_to_docs(app: FastAPI) -> None:
    """Make `/` lead to `/docs`, for a service without a page of its own there."""

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> RedirectResponse:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


def _policy(html: str) -> str:
    return (
        f"default-src 'none'; script-src 'self' {inline_hashes(html, 'script')}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
