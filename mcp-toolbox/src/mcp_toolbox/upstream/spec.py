"""One server of the file: how to reach it, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from mcp_toolbox.upstream.references import References

Pin = Literal["report", "strict", "off"]
Kind = Literal["stdio", "http", "sse"]


@dataclass(frozen=True)
class Limits:
    """The limits of a server: seconds for a call, bytes of a result, seconds to connect, and calls at a time."""

    call_seconds: float = 30.0
    result_bytes: int = 4 * 1024 * 1024
    connect_seconds: float = 60.0
    calls: int = 16


@dataclass(frozen=True)
class Command:
    """A server that the toolbox starts, and that speaks over its standard streams. `cwd` is absolute, or None for the
    toolbox's own."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None

    @property
    def kind(self) -> Kind:
        return "stdio"

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts in which references may stand."""
        return (self.command, *self.args, *self.env.values(), *([str(self.cwd)] if self.cwd else []))

    def filled_in(self, references: References) -> Command:
        """Returns the command with its references replaced.

        Raises:
            UpstreamUnavailable: see `References.fill`.
        """
        return Command(
            command=references.fill(self.command),
            args=tuple(map(references.fill, self.args)),
            env={name: references.fill(value) for name, value in self.env.items()},
            cwd=Path(references.fill(str(self.cwd))) if self.cwd else None,
        )


@dataclass(frozen=True)
class Address:
    """A server that runs elsewhere, over Streamable HTTP (`http`) or the older HTTP+SSE (`sse`)."""

    url: str
    kind: Kind = "http"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts in which references may stand."""
        return (self.url, *self.headers.values())

    def filled_in(self, references: References) -> Address:
        """Returns the address with its references replaced.

        Raises:
            UpstreamUnavailable: see `References.fill`.
        """
        headers = {name: references.fill(value) for name, value in self.headers.items()}
        return replace(self, url=references.fill(self.url), headers=headers)


@dataclass(frozen=True)
class ServerSpec:
    """A server as the operator has configured it. `allow`, `deny` and `destructive` list the server's own names of
    tools, in which `*`, `?` and `[…]` are wildcards. `elicits` says whether it may ask the persons who use its
    tools."""

    name: str
    target: Command | Address
    prefix: str
    disabled: bool = False
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    destructive: tuple[str, ...] = ()
    pin: Pin = "report"
    elicits: bool = True
    limits: Limits = Limits()

    def allows(self, tool: str) -> bool:
        """Returns whether `tool` may be offered: it is on the list of allowed tools, if there is one, and not on that
        of denied ones."""
        return (self.allow is None or _matches(tool, self.allow)) and not _matches(tool, self.deny)

    def marks_destructive(self, tool: str) -> bool:
        """Returns whether the operator has marked `tool` as destructive."""
        return _matches(tool, self.destructive)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
