"""A download as a page of Markdown, by a process of its own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from mcp_toolbox.packs._process import ProcessFailed, output_of
from mcp_toolbox.packs.fetch.download import Download
from mcp_toolbox.packs.fetch.errors import NotFetched

_PROGRAM = "mcp_toolbox.packs.fetch.convert"
_SECONDS = 15.0
_MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Converted:
    """A page's title and its whole text."""

    title: str
    text: str


class Converter:
    """Converts downloads, few at once: each may use a processor and a gigabyte."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)

    async def converted(self, download: Download) -> Converted:
        """Returns the page; no process is left when this ends, however it ends.

        Raises:
            NotFetched: it takes too long, or more memory than a page may.
        """
        kind = "html" if download.is_html else "text"
        arguments = (kind, download.charset or "", download.url)
        try:
            async with self._places:
                output = await output_of(_PROGRAM, *arguments, data=download.data, seconds=_SECONDS)
        except TimeoutError:
            raise NotFetched("unreadable", "conversion takes too long") from None
        except ProcessFailed as failed:
            raise NotFetched("unreadable", str(failed)) from None
        page = json.loads(output)
        text = page["text"].encode("utf-8", "replace").decode()  # half a surrogate pair cannot be sent
        return Converted(page["title"].encode("utf-8", "replace").decode(), text)
