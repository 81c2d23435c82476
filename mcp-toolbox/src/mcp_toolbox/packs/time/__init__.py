"""The pack *time*: the time in the zones of the world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcp_toolbox.packs._texts import Texts
from mcp_toolbox.packs.time.tools import TEXTS, TimeTools
from mcp_toolbox.packs.time.zones import Zones
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.settings import ToolboxSettings

LIBRARIES = ("tzdata",)


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tools."""
    texts = Texts(TEXTS, settings.ui_language)
    yield TimeTools(Zones(texts), texts).tools()
