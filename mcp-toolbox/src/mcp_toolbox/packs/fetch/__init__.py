"""The pack *fetch*: pages of the web as Markdown.

Its modules are imported when it is opened: the process that converts a page imports this package too, and needs no more
than its libraries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_toolbox.registry.tool import Tool
    from mcp_toolbox.settings import ToolboxSettings

LIBRARIES = ("markdownify", "bs4")


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tool with the limits that `settings` names."""
    from mcp_toolbox.packs._texts import Texts
    from mcp_toolbox.packs.fetch.download import Downloader
    from mcp_toolbox.packs.fetch.policy import FetchPolicy
    from mcp_toolbox.packs.fetch.tools import TEXTS, FetchTools

    policy = FetchPolicy(
        ports=frozenset(settings.fetch_ports),
        allowed_hosts=settings.fetch_allowed_hosts,
        denied_hosts=settings.fetch_denied_hosts,
        networks=settings.fetch_allowed_networks,
    )
    downloader = Downloader(policy, max_bytes=settings.fetch_max_bytes, seconds=settings.fetch_timeout_seconds)
    yield FetchTools(downloader, Texts(TEXTS, settings.ui_language)).tools()
