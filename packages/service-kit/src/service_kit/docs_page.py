"""The OpenAPI page at `/docs`, served from local files so that it works offline and under a strict content policy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from service_kit.language import Language
from service_kit.pages import Page, inline_hashes

STATIC_PATH = "/docs/static"
_STYLED = """
<style>nav.suite {{ display: flex; flex-wrap: wrap; gap: 4px 16px; max-width: 1460px; margin: 0 auto;
padding: 14px 20px 0; font: 14px sans-serif; }}</style>
{}
"""


def add_docs_page(app: FastAPI, links: Mapping[Language, str]) -> None:
    """Adds Swagger UI at `/docs`, with `links` above it. Its content policy allows its one inline script by hash."""
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
        texts: dict[Language, str] = {
            language: text.replace("<body>", f"<body>{_STYLED.format(nav)}", 1) if nav else text
            for language, nav in links.items()
        }
        return Page(texts, _policy(text))

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return page_under(request.scope.get("root_path", "")).answer(request)


def lead_home_to_docs(app: FastAPI) -> None:
    """Redirects `/` to `/docs`, for a service that has no page of its own at `/`."""

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> RedirectResponse:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


def _policy(html: str) -> str:
    return (
        f"default-src 'none'; script-src 'self' {inline_hashes(html, 'script')}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
