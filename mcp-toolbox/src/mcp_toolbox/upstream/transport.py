"""The interface of transports to other servers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mcp.client._transport import TransportStreams

from mcp_toolbox.upstream.http import HttpTransport
from mcp_toolbox.upstream.references import References
from mcp_toolbox.upstream.spec import Command, ServerSpec
from mcp_toolbox.upstream.stdio import StdioTransport


class Transport(Protocol):
    """`open` gives the streams of messages until the block ends. `trouble` describes why they ended, in a text for
    `/health`, if that is known. `abandon` frees its resources at once, if the block cannot be left in order."""

    trouble: str | None

    def open(self) -> AbstractAsyncContextManager[TransportStreams]: ...

    def abandon(self) -> None: ...


def transport_to(spec: ServerSpec, environ: Mapping[str, str]) -> Transport:
    """Returns the transport to a server, with references filled in from `environ`.

    Raises:
        UpstreamUnavailable: a variable is not set.
    """
    references = References(environ)
    target = spec.target.filled_in(references)
    if isinstance(target, Command):
        return StdioTransport(spec.name, target, environ, spec.limits.result_bytes, references.secrets)
    return HttpTransport(target, spec.limits)
