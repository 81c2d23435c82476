"""The `mcpServers` file: the format of Claude Desktop with further fields, and with those of other clients that have an
equivalent here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.json_lines import JsonLines
from mcp_toolbox.upstream.names import prefixes
from mcp_toolbox.upstream.spec import Address, Command, Limits, Pin, ServerSpec

_MAX_BYTES = 1024 * 1024
_MAX_SERVERS = 200

_Word = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
_Patterns = tuple[_Word, ...]


class _Entry(BaseModel):
    """One server as written in the file, after other clients' names of fields have been translated."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True, hide_input_in_errors=True)

    command: _Word | None = None
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: _Word | None = None
    url: _Word | None = None
    kind: Literal["stdio", "http", "streamable-http", "streamableHttp", "streamable_http", "sse"] | None = None
    headers: dict[str, str] = {}
    disabled: bool = False
    allow: list[_Word] | None = None
    deny: list[_Word] = []
    destructive: list[_Word] = []
    pin: Pin = "report"
    elicitation: bool = True
    timeout_seconds: float | None = Field(None, gt=0, le=86_400)
    connect_timeout_seconds: float | None = Field(None, gt=0, le=3_600)
    max_result_bytes: int | None = Field(None, ge=1024, le=256 * 1024 * 1024)
    max_concurrent_calls: int | None = Field(None, ge=1, le=1_000)


_SAME = {
    "type": "kind", "transport": "kind", "transportType": "kind",
    "httpUrl": "url", "serverUrl": "url",
    "disabledTools": "deny", "excludeTools": "deny", "disabled_tools": "deny",
    "enabledTools": "allow", "includeTools": "allow", "enabled_tools": "allow",
}  # fmt: skip
"""Other clients' names for these fields (Cline, Kiro, Roo Code, Gemini CLI, Windsurf, Codex)."""

_WITHOUT_MEANING = frozenset({"description", "name", "icon", "tags", "metadata", "$schema", "$comment", "_comment"})

_NOT_FOLLOWED = {
    "alwaysAllow": "approval is asked for as for any other tool",
    "autoApprove": "approval is asked for as for any other tool",
    "trust": "approval is asked for as for any other tool",
    "timeout": "its unit differs from client to client; timeout_seconds has one",
}
"""Fields that are ignored with a warning, because ignoring them is safe."""

_REFUSED = {
    "envFile": "is not read here; write the variables into env, as NAME: ${NAME}",
    "env_file": "is not read here; write the variables into env, as NAME: ${NAME}",
}


@dataclass(frozen=True)
class Servers:
    """The content of a file, and warnings about parts without effect."""

    specs: Mapping[str, ServerSpec]
    warnings: tuple[str, ...] = ()


