"""Writes the Content-Security-Policy of the chat page: `python scripts/page_csp.py [--check]`.

The page allows exactly its own inline style and script, by their SHA-256 (CSP level 3, section 8.3), so that it
works opened from disk and an injected script never runs. Changing either needs this script run again; `--check`
only says whether that was forgotten (exit code 1).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "test-websocket.html"
META = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")[^"]*(">)')


class _Inline(HTMLParser):
    """Collects the text of each inline `style` and of each `script` that runs (JSON blocks do not)."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[str, list[str]] = {"style": [], "script": []}
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "style" or (tag == "script" and dict(attrs).get("type") != "application/json"):
            self._open = tag
            self.blocks[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.blocks[self._open][-1] += data


def policy(page: str) -> str:
    """The policy for a page's text, as the value of the header or of the meta element."""
    inline = _Inline()
    inline.feed(page)
    sources = {tag: " ".join(_hash(block) for block in blocks) for tag, blocks in inline.blocks.items()}
    directives = [
        "default-src 'none'",
        f"script-src {sources['script']}",
        f"style-src {sources['style']}",
        # From disk the agent is another origin, at an address that its user types.
        "connect-src 'self' ws: wss:",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        # The one place that parses HTML is a policy of the page, named here.
        "require-trusted-types-for 'script'",
        "trusted-types agent-html",
    ]
    return "; ".join(directives)


def with_policy(page: str) -> str:
    """The page with its meta element up to date; raises ValueError when it has none."""
    written, count = META.subn(lambda found: f"{found[1]}{policy(page)}{found[2]}", page)
    if count != 1:
        raise ValueError(f"the page needs exactly one CSP meta element, and has {count}")
    return written


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def main(arguments: list[str]) -> int:
    """Rewrites the page, or with `--check` only compares; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the chat page's Content-Security-Policy.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the policy is out of date")
    parser.add_argument("page", nargs="?", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    page = options.page.read_text(encoding="utf-8")
    written = with_policy(page)
    if written == page:
        return 0
    if options.check:
        sys.stderr.write(f"{options.page.name}: the policy is out of date; run python scripts/page_csp.py\n")
        return 1
    options.page.write_text(written, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
