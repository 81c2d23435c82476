"""The pack *odoo*: customers of an Odoo, read over its external API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx2

from mcp_toolbox.packs.odoo.session import Access, OdooSession
from mcp_toolbox.packs.odoo.tools import OdooTools
from mcp_toolbox.packs.odoo.wire import XmlRpc
from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.settings import ToolboxSettings


@asynccontextmanager
async def opened(settings: ToolboxSettings) -> AsyncIterator[Sequence[Tool]]:
    """Opens the pack's tools for the Odoo that `settings` names. The first request is made when a tool is called."""
    password = settings.odoo_password.get_secret_value() if settings.odoo_password else ""
    access = Access(settings.odoo_db or "", settings.odoo_user or "", password)
    async with httpx2.AsyncClient(base_url=settings.odoo_url or "", timeout=settings.odoo_timeout_seconds) as client:
        yield OdooTools(OdooSession(XmlRpc(client, settings.odoo_timeout_seconds), access)).tools()
