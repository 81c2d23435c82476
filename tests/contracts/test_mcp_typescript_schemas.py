"""The official TypeScript clients compile what the toolbox passes on of other servers' schemas."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.app import create_app
from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.settings import ToolboxSettings
from mcp_toolbox.upstream.ecma_pattern import compiles
from mcp_toolbox.upstream.manager import UpstreamManager
from mcp_toolbox.upstream.schema_check import SchemaCheck
from service_kit.settings import load
from service_kit.testing import running

from tests.contracts.test_mcp_typescript import WAYS, report_of
from tests.mcp_toolbox.upstream.conftest import until
from tests.mcp_toolbox.upstream.hostile_schemas import LAX, UNUSABLE, USABLE
from tests.nodejs import FOLDER, run_node

PLAIN = Path(__file__).parent.parent / "mcp_toolbox" / "upstream" / "servers" / "plain.py"

PIECES = [
    *"a-|*+?{}[]()^$./", "\\w", "\\d-x", "\\-", "\\@", "\\A", "[^", "(?:", "(?=", "(?<=", "(?<n>", "(?P<n>", "(?i)",
    "{2}", "{2,1}", "{1,", "\\b", "\\1", "\\0", "\\01", "\\x41", "\\x4", "\\u0041", "\\u{1F600}", "\\p{L}",
    "\\p{Script=Greek}", "\\p{Foo}", "\\k<n>", "\\cA", "\\c", "é", "😀", "z-a", "a-z", "\\w-.", "\\", "{3,}", "[a-z]",
]  # fmt: skip


async def test_every_schema_that_is_passed_on_compiles(tmp_path: Path):
    passed = [SchemaCheck(schema).schema for schema in USABLE.values()] + [SchemaCheck(LAX, drop_patterns=True).schema]
    said = await judged("compile_schemas.mjs", passed, tmp_path)
    assert [each for each in said if each["v1"] or each["v2"]] == []


async def test_patterns_are_judged_as_by_an_engine(tmp_path: Path):
    draw = random.Random(7)
    patterns = ["".join(draw.choice(PIECES) for _ in range(draw.randint(1, 6))) for _ in range(20_000)]
    said = await judged("compile_patterns.mjs", patterns, tmp_path)
    ours = [{"unicode": compiles(each), "lax": compiles(each, unicode=False)} for each in patterns]
    assert [each for each in zip(patterns, ours, said, strict=True) if each[1] != each[2]] == []


async def judged(script: str, cases: list[Any], folder: Path) -> list[Any]:
    file = folder / "cases.json"
    file.write_text(json.dumps(cases))
    ended = await run_node(FOLDER / script, str(file))
    assert ended.code == 0, ended
    return json.loads(ended.output)


@pytest.mark.parametrize("way", ["v1, streamable-http", "v2, streamable-http", "v2, streamable-http, legacy"])
async def test_hostile_schemas_take_no_other_tool_away(tmp_path: Path, way: str):
    schemas = [*USABLE.values(), *UNUSABLE.values(), LAX]
    tools = [{"name": f"o{n}", "inputSchema": {"type": "object"}, "outputSchema": s} for n, s in enumerate(schemas)]
    tools += [{"name": f"i{n}", "inputSchema": s} for n, s in enumerate(schemas)]
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    options = json.dumps({"tools": str(tmp_path / "tools.json")})
    entry = {"command": sys.executable, "args": ["-I", "-S", str(PLAIN), options]}
    (tmp_path / "servers.json").write_text(json.dumps({"mcpServers": {"std": entry}}))
    upstreams = UpstreamManager(tmp_path / "servers.json", {})
    registry = ToolRegistry()
    async with running(create_app(load(ToolboxSettings, {}), registry, upstreams)) as url:
        await until(lambda: len(registry))
        report = await report_of({**WAYS[way][0], "only": "list"}, url)
        assert report["tools"] == [tool.name for tool in registry]
        assert {f"std__o{n}" for n in range(len(schemas))} <= set(report["tools"])
        usable = {f"std__i{n}" for n in (*range(len(USABLE)), len(schemas) - 1)}
        assert {name for name in report["tools"] if name.startswith("std__i")} == usable
