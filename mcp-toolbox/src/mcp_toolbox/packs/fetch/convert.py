"""The program that turns a page into Markdown: `python -m mcp_toolbox.packs.fetch.convert KIND CHARSET URL`.

It reads the page from standard input and writes `{"title", "text"}` as JSON. It is a process of its own, without an
environment: a page that is made to cost hours or gigabytes costs this process, which has limits and can be killed.
"""

from __future__ import annotations

import json
import sys
import warnings
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, ParserRejectedMarkup, Tag
from markdownify import ATX, MarkdownConverter

from mcp_toolbox.packs._process_limits import limit_this_process

MOST_CHARS = 2_000_000
_MEMORY_BYTES = 1024 * 1024 * 1024
_CPU_SECONDS = 30
_LONGEST_LINK = 2000
_UNSEEN = ("script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "embed", "head", "dialog")
_SCHEMES = ("http", "https", "mailto", "tel")
# A browser reads these names as Windows's superset of them. Source: https://encoding.spec.whatwg.org/#names-and-labels
_AS_WINDOWS = frozenset({"iso-8859-1", "latin-1", "latin1", "l1", "ascii", "us-ascii"})


def main(arguments: list[str]) -> int:
    kind, charset, url = arguments
    limit_this_process(_MEMORY_BYTES, _CPU_SECONDS)
    data = sys.stdin.buffer.read()
    title, text = from_html(data, charset, url) if kind == "html" else ("", from_text(data, charset))
    json.dump({"title": title[:500], "text": text[:MOST_CHARS]}, sys.stdout)
    return 0


def from_html(data: bytes, charset: str, url: str) -> tuple[str, str]:
    """Returns a page's title, and its body as Markdown. `charset` is what the header says, or empty: then the page's
    own mark or `meta` decides."""
    encoding = "windows-1252" if charset.lower() in _AS_WINDOWS else charset or None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            soup = BeautifulSoup(data, "html.parser", from_encoding=encoding)
        except (ParserRejectedMarkup, LookupError):
            return "", from_text(data, charset)
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    _prepare(soup, _base(soup, url))
    try:
        text = MarkdownConverter(heading_style=ATX, bullets="-").convert_soup(soup)
    except RecursionError:  # nested deeper than any page that a person wrote
        text = soup.get_text("\n")
    lines = [line.rstrip() for line in text.splitlines()]
    return title, "\n".join(line for number, line in enumerate(lines) if line or (number and lines[number - 1])).strip()


def _base(soup: BeautifulSoup, url: str) -> str:
    base = soup.find("base", href=True)
    return _absolute(url, str(base["href"])) or url if isinstance(base, Tag) else url


def _prepare(soup: BeautifulSoup, base: str) -> None:
    """Removes what a reader does not see, and makes the addresses of links and images whole."""
    for tag in soup.find_all(_UNSEEN):
        tag.decompose()
    for tag in soup.find_all(_is_hidden):
        if not tag.decomposed:
            tag.decompose()
    for name, attribute in (("a", "href"), ("img", "src")):
        for tag in soup.find_all(name, attrs={attribute: True}):
            address = _absolute(base, str(tag[attribute]))
            if address:
                tag[attribute] = address
            elif name == "a":
                tag.unwrap()
            else:
                tag.decompose()


def _is_hidden(tag: Tag) -> bool:
    style = str(tag.get("style", "")).replace(" ", "").lower()
    return tag.has_attr("hidden") or "display:none" in style or "visibility:hidden" in style


def _absolute(base: str, address: str) -> str:
    """Returns the address as seen from `base`, or nothing if a reader could not go there."""
    try:
        joined = urljoin(base, address.strip())
        return joined if urlsplit(joined).scheme in _SCHEMES and len(joined) <= _LONGEST_LINK else ""
    except ValueError:
        return ""


def from_text(data: bytes, charset: str) -> str:
    """Returns a body as text, with a mark in place of what is none."""
    name = "windows-1252" if charset.lower() in _AS_WINDOWS else charset
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = "utf-16"
    try:
        text = data.decode(name or "utf-8-sig", "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\x00", "\N{REPLACEMENT CHARACTER}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
