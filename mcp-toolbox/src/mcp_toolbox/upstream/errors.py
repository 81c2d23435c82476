"""The errors between the toolbox and another server.

ServersFileError     the operator's file is wrong: at the start, or on a reload, which then changes nothing
ServerExistsError    a server that was to be added has the name of one that is there
ServersNotKeptError  the servers file cannot be changed
UpstreamUnavailable  one server cannot be used; its text is the toolbox's own and safe to show in `/health`
"""

from __future__ import annotations

import httpx2
from anyio import BrokenResourceError, ClosedResourceError
from mcp import MCPError
from mcp.types import CONNECTION_CLOSED, REQUEST_TIMEOUT
from pydantic import ValidationError


class ServersFileError(Exception):
    """The servers file is wrong. The message has one line for each mistake, with its line number."""


class ServerExistsError(Exception):
    """A server of this name is there already; the message is the name."""


class ServersNotKeptError(Exception):
    """The servers file cannot be read or written as it is now; the message says why."""


class UpstreamUnavailable(Exception):
    """A server cannot be used, with the reason. `final` means that a retry cannot help before the file changes, and
    `renew` that the server was there and a new session may be begun at once."""

    def __init__(self, reason: str, *, final: bool = False, renew: bool = False) -> None:
        super().__init__(reason)
        self.final = final
        self.renew = renew


def reason_of(error: BaseException) -> str:
    """Returns why a connection failed, in the toolbox's own words, because a server's text may contain anything."""
    causes = _flat(error)
    for cause in causes:
        if isinstance(cause, UpstreamUnavailable):
            return str(cause)
    return next((reason for reason in map(_known, causes) if reason), f"failed ({type(causes[0]).__name__})")


def _flat(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in _flat(inner)]
    return [error]


def _known(error: BaseException) -> str | None:
    match error:
        case MCPError():
            return _MCP_REASONS.get(error.code, f"refused the connection (error {error.code})")
        case httpx2.HTTPStatusError():
            return f"answered HTTP {error.response.status_code}"
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return "its url is not valid"
        case httpx2.HTTPError() | OSError():
            return "cannot be reached"
        case ValidationError() | ValueError():
            return "answered something that is not MCP"
        case ClosedResourceError() | BrokenResourceError():
            return "closed the connection"
        case _:
            return None


_MCP_REASONS = {CONNECTION_CLOSED: "closed the connection", REQUEST_TIMEOUT: "did not answer in time"}
