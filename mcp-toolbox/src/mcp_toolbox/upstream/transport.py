"""The interface of transports to other servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

from mcp.client._transport import TransportStreams

from mcp_toolbox.upstream.account import Account
from mcp_toolbox.upstream.http import HttpTransport
from mcp_toolbox.upstream.references import References
from mcp_toolbox.upstream.spec import Command, ServerSpec
from mcp_toolbox.upstream.stdio import StdioTransport


class Transport(Protocol):
    """`open` gives the streams of messages until the block ends. `trouble` describes why they ended, in a text for
    `/health`, if that is known. `may_be_sse` is set when the handshake was refused as a server of the older HTTP+SSE
    does, and `lost` when the server has forgotten the session. `doubt` is called when the
    server may be gone; the connection sets it. `abandon` frees its resources at once, if the block cannot be left in
    order."""

    trouble: str | None
    may_be_sse: bool
    lost: asyncio.Event
    doubt: Callable[[], None]

    def open(self) -> AbstractAsyncContextManager[TransportStreams]: ...

    def abandon(self) -> None: ...


def transport_to(
    spec: ServerSpec, environ: Mapping[str, str], *, over_sse: bool = False, account: Account | None = None
) -> Transport:
    """Returns the transport to a server, with references filled in from `environ`. `over_sse` chooses HTTP+SSE for an
    address, whatever its kind is. `account` is that of a process.

    Raises:
        UpstreamUnavailable: a variable is not set.
    """
    references = References(environ)
    target = spec.target.filled_in(references)
    if isinstance(target, Command):
        return StdioTransport(spec.name, target, environ, spec.limits.result_bytes, references.secrets, account)
    if over_sse:
        target = replace(target, kind="sse")
    return HttpTransport(target, spec.limits)
