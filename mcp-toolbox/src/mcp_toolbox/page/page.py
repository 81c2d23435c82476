"""The catalog's page in two languages, and its content policy."""

from __future__ import annotations

from importlib.resources import files

from service_kit.pages import Page, inline_hashes

_LANG = '<html lang="es">'


def catalog_page() -> Page:
    """Returns the page. At the same address programs get a summary, so the answer varies with `Accept`."""
    html = files("mcp_toolbox.page").joinpath("catalog.html").read_text("utf-8")
    return Page({"es": html, "en": html.replace(_LANG, '<html lang="en">', 1)}, policy(html), vary=["Accept"])


def policy(html: str) -> str:
    """Returns the Content-Security-Policy of the page, which lets it run its own script and call the toolbox."""
    return (
        f"default-src 'none'; script-src {inline_hashes(html, 'script')}; style-src {inline_hashes(html, 'style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
