"""The Chromium that browser tests use: `chromium_path()` finds it, `chromium()` runs it headless.

`python tests/browser.py` prints its path, or fails (exit code 1) when there is none.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromiumError(Exception):
    """No Chromium was found; the message says what to do."""


def chromium_path(environ: Mapping[str, str]) -> str:
    """The executable: CHROMIUM_PATH, else one on PATH, else Playwright's own; raises NoChromiumError."""
    named = environ.get("CHROMIUM_PATH")
    if named:
        return named
    for name in NAMES:
        if found := shutil.which(name, path=environ.get("PATH")):
            return found
    if own := _playwright_own(environ):
        return own
    raise NoChromiumError("no Chromium found: run scripts/install-browser.sh or set CHROMIUM_PATH")


def _playwright_own(environ: Mapping[str, str]) -> str | None:
    """What `playwright install chromium` left in its cache (asking Playwright itself would start its driver)."""
    cache = environ.get("PLAYWRIGHT_BROWSERS_PATH") or str(Path.home() / ".cache" / "ms-playwright")
    found = sorted(Path(cache).glob("chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running headless Chromium, closed at the end."""
    path = chromium_path(os.environ)
    # Its sandbox refuses to start as root, which is what containers run tests as.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else [*FLAGS]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, headless=True, args=flags)
        yield browser
        await browser.close()


if __name__ == "__main__":
    try:
        sys.stdout.write(chromium_path(os.environ) + "\n")
    except NoChromiumError as error:
        sys.exit(str(error))
