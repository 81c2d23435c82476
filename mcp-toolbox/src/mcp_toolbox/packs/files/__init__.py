"""The pack *files*: a folder of the operator's, and nothing outside of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mcp_toolbox.packs._texts import Texts
from mcp_toolbox.packs.files.folder import Folder
from mcp_toolbox.packs.files.tools import TEXTS, FileTools
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.settings import ToolboxSettings


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tools over the folder that `settings` names; those that write only if it may be written."""
    assert settings.files_root is not None  # the settings have checked it
    with Folder.opened(settings.files_root, settings.files_max_bytes, settings.files_quota_bytes) as folder:
        yield FileTools(folder, Texts(TEXTS, settings.ui_language)).tools(read_only=settings.files_read_only)
