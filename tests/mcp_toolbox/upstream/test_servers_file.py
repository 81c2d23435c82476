"""The servers file: which fields are accepted, and how mistakes are reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.upstream.errors import ServersFileError, UpstreamUnavailable
from mcp_toolbox.upstream.json_lines import JsonLines
from mcp_toolbox.upstream.references import References
from mcp_toolbox.upstream.servers_file import Servers, read_servers
from mcp_toolbox.upstream.spec import Address, Command, Limits

DEFAULTS = Limits()


@pytest.fixture
def read(tmp_path: Path):
    def written(text: str | bytes | dict[str, Any]) -> Servers:
        file = tmp_path / "servers.json"
        if isinstance(text, dict):
            text = json.dumps({"mcpServers": text})
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_servers(file, DEFAULTS)

    return written


def test_the_format_of_claude_desktop(read: Any, tmp_path: Path):
    specs = read(
        {
            "files": {"command": "npx", "args": ["-y", "server"], "env": {"A": "1"}, "cwd": "data"},
            "web": {"type": "http", "url": "https://a.example/mcp", "headers": {"Authorization": "Bearer ${T}"}},
            "old": {"transport": "sse", "url": "http://b.example/sse"},
            "bare": {"url": "http://c.example/mcp"},
        }
    ).specs
    assert specs["files"].target == Command("npx", ("-y", "server"), {"A": "1"}, tmp_path / "data")
    assert specs["web"].target == Address("https://a.example/mcp", "http", {"Authorization": "Bearer ${T}"})
    assert specs["old"].target == Address("http://b.example/sse", "sse")
    assert specs["bare"].target.kind == "http"
    assert specs["bare"].limits == DEFAULTS


def test_fields_of_our_own(read: Any):
    entry = {
        "command": "x", "disabled": True, "allow": ["a*"], "deny": ["ab"], "destructive": ["rm*"], "pin": "strict",
        "timeout_seconds": 1.5, "connect_timeout_seconds": 2, "max_result_bytes": 2048, "max_concurrent_calls": 3,
    }  # fmt: skip
    spec = read({"one": entry}).specs["one"]
    assert (spec.disabled, spec.pin, spec.limits) == (True, "strict", Limits(1.5, 2048, 2, 3))
    assert [spec.allows(tool) for tool in ("a", "ab", "abc", "b")] == [True, False, True, False]
    assert [spec.marks_destructive(tool) for tool in ("rm_all", "arm")] == [True, False]


def test_fields_of_other_clients(read: Any):
    entry = {
        "httpUrl": "http://a.example/mcp", "disabledTools": ["x"], "includeTools": ["y"], "enabled": False,
        "alwaysAllow": ["y"], "timeout": 60, "description": "ours",
    }  # fmt: skip
    servers = read({"one": entry})
    spec = servers.specs["one"]
    assert (spec.target.kind, spec.disabled, spec.allow, spec.deny) == ("http", True, ("y",), ("x",))
    assert [warning.split(":")[0] for warning in servers.warnings] == ["one.alwaysAllow", "one.timeout"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: Expecting value"),
        ('{"mcpServers": {\n  "a": {"command": "x",,}\n}}', "line 2, column 2"),
        ("[]", "line 1: must be an object"),
        ("{}", "line 1: mcpServers: is missing"),
        ('{"server": {}}', "line 1: mcpServers: is missing"),
        ('{"mcpServers": {\n"a": {\n"comand": "x"}}}', "line 3: mcpServers.a.comand: unknown field"),
        ('{"mcpServers": {"a": 5}}', "line 1: mcpServers.a: must be an object"),
        ('{"mcpServers": {"a": {}}}', "mcpServers.a: needs either command or url"),
        ('{"mcpServers": {"a": {"command": "x", "url": "http://a"}}}', "needs either command or url"),
        ('{"mcpServers": {"a": {"command": ""}}}', "mcpServers.a.command: String should have at least 1"),
        ('{"mcpServers": {"a": {"command": ["x"]}}}', "mcpServers.a.command: Input should be a valid string"),
        ('{"mcpServers": {"a": {"command": "x", "args": [1]}}}', "mcpServers.a.args.0: Input should be a valid string"),
        ('{"mcpServers": {"a": {"command": "x",\n"env": {\n"PORT": 80}}}}', "line 3: mcpServers.a.env.PORT"),
        ('{"mcpServers": {"a": {"url": "ftp://a"}}}', "mcpServers.a.url: must begin with http"),
        ('{"mcpServers": {"a": {"url": "http://a", "env": {"A": "1"}}}}', "mcpServers.a.env: goes with command"),
        ('{"mcpServers": {"a": {"command": "x", "headers": {"A": "1"}}}}', "mcpServers.a.headers: goes with url"),
        ('{"mcpServers": {"a": {"command": "x", "type": "http"}}}', "type http goes with url"),
        ('{"mcpServers": {"a": {"url": "http://a", "type": "stdio"}}}', "type stdio goes with command"),
        ('{"mcpServers": {"a": {"url": "http://a", "type": "ws"}}}', "mcpServers.a.type: Input should be"),
        ('{"mcpServers": {"a": {"command": "x", "timeout_seconds": 0}}}', "mcpServers.a.timeout_seconds"),
        ('{"mcpServers": {"a": {"command": "x", "timeout_seconds": "5"}}}', "mcpServers.a.timeout_seconds"),
        ('{"mcpServers": {"a": {"command": "x", "envFile": ".env"}}}', "mcpServers.a.envFile: is not read here"),
        ('{"mcpServers": {"a": {"command": "x", "deny": [], "disabledTools": ["b"]}}}',
         "says something else than deny"),
        ('{"mcpServers": {"": {"command": "x"}}}', "a server's name has 1 to 100"),
        ('{"mcpServers": {"a": {"command": "x"},\n"a": {"command": "y"}}}', "line 2: mcpServers.a: stands there twice"),
        (b'{"mcpServers": {\n"\xff": {}}}', "line 2: is not UTF-8"),
        ("[" * 100_000, "line 1"),
        (b"x" * (1024 * 1024 + 1), "more than 1048576 bytes"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place(read: Any, text: str | bytes, message: str):
    with pytest.raises(ServersFileError) as refused:
        read(text)
    assert message in str(refused.value)


def test_every_mistake_is_reported_at_once(read: Any):
    with pytest.raises(ServersFileError) as refused:
        read({"a": {"comand": "x"}, "b": {"url": "x"}, "c": 1})
    assert len(str(refused.value).splitlines()) == 3


def test_a_secret_is_not_repeated_in_a_message(read: Any):
    with pytest.raises(ServersFileError) as refused:
        read({"a": {"command": "x", "env": {"KEY": ["s3cr3t"]}}})
    assert "s3cr3t" not in str(refused.value)


def test_a_byte_order_mark_is_read_over(read: Any):
    assert read("\ufeff" + json.dumps({"mcpServers": {}})).specs == {}


def test_every_prefix_of_a_file_is_refused_or_read(read: Any):
    text = json.dumps(
        {"mcpServers": {"ñ": {"command": "x", "args": ['"}{,:\\']}}}, indent=1, ensure_ascii=False
    ).encode()
    for end in range(len(text)):
        with pytest.raises(ServersFileError):
            read(text[:end])
    assert read(text).specs["ñ"].target == Command("x", ('"}{,:\\',))


def test_places_know_keys_from_values():
    text = '{"a": "b",\n "c": ["a", {"x": 1},\n {"x": 2}], "d": {\n "\\u0061": {"a": {}}}}'
    places = JsonLines(text)
    assert places.repeated == {}
    assert [places.line(path) for path in [("a",), ("c",), ("d", "a"), ("d", "a", "a"), ("d", "zz"), ("q",)]] == [
        1,
        2,
        4,
        4,
        3,
        1,
    ]


def test_references():
    references = References({"A": "1", "EMPTY": "", "B": "${A}"})
    assert references.fill("x${A}y${B}") == "x1y${A}"  # what is filled in is not read again
    assert references.fill("${EMPTY:-d} ${NONE:-} ${NONE:-a:-b}") == "d  a:-b"
    assert references.fill("$${A} $A ${ A} ${1} $") == "${A} $A ${ A} ${1} $"
    assert references.secrets == {"1", "${A}"}
    for missing in ("${EMPTY}", "${NONE}"):
        with pytest.raises(UpstreamUnavailable, match="is not set") as unset:
            references.fill(missing)
        assert unset.value.final
