"""A hostile server finds no secret of ours in /proc, its descriptors or its environment, as whichever user it runs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_toolbox.upstream.account import Account, UnknownAccount, account_of

from tests.mcp_toolbox.upstream.test_child import connected, free_port, toolbox

HOSTILE = Path(__file__).parent / "servers" / "hostile.py"
MARK = "FAKE-SECRET-7731"
SECRETS = {
    "API_KEYS": f"{MARK}-key", "MCP_STATE_KEYS": f"{MARK}-{'0' * 32}", "ODOO_PASSWORD": MARK, "OPENAI_API_KEY": MARK,
}  # fmt: skip
ROOT = os.geteuid() == 0
SYSTEMS_PYTHON = shutil.which("python3", path="/usr/bin:/bin")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux closes processes"),
    pytest.mark.timeout(90),
]

AS_WHOM = {
    "as it comes": (sys.executable, {}),
    "as nobody": (SYSTEMS_PYTHON, {"MCP_STDIO_USER": "nobody"}),
    "as a number": (SYSTEMS_PYTHON, {"MCP_STDIO_USER": "61234"}),
    "nobody by itself": (SYSTEMS_PYTHON, {}),
}


@pytest.mark.parametrize("whom", AS_WHOM)
async def test_nothing_of_ours_is_found(tmp_path: Path, whom: str):
    python, environ = AS_WHOM[whom]
    if python is None or (whom != "as it comes" and not ROOT):
        pytest.skip("needs root and a Python of the system")
    entry = {"command": python, "args": ["-I", "-S", str(HOSTILE), MARK[::-1]]}
    async with AsyncExitStack() as stack:
        others = [await service(stack, name) for name in ("llm_gateway", "agent_http", "agent_websocket")]
        child, url = await stack.enter_async_context(toolbox({"evil": entry}, tmp_path, **SECRETS, **environ))
        ours = {str(each) for each in (*others, child.pid)}
        await connected(url, "evil")
        seen = await look(url)
        ours.add(str(seen["parent"]))
        assert {place for place in seen["found"] if place.split("/")[0] in ours | {"own environment"}} == set()
        assert {place for place in seen["opened"] if place.split("/")[0] in ours} == set()
        assert seen["inherited"] == []
        assert seen["home"]
        assert int(seen["capabilities"], 16) == 0
        if whom == "as a number":
            assert (seen["uid"], seen["groups"]) == (61234, [])
        elif whom != "as it comes":
            assert (seen["uid"], seen["groups"]) == (65534, [])


async def service(stack: AsyncExitStack, module: str) -> int:
    """Starts one of the other services with every secret, and returns its process id once it serves."""
    port = free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdout=DEVNULL, stderr=DEVNULL, env={**os.environ, **SECRETS, "PORT": str(port)}
    )

    async def end() -> None:
        child.kill()
        await child.wait()

    stack.push_async_callback(end)
    async with asyncio.timeout(40), httpx.AsyncClient() as http:
        while True:
            try:
                await http.get(f"http://127.0.0.1:{port}/healthz")
                return child.pid
            except httpx.TransportError:
                assert child.returncode is None
                await asyncio.sleep(0.05)


async def look(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=25) as http:
        body = {"name": "evil__look", "arguments": {}}
        headers = {"authorization": f"Bearer {MARK}-key"}
        response = await http.post(f"{url}/mcp/tools/call", json=body, headers=headers)
        return json.loads(response.json()["content"][0]["text"])


@pytest.mark.skipif(not ROOT, reason="only root chooses users")
def test_which_account_servers_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nobody = account_of(None)
    assert nobody is not None
    assert (nobody.uid, nobody.required) == (65534, False)
    assert account_of("root") is None
    account = account_of("61234")
    assert account is not None
    assert account == Account(61234, 61234, required=True)
    with pytest.raises(UnknownAccount, match="no-such-user"):
        account_of("no-such-user")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = account.home()
    assert (home.stat().st_uid, home.stat().st_mode & 0o777) == (61234, 0o700)
    assert account.home() == home
    os.chown(home, 0, 0)  # as if another user had made it first
    other = account.home()
    assert other != home
    assert other.stat().st_uid == 61234
