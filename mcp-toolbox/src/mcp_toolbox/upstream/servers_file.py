"""The `mcpServers` file: the format of Claude Desktop with further fields, and the files of editors (`editors.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from service_kit.files import read_file

from mcp_toolbox.upstream.config_text import parsed
from mcp_toolbox.upstream.editors import (
    NOT_FOLLOWED,
    PLACES,
    REFUSED,
    SAME,
    WITHOUT_MEANING,
    Path,
    in_our_words,
    may_be_ignored,
    servers_in,
)
from mcp_toolbox.upstream.errors import ServersFileError
from mcp_toolbox.upstream.names import prefixes
from mcp_toolbox.upstream.references import wrong_reference
from mcp_toolbox.upstream.spec import Address, Command, Limits, Pin, ServerSpec

_MAX_BYTES = 1024 * 1024
_MAX_SERVERS = 200

_Word = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class _Entry(BaseModel):
    """One server as written in the file, after other clients' names of fields have been translated."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True, hide_input_in_errors=True)

    command: _Word | None = None
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: _Word | None = None
    url: _Word | None = None
    kind: Literal["stdio", "http", "sse"] | None = None
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


_KNOWN = frozenset(_Entry.model_fields)


@dataclass(frozen=True)
class Servers:
    """The content of a file, and warnings about parts without effect."""

    specs: Mapping[str, ServerSpec]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pasted:
    """A pasted config. `entries` are its servers as they would stand in our file, and `specs` those of
    them that are right. `mistakes` are the texts of what is wrong with each server, by its name; what belongs to none
    stands under ""."""

    entries: Mapping[str, Any]
    specs: Mapping[str, ServerSpec]
    mistakes: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()


