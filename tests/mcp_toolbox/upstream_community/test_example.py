"""`examples/mcp-servers.json`: each server of it can be switched on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.nodejs import node, program

EXAMPLE = json.loads((Path(__file__).parents[3] / "examples/mcp-servers.json").read_text("utf-8"))["mcpServers"]


@pytest.fixture
def npx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `npx` that runs what is installed for the tests, instead of downloading it."""
    script = tmp_path / "bin/npx"
    script.parent.mkdir()
    installed = program("@modelcontextprotocol/server-filesystem")
    script.write_text(
        f'#!/bin/sh\ntest "$1 $2" = "-y @modelcontextprotocol/server-filesystem" || exit 1\nshift 2\n'
        f"exec '{node()}' '{installed}' \"$@\"\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")


@pytest.mark.timeout(60)
async def test_with_a_path_given_the_filesystem_works(toolbox_with: Any, tmp_path: Path, npx: None):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "hola.txt").write_text("¡hola!", "utf-8")
    entry = {name: value for name, value in EXAMPLE["filesystem"].items() if name != "disabled"}
    async with toolbox_with({"filesystem": entry}, FILESYSTEM_PATH=str(folder)) as toolbox:
        assert await toolbox.text("filesystem__read_text_file", path=str(folder / "hola.txt")) == "¡hola!"
        outside = await toolbox.result("filesystem__read_text_file", path="/etc/passwd")
        assert outside.is_error
        refused = await toolbox.call("filesystem__write_file", path=str(folder / "x"), content="x")
        assert refused.status_code == 403  # it is marked destructive, and nobody was asked
