"""Used approvals in a real PostgreSQL: an approval counts once for all replicas."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
from mcp_toolbox.approvals.used_approvals_sql import SqlUsedApprovals
from mcp_toolbox.database import address_of
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load

from tests.mcp_toolbox.approvals.test_approvals import ACCEPTED, KEY, Disk, asked, disk, text, wipe
from tests.stores import new_postgres, postgres

__all__ = ["disk", "new_postgres", "postgres", "text", "wipe"]  # fixtures


def used_approvals(url: str, clock: Any = time.time) -> SqlUsedApprovals:
    return SqlUsedApprovals(address_of(load(ToolboxSettings, {"POSTGRES_URL": url})), clock)


async def test_an_operation_is_spent_once_by_all(new_postgres: str):
    one, two = used_approvals(new_postgres), used_approvals(new_postgres)
    async with one.running(), two.running():
        spent = await asyncio.gather(*(each.spend("op", time.time() + 60) for each in (one, two) * 10))
        assert spent.count(True) == 1
        assert await two.spend("other", time.time() + 60)
    async with (restarted := used_approvals(new_postgres)).running():
        assert not await restarted.spend("op", time.time() + 60)


async def test_what_has_expired_is_forgotten(new_postgres: str):
    now = 1000.0
    async with (book := used_approvals(new_postgres, lambda: now)).running():
        assert await book.spend("one", 1010)
        now = 1011
        assert await book.spend("one", 1020)


async def test_replicas_use_an_approval_once(serve_toolbox: Any, disk: Disk, wipe: Any, new_postgres: str):
    environ = {"MCP_STATE_KEYS": KEY, "POSTGRES_URL": new_postgres}
    async with (
        asked(serve_toolbox, disk, wipe, **environ) as (http, state),
        serve_toolbox(disk.tool, **environ) as url,
        httpx.AsyncClient(base_url=url) as other,
    ):
        request = wipe(inputResponses=ACCEPTED, requestState=state)
        results = [(await each.post("/mcp", **request)).json()["result"]["isError"] for each in (other, http, other)]
    assert results == [False, True, True]
    assert disk.wiped == ["/a"]


async def test_while_the_database_is_away_nothing_runs(serve_toolbox: Any, disk: Disk, wipe: Any):
    environ = {"POSTGRES_URL": "postgres://nobody@127.0.0.1:9/nothing"}
    async with asked(serve_toolbox, disk, wipe, **environ) as (http, state):
        response = await http.post("/mcp", **wipe(inputResponses=ACCEPTED, requestState=state))
    assert response.json()["result"]["isError"]
    assert "cannot be told" in response.json()["result"]["content"][0]["text"]
    assert disk.wiped == []
