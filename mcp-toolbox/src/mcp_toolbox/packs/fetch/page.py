"""A download as a page of Markdown, by a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mcp_toolbox.packs.fetch.download import Download
from mcp_toolbox.packs.fetch.errors import NotFetched

_PROGRAM = ("-I", "-m", "mcp_toolbox.packs.fetch.convert")
_SECONDS = 15.0


@dataclass(frozen=True)
class Converted:
    """A page's title and its whole text."""

    title: str
    text: str


async def converted(download: Download) -> Converted:
    """Returns the page; no process is left when this ends, however it ends.

    Raises:
        NotFetched: it takes too long, or more memory than a page may.
    """
    kind = "html" if download.is_html else "text"
    try:
        async with asyncio.timeout(_SECONDS), _started(kind, download.charset or "", download.url) as process:
            output, _ = await process.communicate(download.data)
    except TimeoutError:
        raise NotFetched("unreadable", "conversion takes too long") from None
    if process.returncode != 0:
        raise NotFetched("unreadable", f"conversion ended with {process.returncode}")
    page = json.loads(output)
    text = page["text"].encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
    return Converted(page["title"].encode("utf-8", "replace").decode(), text)


@asynccontextmanager
async def _started(*arguments: str) -> AsyncIterator[Process]:
    printable = [argument.replace("\x00", "") for argument in arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *_PROGRAM, *printable, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