class _Reader:
    """Reads one file; it collects all mistakes with their lines before it raises."""

    def __init__(self, text: str, folder: Path, defaults: Limits) -> None:
        try:
            self._document: Any = json.loads(text)
        except json.JSONDecodeError as error:
            raise ServersFileError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
        except RecursionError:
            raise ServersFileError("line 1: nested too deep") from None
        self._lines = JsonLines(text)
        self._folder = folder
        self._defaults = defaults
        self._mistakes: list[tuple[int, str]] = []
        self._warnings: list[str] = []

    def read(self) -> Servers:
        for path, line in self._lines.repeated.items():
            self._mistakes.append((line, f"{'.'.join(path)}: stands there twice"))
        servers = self._servers()
        names = prefixes(servers)
        specs = {name: self._spec(name, entry, names[name]) for name, entry in servers.items()}
        if self._mistakes:
            lines = [f"line {line}: {text}" for line, text in sorted(self._mistakes)]
            raise ServersFileError("\n".join(lines))
        return Servers({name: spec for name, spec in specs.items() if spec}, tuple(self._warnings))

    def _servers(self) -> dict[str, Any]:
        if not isinstance(self._document, dict):
            raise ServersFileError('line 1: must be an object: {"mcpServers": {…}}')
        servers = self._document.get("mcpServers")
        if not isinstance(servers, dict):
            raise ServersFileError("line 1: mcpServers: is missing, or is no object")
        if others := self._document.keys() - {"mcpServers"} - _WITHOUT_MEANING:
            self._warnings.append(f"not read: {', '.join(sorted(others))}")
        if len(servers) > _MAX_SERVERS:
            raise ServersFileError(f"line 1: mcpServers: more than {_MAX_SERVERS} servers")
        return servers

    def _spec(self, name: str, written: Any, prefix: str) -> ServerSpec | None:
        path = ("mcpServers", name)
        if not name.strip() or len(name) > 100 or not name.isprintable():
            return self._mistake(path, "a server's name has 1 to 100 visible characters")
        if not isinstance(written, dict):
            return self._mistake(path, "must be an object")
        entry = self._entry(path, written)
        if entry is None:
            return None
        target = self._target(path, entry)
        if target is None:
            return None
        return ServerSpec(
            name=name,
            target=target,
            prefix=prefix,
            disabled=entry.disabled,
            allow=None if entry.allow is None else tuple(entry.allow),
            deny=tuple(entry.deny),
            destructive=tuple(entry.destructive),
            pin=entry.pin,
            elicits=entry.elicitation,
            limits=self._limits(entry),
        )

    def _entry(self, path: tuple[str, ...], written: Mapping[str, Any]) -> _Entry | None:
        fields: dict[str, Any] = {}
        places: dict[str, str] = {}
        for key, value in written.items():
            field = _SAME.get(key, key)
            if key in _REFUSED:
                self._mistake((*path, key), _REFUSED[key])
            elif key in _NOT_FOLLOWED:
                self._warnings.append(f"{path[-1]}.{key}: not followed: {_NOT_FOLLOWED[key]}")
            elif key == "enabled" and isinstance(value, bool):
                fields["disabled"] = not value
            elif field == "kind" and key == "kind":
                self._mistake((*path, key), "unknown field")
            elif field in fields and fields[field] != value:
                self._mistake((*path, key), f"says something else than {places.get(field, field)}")
            elif key not in _WITHOUT_MEANING:
                fields[field], places[field] = value, key
        try:
            return _Entry.model_validate(fields)
        except ValidationError as error:
            for item in error.errors(include_input=False, include_url=False, include_context=False):
                first, *rest = map(str, item["loc"])
                where = (*path, places.get(first, first), *rest)
                self._mistake(where, "unknown field" if item["type"] == "extra_forbidden" else item["msg"])
            return None

    def _target(self, path: tuple[str, ...], entry: _Entry) -> Command | Address | None:
        if (entry.command is None) == (entry.url is None):
            return self._mistake(path, "needs either command or url")
        if entry.command is not None:
            if entry.kind not in (None, "stdio"):
                return self._mistake(path, f"type {entry.kind} goes with url, not with command")
            if entry.headers:
                return self._mistake((*path, "headers"), "goes with url, not with command")
            cwd = self._folder / entry.cwd if entry.cwd else None
            return Command(entry.command, tuple(entry.args), entry.env, cwd)
        if entry.kind == "stdio":
            return self._mistake(path, "type stdio goes with command, not with url")
        for field, value in (("args", entry.args), ("env", entry.env), ("cwd", entry.cwd)):
            if value:
                return self._mistake((*path, field), "goes with command, not with url")
        assert entry.url is not None
        if not entry.url.startswith(("http://", "https://", "${")):
            return self._mistake((*path, "url"), "must begin with http:// or https://")
        return Address(entry.url, "sse" if entry.kind == "sse" else "http", entry.headers)

    def _limits(self, entry: _Entry) -> Limits:
        defaults = self._defaults
        return Limits(
            call_seconds=entry.timeout_seconds or defaults.call_seconds,
            result_bytes=entry.max_result_bytes or defaults.result_bytes,
            connect_seconds=entry.connect_timeout_seconds or defaults.connect_seconds,
            calls=entry.max_concurrent_calls or defaults.calls,
        )

    def _mistake(self, path: tuple[str, ...], text: str) -> None:
        self._mistakes.append((self._lines.line(path), f"{'.'.join(path)}: {text}"))


def read_servers(path: Path, defaults: Limits) -> Servers:
    """Returns the servers of the file at `path`. Relative working directories start at the file's folder.

    Raises:
        ServersFileError: the file cannot be read or is wrong; the message has one line for each mistake, with its line
            number.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ServersFileError(f"cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise ServersFileError(f"has more than {_MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ServersFileError(f"line {line}: is not UTF-8") from None
    return _Reader(text, path.resolve().parent, defaults).read()
