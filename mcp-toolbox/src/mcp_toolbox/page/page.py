"""The catalog's page in two languages, and its content policy."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from service_kit.language import LANGUAGES, Language
from service_kit.pages import Page, inline_hashes
from service_kit.suite_links import PLACE, SuitePage, suite_links

_LANG = '<html lang="es">'


def catalog_page(urls: Mapping[SuitePage, str] | None = None) -> Page:
    """Returns the page, with links to the other pages of the suite at `urls`. At the same address programs get a
    summary, so the answer varies with `Accept`."""
    html = files("mcp_toolbox.page").joinpath("catalog.html").read_text("utf-8")
    texts: dict[Language, str] = {
        language: html.replace(_LANG, f'<html lang="{language}">', 1).replace(
            PLACE, suite_links(urls or {}, "toolbox", language), 1
        )
        for language in LANGUAGES
    }
    return Page(texts, policy(html), vary=["Accept"])


def policy(html: str) -> str:
    """Returns the Content-Security-Policy of the page, which lets it run its own script and call the toolbox."""
    return (
        f"default-src 'none'; script-src {inline_hashes(html, 'script')}; style-src {inline_hashes(html, 'style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
