"""The page as it is served: its text in two languages, and its policy."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

from service_kit.language import Language
from starlette.requests import Request
from starlette.responses import Response

_LANG = '<html lang="es">'


class CatalogPage:
    """One file, which allows exactly its own style and script, by their SHA-256 (CSP level 3, section 8.3)."""

    def __init__(self, html: str) -> None:
        texts: dict[Language, str] = {"es": html, "en": html.replace(_LANG, '<html lang="en">', 1)}
        self._bodies = {language: text.encode() for language, text in texts.items()}
        self._headers = {
            language: {
                "content-security-policy": policy(html),
                "cache-control": "no-cache",
                "vary": "Accept, Accept-Language",
                "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            }
            for language, body in self._bodies.items()
        }

    @classmethod
    def load(cls) -> CatalogPage:
        """Read the file that the package brings."""
        return cls(files("mcp_toolbox.page").joinpath("catalogue.html").read_text("utf-8"))

    def answer(self, request: Request) -> Response:
        language: Language = request.scope["state"]["language"]
        headers = self._headers[language]
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(self._bodies[language], headers=headers, media_type="text/html")


def policy(html: str) -> str:
    """What a browser lets the page do: run its own script, and ask the toolbox."""
    sources = {tag: " ".join(map(_hash, re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL))) for tag in _TAGS}
    return (
        f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


_TAGS = ("script", "style")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
