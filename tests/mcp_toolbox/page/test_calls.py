"""The recent calls, as operators and users see them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from mcp_toolbox.page.records import RecentCalls
from service_kit.auth.keys import principal_of

ROLES = {"AUTH_MODE": "keys", "API_KEYS": "user-key,other-key,operator:boss-key"}


async def call(client: httpx.AsyncClient, key: str, name: str, **arguments: Any) -> None:
    headers = {"x-api-key": key}
    await client.post("/mcp/tools/call", json={"name": name, "arguments": arguments}, headers=headers)


async def calls(client: httpx.AsyncClient, key: str, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/mcp/calls", params=query, headers={"x-api-key": key})
    RecentCalls.model_validate(answer.json())
    assert answer.json()["of"] == "this process"
    return answer.json()["calls"]


async def test_an_operator_sees_all_and_a_user_its_own(opened: Any):
    async with opened(**ROLES) as client:
        await call(client, "user-key", "add", a=5, b=3)
        await call(client, "other-key", "uppercase", text="hush")
        await call(client, "user-key", "<b>none</b>")
        seen = await calls(client, "boss-key")
        assert [(each["tool"], each["server"], each["outcome"]) for each in seen] == [
            ("<b>none</b>", None, "unknown"), ("uppercase", "built-in", "ok"), ("add", "built-in", "ok"),
        ]  # fmt: skip
        assert [each["user"] for each in seen[1:]] == [principal_of("other-key"), principal_of("user-key")]
        assert "hush" not in str(seen)
        assert [each["tool"] for each in await calls(client, "user-key")] == ["<b>none</b>", "add"]
        assert [each["tool"] for each in await calls(client, "boss-key", limit=1)] == ["<b>none</b>"]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", ""])
async def test_limits_that_are_none(opened: Any, limit: str):
    async with opened() as client:
        assert (await client.get("/mcp/calls", params={"limit": limit})).status_code == 422


async def test_callers_without_a_key_are_not_told_of_each_other(opened: Any):
    variables = {"HOST": "0.0.0.0", "ADMIN_API_KEY": "boss-key", "ALLOW_OPEN": "true"}
    async with opened(**variables) as client:
        assert (await client.get("/mcp/calls")).json()["error"]["code"] == "operator_required"
        assert (await client.get("/mcp/calls", headers={"x-api-key": "boss-key"})).status_code == 200
