"""The files of editors and assistants, read as the format of Claude Desktop: where their servers stand, what their
fields are called, and how they write comments.

Claude Desktop and Code, Cursor, Windsurf, Gemini CLI and others have `mcpServers`; VS Code `servers`, or `mcp.servers`
in its settings; Zed `context_servers`; Codex `mcp_servers`; opencode `mcp`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

Path = tuple[str, ...]

PLACES: tuple[Path, ...] = (
    ("mcpServers",), ("servers",), ("mcp", "servers"), ("context_servers",), ("mcp_servers",), ("mcp",),
)  # fmt: skip

WITHOUT_MEANING = frozenset({"description", "name", "icon", "tags", "metadata", "$schema", "$comment", "_comment"})

SAME = {
    "type": "kind", "transport": "kind", "transportType": "kind",
    "httpUrl": "url", "serverUrl": "url",
    "environment": "env", "http_headers": "headers",
    "disabledTools": "deny", "excludeTools": "deny", "disabled_tools": "deny",
    "enabledTools": "allow", "includeTools": "allow", "enabled_tools": "allow", "tools": "allow",
    "startup_timeout_sec": "connect_timeout_seconds", "tool_timeout_sec": "timeout_seconds",
}  # fmt: skip
"""Other clients' names for our fields (Cline, Kiro, Roo Code, Gemini CLI, Windsurf, Codex, opencode, Copilot)."""

_KINDS = {
    "stdio": "stdio", "local": "stdio", "sse": "sse", "http": "http", "remote": "http", "streamable-http": "http",
    "streamablehttp": "http", "streamable": "http",
}  # fmt: skip

NOT_FOLLOWED = {
    "alwaysAllow": "approval is asked for as for any other tool",
    "autoApprove": "approval is asked for as for any other tool",
    "trust": "approval is asked for as for any other tool",
    "timeout": "its unit differs from client to client; timeout_seconds has one",
    "oauth": "the toolbox asks for no token; write one into headers, as Bearer ${NAME}",
    "auth": "the toolbox asks for no token; write one into headers, as Bearer ${NAME}",
}
"""Fields that are ignored with a warning, because ignoring them is safe."""

REFUSED = {
    "envFile": "is not read here; write the variables into env, as NAME: ${NAME}",
    "env_file": "is not read here; write the variables into env, as NAME: ${NAME}",
}

_RESTRICTS = re.compile(
    r"allow|deny|block|exclu|inclu|restrict|permi|read.?only|confirm|approv|sandbox|tools?(?![a-z])", re.IGNORECASE
)
"""An unknown field that may restrict a server is never passed over."""

_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)


def plain_json(text: str) -> str:
    """Returns JSON with comments and last commas, as editors allow them, as plain JSON with the same lines."""
    return _LAST_COMMA.sub(_blank, _COMMENT.sub(_blank, text))


def _blank(found: re.Match[str]) -> str:
    if found[0].startswith('"') or (found[0] == "," and _is_first(found.string, found.start())):
        return found[0]
    return re.sub(r"[^\n]", " ", found[0])


def _is_first(text: str, at: int) -> bool:
    """Returns whether nothing stands before the comma at `at` that it could follow; such a comma is a mistake."""
    while at > 0 and text[at - 1].isspace():
        at -= 1
    return text[at - 1] in "{[,"


def servers_in(document: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yields each object of servers in a file, with its place."""
    for place in PLACES:
        value: Any = document
        for step in place:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, dict) and not (place == ("mcp",) and "servers" in value):
            yield place, value


def in_our_words(place: Path, written: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an entry of `place` with those fields translated that are built in another way than ours."""
    entry = dict(written)
    command = entry.get("command")
    if isinstance(command, dict):  # Zed
        entry |= {"command": command.get("path"), **{key: command[key] for key in ("args", "env") if key in command}}
        entry.pop("source", None)
    elif place == ("mcp",) and isinstance(command, list) and command:  # opencode
        entry |= {"command": command[0], "args": [*command[1:], *entry.get("args", [])]}
    _from_codex(entry)
    for field in ("type", "transport", "transportType"):
        if isinstance(entry.get(field), str):
            entry[field] = _KINDS.get(entry[field].strip().lower().replace("_", "-"), entry[field])
    return entry


def _from_codex(entry: dict[str, Any]) -> None:
    headers = "http_headers" if "http_headers" in entry else "headers"
    token = entry.get("bearer_token_env_var")
    if isinstance(token, str):
        del entry["bearer_token_env_var"]
        entry[headers] = {**entry.get(headers, {}), "Authorization": f"Bearer ${{{token}}}"}
    named: Any = entry.get("env_http_headers")
    if isinstance(named, dict):
        del entry["env_http_headers"]
        entry[headers] = {**entry.get(headers, {}), **{header: f"${{{name}}}" for header, name in named.items()}}
    passed: Any = entry.get("env_vars")
    if isinstance(passed, list) and all(isinstance(name, str) for name in passed):
        del entry["env_vars"]
        entry["env"] = {**{name: f"${{{name}}}" for name in passed}, **entry.get("env", {})}


def may_be_ignored(field: str, known: Callable[[], list[str]]) -> bool:
    """Returns whether an unknown field is harmless: it is not one of ours misspelled, and does not look as if it
    restricted a server."""
    return not _RESTRICTS.search(field) and not get_close_matches(field, known(), 1, 0.75)
