"""A hostile server under the suite as `make up` starts it: every process of it, `scripts/up.py` included, is closed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.suite import UpProcess, starting
from tests.mcp_toolbox.upstream.conftest import is_alive, plain_server, until
from tests.mcp_toolbox.upstream.test_child import connected
from tests.mcp_toolbox.upstream.test_proc import HOSTILE, MARK, look

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux closes processes"),
    pytest.mark.timeout(150),
]

SECRETS = {"API_KEYS": f"{MARK}-key", "MCP_STATE_KEYS": f"{MARK}-{'0' * 32}", "A_PROVIDERS_KEY": MARK}
SERVICES = {"llm_gateway", "mcp_toolbox", "agent_http", "agent_websocket"}


@contextmanager
def suite(folder: Path) -> Iterator[UpProcess]:
    """The suite with every secret, a hostile server, and one that has a secret in an environment of its own. Whatever
    happens within the block, none of their processes outlives it."""
    file = folder / "servers.json"
    hostile = {"command": sys.executable, "args": ["-I", "-S", str(HOSTILE), MARK[::-1]]}
    victim = plain_server({"env": {"OF_ANOTHER_SERVER": MARK}})
    file.write_text(json.dumps({"mcpServers": {"evil": hostile, "victim": victim}}))
    family: list[psutil.Process] = []
    with starting(MCP_SERVERS_FILE=str(file), AUTH_MODE="keys", OFFLINE_FALLBACK="auto", **SECRETS) as up:
        try:
            yield up
        finally:
            root = psutil.Process(up.process.pid)
            family = [root, *root.children(recursive=True)] if up.process.poll() is None else []
            try:
                up.end()
            finally:
                for process in family:
                    with suppress(psutil.NoSuchProcess):  # psutil never kills another process that got its number
                        process.kill()
                up.process.wait(10)


async def test_nothing_of_any_process_is_readable(tmp_path: Path):
    with suite(tmp_path) as up:
        up.wait_until_up()
        await connected(up.toolbox, "evil", "victim")
        services = up.children()
        assert services.keys() == SERVICES
        family = {each.pid for each in psutil.Process(up.process.pid).children(recursive=True)}
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {MARK}-key"}) as http:
            answer = await http.post(f"{up.toolbox}/mcp/tools/call", json={"name": "victim__pids", "arguments": {}})
        victim = json.loads(answer.json()["content"][0]["text"])["server"]
        seen = await look(up.toolbox)
        # It can look: another server's environment is open to it, as docs/security.md says.
        assert f"{victim}/environ" in seen["found"]
        ours = {str(pid) for pid in ({up.process.pid} | family) - {victim}} | {"own environment"}
        assert {str(up.process.pid), *map(str, services.values()), str(seen["parent"])} <= ours
        own = {place for place in (*seen["found"], *seen["opened"]) if place.split("/")[0] in ours}
        assert own == set()
        assert seen["inherited"] == []
    await until(lambda: not any(is_alive(pid) for pid in family), 10)


async def test_a_failure_leaves_no_process_behind(tmp_path: Path):
    family: set[int] = set()

    class Failed(Exception):
        pass

    async def fail() -> None:
        with suite(tmp_path) as up:
            up.wait_until_up()
            await connected(up.toolbox, "evil", "victim")
            family.update(each.pid for each in psutil.Process(up.process.pid).children(recursive=True))
            raise Failed

    with pytest.raises(Failed):
        await fail()
    assert len(family) >= len(SERVICES) + 2
    await until(lambda: not any(is_alive(pid) for pid in family), 10)
