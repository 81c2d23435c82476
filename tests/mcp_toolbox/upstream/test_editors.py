"""The files of editors and assistants, one fixture each, and what of their syntax is a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp_toolbox.upstream.editors import plain_json
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.references import References
from mcp_toolbox.upstream.servers_file import Servers, read_servers
from mcp_toolbox.upstream.spec import Limits

FOLDER = Path(__file__).parent / "editors"
BEARER = {"Authorization": "Bearer t0k"}

FILES: dict[str, dict[str, dict[str, Any]]] = {
    "claude_desktop": {"files": {"command": "npx"}, "github": {"command": "docker", "env": {"TOKEN": "t0k"}}},
    "claude_code": {
        "files": {"command": "npx", "args": ("server",), "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "kind": "http", "headers": BEARER},
        "old": {"url": "https://b.example/sse", "kind": "sse"},
    },
    "cursor": {
        "files": {"command": "python", "args": ("server.py",), "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "headers": BEARER},
    },
    "vscode": {
        "files": {"command": "npx", "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "kind": "http", "headers": BEARER},
        "old": {"kind": "sse"},
    },
    "vscode_settings": {"files": {"command": "npx"}},
    "windsurf": {"files": {"command": "npx"}, "web": {"url": "https://a.example/mcp", "headers": {"API_KEY": "t0k"}}},
    "zed": {
        "files": {"command": "npx", "args": ("-y", "server"), "env": {"KEY": "t0k"}},
        "older": {"command": "npx", "args": ("-y", "server"), "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "headers": BEARER},
    },
    "codex": {
        "files": {"command": "npx", "env": {"TOKEN": "t0k"}},
        "web": {"url": "https://a.example/mcp", "headers": {**BEARER, "X-Key": "t0k"}},
    },
    "codex_toml": {
        "files": {"command": "npx", "args": ("-y", "server"), "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "headers": {**BEARER, "X-Key": "t0k", "X-Region": "eu"}},
    },
    "cline": {
        "files": {"command": "npx", "args": ("-y", "server"), "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "kind": "http", "headers": BEARER},
    },
    "roo_code": {
        "files": {"command": "npx", "args": ("-y", "server")},
        "web": {"url": "https://a.example/mcp", "kind": "http", "headers": BEARER},
        "old": {"url": "https://b.example/sse", "kind": "sse"},
    },
    "gemini_cli": {
        "files": {"command": "npx", "args": ("-y", "server"), "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "headers": BEARER},
    },
    "continue": {"files": {"command": "npx"}, "web": {"url": "https://a.example/mcp", "kind": "http"}},
    "opencode": {
        "files": {"command": "npx", "args": ("-y", "server"), "env": {"KEY": "t0k"}},
        "web": {"url": "https://a.example/mcp", "headers": BEARER},
    },
}


@pytest.mark.parametrize("editor", FILES)
def test_an_editors_file_is_read(editor: str):
    (file,) = FOLDER.glob(f"{editor}.*")
    servers = read_servers(file, Limits())
    assert servers.specs.keys() == FILES[editor].keys()
    for name, wanted in FILES[editor].items():
        target = servers.specs[name].target.filled_in(References({"TOKEN": "t0k"}))
        assert {field: getattr(target, field) for field in wanted} == wanted
    if editor.startswith("codex"):
        limits = servers.specs["files"].limits
        assert (limits.connect_seconds, limits.call_seconds) == (20, 45)
        assert servers.specs["web"].allow == ("find",)


@pytest.fixture
def read(tmp_path: Path):
    def written(text: str) -> Servers:
        file = tmp_path / "servers.json"
        file.write_text(text)
        return read_servers(file, Limits())

    return written


HARMLESS = {
    "gallery": True, "version": "1", "oauth": {}, "note": "x", "startup_timeout_sec": 5, "autoApprove": ["a"],
    "alwaysAllow": ["a"], "dev": {}, "presentation": {}, "registryUrl": "x", "x-mine": 1, "icon": "x", "scope": "user",
    "alwaysLoad": True, "enabled": True, "disabled": False, "label": "x", "provenance": {}, "iconUrl": "x",
}  # fmt: skip


@pytest.mark.parametrize("field", HARMLESS)
def test_a_harmless_field_is_accepted(read: Any, field: str):
    servers = read(json.dumps({"mcpServers": {"a": {"command": "x", field: HARMLESS[field]}}}))
    assert "a" in servers.specs
    known = ("enabled", "disabled", "icon", "startup_timeout_sec")
    assert bool(servers.warnings) == (field not in known)
    assert all(warning.startswith(f"a.{field}: not followed") for warning in servers.warnings)


@pytest.mark.parametrize("kind", ["stdio", "STDIO", "Stdio", "local"])
def test_the_type_of_a_process_in_any_capitals(read: Any, kind: str):
    assert read(json.dumps({"mcpServers": {"a": {"command": "x", "type": kind}}})).specs["a"].target.kind == "stdio"


@pytest.mark.parametrize(
    ("kind", "read_as"),
    [("HTTP", "http"), ("streamableHttp", "http"), ("Streamable-HTTP", "http"), ("streamable_http", "http"),
     ("remote", "http"), ("SSE", "sse"), ("Sse", "sse")],
)  # fmt: skip
def test_the_type_of_an_address_in_any_capitals(read: Any, kind: str, read_as: str):
    servers = read(json.dumps({"mcpServers": {"a": {"url": "http://a", "type": kind}}}))
    assert servers.specs["a"].target.kind == read_as


@pytest.mark.parametrize(
    "field", ["comand", "arg", "header", "disable", "blockedTools", "readOnly", "allowedTools", "sandbox"]
)
def test_a_field_that_may_matter_is_a_mistake(read: Any, field: str):
    with pytest.raises(ServersFileError, match=f"line 3: mcpServers.a.{field}: unknown field"):
        read(f'{{"mcpServers": {{"a": {{"command": "x",\n\n"{field}": 1}}}}}}')


@pytest.mark.parametrize(
    "value",
    ["${input:token}", "Bearer ${input:x}", "${workspaceFolder}/x", "${userHome}", "${workspaceFolder:api}",
     "${config:a.b}", "${command:x}", "${A:-${B}}", "${A:?missing}", "${A:+x}", "${1}", "${ A}", "${}", "${A",
     "${env:A B}", "${/}", "${secret:x}", "${env.A}", "${A-b}", "${cwd}"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["env", "args", "command", "cwd", "url", "headers"])
def test_another_reference_is_a_mistake_with_its_line(read: Any, value: str, field: str):
    text = json.dumps(value)
    written = {"env": f'{{"K": {text}}}', "headers": f'{{"K": {text}}}', "args": f"[{text}]"}.get(field, text)
    base = '"url": "http://a",' if field == "headers" else "" if field in ("command", "url") else '"command": "x",'
    with pytest.raises(ServersFileError) as refused:
        read(f'{{"mcpServers": {{"a": {{{base}\n// a comment\n"{field}": {written}\n}}}}}}')
    assert f"line 3: mcpServers.a.{field}" in str(refused.value)


def test_what_is_meant_literally_is_kept(read: Any):
    servers = read(
        json.dumps({"mcpServers": {"a": {"command": "x", "args": ["$${input:x}", "$A", "$$", "{x}", "{env:}"]}}})
    )
    target = servers.specs["a"].target.filled_in(References({}))
    assert target.args == ("${input:x}", "$A", "$$", "{x}", "{env:}")


def test_comments_and_last_commas_keep_their_lines():
    text = '{\n // one, "two"\n "a": "// no", /* x\n y */ "b": [1,\n 2,\n],}'
    assert json.loads(plain_json(text)) == {"a": "// no", "b": [1, 2]}
    assert len(plain_json(text)) == len(text)
    assert plain_json(text).count("\n") == text.count("\n")
    for broken in ('{"a": 1 /* }', "{,}", '{"a": [,]}', '{"a": 1,,}'):
        with pytest.raises(json.JSONDecodeError):
            json.loads(plain_json(broken))


def test_one_name_in_two_places_is_a_mistake(read: Any):
    with pytest.raises(ServersFileError, match=r"line 2: servers\.a: stands there twice"):
        read('{"mcpServers": {"a": {"command": "x"}},\n"servers": {"a": {"command": "y"}}}')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[mcp_servers.a]\ncommand = "x"\n\nreadOnly = true', r"^line 4: mcp_servers\.a\.readOnly: unknown field$"),
        ('# mine\nmcp_servers."a.b".command = "x"\n[mcp_servers.c]\n', r"^line 3: mcp_servers\.c: needs either"),
        ('[mcp_servers.a]\ncommand = "x"\ncommand = "y"\n', "^no TOML: Cannot overwrite a value"),
        ('[mcp_servers.a]\ncommand = "x"\n[mcp_servers.a]', "^no TOML: .*line 3"),
        ('model = "m"\n', "mcpServers: is missing"),
        ("mcpServers:\n  - name: a\n    command: x", "^line 1: is YAML, which is not read"),
        ("# mine\n---\nname: x\nmcpServers: []", "^line 1: is YAML, which is not read"),
        ('{"mcpServers": [{"name": "a", "command": "x"}]}', "^line 1: a list of servers, as in Continue's files"),
        ("[1, 2]", "must be an object"),
    ],
)
def test_another_format_is_refused_by_its_name(read: Any, text: str, message: str):
    with pytest.raises(ServersFileError, match=message):
        read(text)
