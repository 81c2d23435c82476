"""The chat page: the repository's `test-websocket.html`, which a wheel carries inside this package."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

from service_kit.language import LANGUAGES, Language
from service_kit.pages import Page
from service_kit.suite_links import PLACE, SuitePage, suite_links

FILE_NAME = "test-websocket.html"


class PageNotFoundError(Exception):
    """The page is neither in the package nor beside the sources."""


def find_page(package: Path = Path(__file__).parent) -> Path:
    """Where the page is: in the package (a wheel), else in the root of the repository that `package` stands in."""
    for folder in (package, *package.parents[:3]):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise PageNotFoundError(f"{FILE_NAME} is not in the package {package.name} nor above it")


def chat_page(urls: Mapping[SuitePage, str] | None = None) -> Page:
    """The page, with links to the other pages of the suite at `urls`; raises PageNotFoundError."""
    html = find_page().read_bytes().decode()
    texts: dict[Language, str] = {
        language: html.replace(PLACE, suite_links(urls or {}, "chat", language), 1) for language in LANGUAGES
    }
    # `frame-ancestors` counts in a header only, not in the page's own meta element.
    return Page(texts, f"{policy_in(html)}; frame-ancestors 'none'")


class _Meta(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.policy: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and (found.get("http-equiv") or "").lower() == "content-security-policy":
            self.policy = found.get("content")


def policy_in(html: str) -> str:
    """The Content-Security-Policy that a page declares for itself; raises ValueError when it declares none."""
    meta = _Meta()
    meta.feed(html)
    if not meta.policy:
        raise ValueError("the page declares no Content-Security-Policy")
    return meta.policy
