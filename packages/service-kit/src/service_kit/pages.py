"""HTML pages, prepared once, with a content policy that allows exactly their own scripts."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from service_kit.language import Language


class Page:
    """A page in one language (a `str`) or several, with its Content-Security-Policy.

    It is sent with an ETag, compressed if the browser accepts gzip, and answered with a 304 if the browser has it.
    `vary` names further request headers on which the answer at the page's address depends.
    """

    def __init__(self, html: str | Mapping[Language, str], policy: str, vary: Iterable[str] = ()) -> None:
        texts: Mapping[Language | None, str] = {None: html} if isinstance(html, str) else {**html}
        several = () if isinstance(html, str) else ("Accept-Language",)
        headers = {
            "content-security-policy": policy,
            "cache-control": "no-cache",
            "vary": ", ".join([*vary, *several, "Accept-Encoding"]),
        }
        self._one = None if isinstance(html, str) else next(iter(html))
        self._several = bool(several)
        self._made = {language: _Made(text.encode(), headers) for language, text in texts.items()}

    def answer(self, request: Request) -> Response:
        """Returns the page in the request's language, or a 304 if the browser has it."""
        language = request.scope["state"]["language"] if self._several else None
        made = self._made.get(language) or self._made[self._one]
        return made.answer(request)


class _Made:
    """One text of a page, plain and compressed, each with its own headers."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        tag = hashlib.sha256(body).hexdigest()[:32]
        self._plain = body, {**headers, "etag": f'"{tag}"'}
        packed = gzip.compress(body, mtime=0)
        self._packed = packed, {**headers, "etag": f'"{tag}-gz"', "content-encoding": "gzip"}

    def answer(self, request: Request) -> Response:
        takes = _takes_gzip(request.headers.get("accept-encoding", ""))
        body, headers = self._packed if takes else self._plain
        if _has(request.headers.get("if-none-match", ""), headers["etag"]):
            return Response(status_code=304, headers={k: v for k, v in headers.items() if k != "content-encoding"})
        return Response(body, headers=headers, media_type="text/html")


def inline_hashes(html: str, tag: str) -> str:
    """Returns the policy's sources for the page's inline `script` or `style` elements: their SHA-256 (CSP level 3,
    section 8.3). Elements with attributes are left out."""
    texts = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in texts)


def _takes_gzip(accepted: str) -> bool:
    """Returns whether an Accept-Encoding header names gzip with a weight above zero (RFC 9110, section 12.5.3)."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False


def _has(known: str, tag: str) -> bool:
    """Returns whether an If-None-Match header names `tag` (RFC 9110, section 13.1.2); weak tags count as well."""
    return known.strip() == "*" or tag in [each.strip().removeprefix("W/") for each in known.split(",")]
