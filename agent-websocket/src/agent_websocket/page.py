"""The chat page: the repository's `test-websocket.html`, which a wheel carries inside this package."""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FILE_NAME = "test-websocket.html"


class PageNotFoundError(Exception):
    """The page is neither in the package nor beside the sources."""


def find_page(package: Path = Path(__file__).parent) -> Path:
    """Where the page is: in the package (a wheel), else in the root of the repository that `package` stands in."""
    for folder in (package, *package.parents[:3]):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise PageNotFoundError(f"{FILE_NAME} is not in the package {package.name} nor above it")


class ChatPage:
    """The page as it is served: its text, its own policy as a header, and a tag by which browsers keep it."""

    def __init__(self, html: bytes) -> None:
        self._html = html
        self._headers = {
            # `frame-ancestors` counts in a header only, not in the page's own meta element.
            "content-security-policy": f"{policy_in(html.decode())}; frame-ancestors 'none'",
            "cache-control": "no-cache",
            "etag": f'"{hashlib.sha256(html).hexdigest()[:32]}"',
        }

    @classmethod
    def load(cls) -> ChatPage:
        """Read the page; raises PageNotFoundError."""
        return cls(find_page().read_bytes())

    def answer(self, request: Request) -> Response:
        if request.headers.get("if-none-match") == self._headers["etag"]:
            return Response(status_code=304, headers=self._headers)
        return Response(self._html, headers=self._headers, media_type="text/html")


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
