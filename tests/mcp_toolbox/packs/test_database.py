from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import psycopg
import pytest
from mcp_toolbox.database import address_of
from mcp_toolbox.packs.registry import opened_packs
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from service_kit.settings import load


def _settings(**environ: str) -> ToolboxSettings:
    return load(ToolboxSettings, {"TOOL_PACKS": "companies", **environ})


def test_hosting_providers_addresses_are_understood():
    address = address_of(_settings(POSTGRES_URL="postgres://ana:p%40ss@db.example:6543/main?sslmode=require"))
    assert address.is_postgres
    assert (address.url.drivername, address.url.password) == ("postgresql+psycopg", "p@ss")
    assert dict(address.url.query) == {"sslmode": "require"}
    assert "p%40ss" not in address.shown


async def _until_it_answers(registry: ToolRegistry) -> str:
    while True:
        answer = await registry.call("consultar_empresa", {"nombre": "Empresa Y"})
        if not answer.is_error:
            return answer.text
        await asyncio.sleep(0.1)


async def test_a_database_that_is_away_costs_only_its_tools_and_is_tried_again(tmp_path: Path):
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    registry = ToolRegistry()
    async with opened_packs(_settings(TOOLBOX_DB=str(blocked / "toolbox.db")), registry):
        answer = await registry.call("consultar_empresa", {"nombre": "Empresa Y"})
        assert answer.is_error
        assert "The database is away" in answer.text
        blocked.unlink()
        assert "200" in await asyncio.wait_for(_until_it_answers(registry), 10)


async def test_a_postgres_that_is_not_there_yet_is_tried_again(new_postgres: str):
    name = new_postgres.partition("@/")[2].partition("?")[0]
    maintenance = new_postgres.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}"')
    registry = ToolRegistry()
    async with opened_packs(_settings(POSTGRES_URL=new_postgres), registry):
        answer = await registry.call("consultar_empresa", {"nombre": "Empresa Y"})
        assert (answer.is_error, "away" in answer.text) == (True, True)
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        assert "200" in await asyncio.wait_for(_until_it_answers(registry), 15)


async def test_a_lost_connection_is_replaced(new_postgres: str):
    registry = ToolRegistry()
    async with opened_packs(_settings(POSTGRES_URL=new_postgres), registry):
        await asyncio.wait_for(_until_it_answers(registry), 10)
        with psycopg.connect(new_postgres, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert not (await registry.call("consultar_empresa", {"nombre": "Empresa X"})).is_error


@pytest.mark.parametrize("silent", [False, True])
async def test_a_server_that_refuses_or_says_nothing_does_not_hold_the_start(silent: bool):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not silent:
            listener.close()
        registry = ToolRegistry()
        settings = _settings(POSTGRES_URL=f"postgres://u:hidden-word@127.0.0.1:{port}/db")
        async with asyncio.timeout(12):
            async with opened_packs(settings, registry):
                assert len(registry) > 0
                answer = await registry.call("consultar_empresa", {"nombre": "Empresa Y"})
        assert answer.is_error
        assert "hidden-word" not in answer.text
        assert len(registry) == 0