class _Reader:
    """Reads one file; it collects all mistakes with their lines before it raises."""

    def __init__(self, text: str, folder: File, defaults: Limits) -> None:
        self._document, self._lines = parsed(text)
        self._folder = folder
        self._defaults = defaults
        self._mistakes: list[tuple[int, Path, str]] = []
        self._warnings: list[str] = []

    def read(self) -> Servers:
        _, specs = self._read()
        if self._mistakes:
            raise ServersFileError("\n".join(_told(mistake) for mistake in sorted(self._mistakes)))
        return Servers(specs, tuple(self._warnings))

    def read_pasted(self) -> Pasted:
        places, specs = self._read()
        owners = {path: name for name, (path, _) in places.items()}
        mistakes: dict[str, tuple[str, ...]] = {}
        for mistake in sorted(self._mistakes):
            path = mistake[1]
            owner = next((owners[path[:length]] for length in range(len(path) + 1) if path[:length] in owners), "")
            mistakes[owner] = (*mistakes.get(owner, ()), _told(mistake))
        entries = {
            name: in_our_words(path[:-1], entry) if isinstance(entry, dict) else entry
            for name, (path, entry) in places.items()
        }
        return Pasted(entries, specs, mistakes, tuple(self._warnings))

    def _read(self) -> tuple[dict[str, tuple[Path, Any]], dict[str, ServerSpec]]:
        for path, line in self._lines.repeated.items():
            self._mistakes.append((line, path, f"{'.'.join(path)}: stands there twice"))
        places = self._servers()
        names = prefixes(places)
        specs = {name: self._spec(path, entry, names[name]) for name, (path, entry) in places.items()}
        return places, {name: spec for name, spec in specs.items() if spec}

    def _servers(self) -> dict[str, tuple[Path, Any]]:
        """Returns the servers by name, each with its place and its entry."""
        if not isinstance(self._document, dict):
            raise ServersFileError('line 1: must be an object: {"mcpServers": {…}}')
        servers: dict[str, tuple[Path, Any]] = {}
        read: set[str] = set()
        for place, entries in servers_in(self._document):
            read.add(place[0])
            for name, entry in entries.items():
                if name in servers:
                    self._mistake((*place, name), "stands there twice")
                servers[name] = ((*place, name), entry)
        if not read and any(isinstance(self._document.get(place[0]), list) for place in PLACES):
            raise ServersFileError("line 1: a list of servers, as in Continue's files, is not read; write an object")
        if not read:
            raise ServersFileError("line 1: mcpServers: is missing, or is no object")
        if others := self._document.keys() - read - WITHOUT_MEANING - {"inputs"}:
            self._warnings.append(f"not read: {', '.join(sorted(others))}")
        if len(servers) > _MAX_SERVERS:
            raise ServersFileError(f"line 1: mcpServers: more than {_MAX_SERVERS} servers")
        return servers

    def _spec(self, path: Path, written: Any, prefix: str) -> ServerSpec | None:
        name = path[-1]
        if not name.strip() or len(name) > 100 or not name.isprintable():
            return self._mistake(path, "a server's name has 1 to 100 visible characters")
        if not isinstance(written, dict):
            return self._mistake(path, "must be an object")
        entry = self._entry(path, in_our_words(path[:-1], written))
        if entry is None:
            return None
        target = self._target(path, entry)
        if target is None:
            return None
        self._check_references(path, entry)
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

    def _check_references(self, path: Path, entry: _Entry) -> None:
        texts: list[tuple[Path, str | None]] = [(("command",), entry.command), (("cwd",), entry.cwd)]
        texts += [(("url",), entry.url), *((("args",), each) for each in entry.args)]
        texts += [(("env", name), value) for name, value in entry.env.items()]
        texts += [(("headers", name), value) for name, value in entry.headers.items()]
        for where, text in texts:
            if text and (wrong := wrong_reference(text)):
                self._mistake((*path, *where), wrong)

    def _entry(self, path: Path, written: Mapping[str, Any]) -> _Entry | None:
        fields: dict[str, Any] = {}
        places: dict[str, str] = {}
        for key, value in written.items():
            field = SAME.get(key, key)
            if key in REFUSED:
                self._mistake((*path, key), REFUSED[key])
            elif key in NOT_FOLLOWED:
                self._warnings.append(f"{path[-1]}.{key}: not followed: {NOT_FOLLOWED[key]}")
            elif key == "enabled" and isinstance(value, bool):
                fields["disabled"] = not value
            elif field == "kind" and key == "kind":
                self._mistake((*path, key), "unknown field")
            elif field in fields and fields[field] != value:
                self._mistake((*path, key), f"says something else than {places.get(field, field)}")
            elif field not in _KNOWN and may_be_ignored(key, lambda: [*_KNOWN, *SAME]):
                if key not in WITHOUT_MEANING:
                    self._warnings.append(f"{path[-1]}.{key}: not followed: the toolbox has no such field")
            else:
                fields[field], places[field] = value, key
        try:
            return _Entry.model_validate(fields)
        except ValidationError as error:
            for item in error.errors(include_input=False, include_url=False, include_context=False):
                first, *rest = map(str, item["loc"])
                where = (*path, places.get(first, first), *rest)
                self._mistake(where, "unknown field" if item["type"] == "extra_forbidden" else item["msg"])
            return None

    def _target(self, path: Path, entry: _Entry) -> Command | Address | None:
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

    def _mistake(self, path: Path, text: str) -> None:
        self._mistakes.append((self._lines.line(path), path, f"{'.'.join(path)}: {text}"))


def _told(mistake: tuple[int, Path, str]) -> str:
    return f"line {mistake[0]}: {mistake[2]}"


def read_servers(path: File, defaults: Limits) -> Servers:
    """Returns the servers of the file at `path`. Relative working directories start at the file's folder.

    Raises:
        ServersFileError: the file cannot be read or is wrong; the message has one line for each mistake, with its line
            number.
    """
    try:
        data = read_file(path, _MAX_BYTES)
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


def parse_servers(text: str, folder: File, defaults: Limits) -> Servers:
    """Returns the servers of a file's text. Relative working directories start at `folder`.

    Raises:
        ServersFileError: the text is wrong.
    """
    return _Reader(text, folder, defaults).read()


def parse_pasted(text: str, folder: File, defaults: Limits) -> Pasted:
    """Returns the servers of a pasted config, the wrong ones included.

    Raises:
        ServersFileError: no servers can be read from it at all.
    """
    if len(text) > _MAX_BYTES or len(text.encode("utf-8", "replace")) > _MAX_BYTES:
        raise ServersFileError(f"has more than {_MAX_BYTES} bytes")
    pasted = _Reader(text, folder, defaults).read_pasted()
    try:
        json.dumps(pasted.entries, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ServersFileError("holds half a character (a lone surrogate), which no program takes") from None
    return pasted
