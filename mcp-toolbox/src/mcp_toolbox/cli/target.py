"""The server that the command talks to."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from mcp import Client, types

from mcp_toolbox.cli.texts import Texts
from mcp_toolbox.upstream.errors import reason_of
from mcp_toolbox.upstream.spec import Address, Command, Limits, ServerSpec
from mcp_toolbox.upstream.transport import transport_to

_T = TypeVar("_T")


class WrongCommand(Exception):
    """The options name no server; the text says why."""


class ServerAway(Exception):
    """The server cannot be talked to; the text says why."""


def target_of(
    url: str | None, command: str | None, headers: Sequence[tuple[str, str]], environ: Mapping[str, str], seconds: float
) -> ServerSpec:
    """Returns the server that the options name; without any, the toolbox that `make up` starts.

    Raises:
        WrongCommand: the command cannot be read.
    """
    limits = Limits(call_seconds=seconds, connect_seconds=seconds)
    if command is not None:
        try:
            program, *arguments = shlex.split(command) or [""]
        except ValueError as error:  # a quote that is never closed
            raise WrongCommand(f"--stdio: {error}") from None
        return ServerSpec(program, Command(program, tuple(arguments)), "", limits=limits)
    given = dict(headers)
    if url is None:
        url = f"http://127.0.0.1:{environ.get('TOOLBOX_PORT') or '8000'}/mcp"
        if key := environ.get("TOOLBOX_API_KEY"):
            given.setdefault("Authorization", f"Bearer {key}")
    kind = "sse" if url.rstrip("/").endswith("/sse") else "http"
    return ServerSpec(url, Address(url, kind, given), "", limits=limits)


async def with_client(
    spec: ServerSpec, environ: Mapping[str, str], texts: Texts, work: Callable[[Client], Awaitable[_T]]
) -> _T:
    """Returns what `work` returns with a client of that server; connection and work together are limited in time.

    Raises:
        ServerAway: it cannot be reached, does not speak MCP or takes too long.
    """
    seconds = spec.limits.connect_seconds
    transport = None
    try:
        async with asyncio.timeout(seconds) as limit:
            transport = transport_to(spec, environ)
            async with Client(
                transport.open(), cache=None, elicitation_callback=_asking(texts, limit, seconds)
            ) as client:
                return await work(client)
    except TimeoutError:
        raise ServerAway(texts("slow", server=spec.name, seconds=seconds)) from None
    except Exception as error:  # noqa: BLE001 - the SDK raises whatever its transports do; `reason_of` knows them
        reason = (transport.trouble if transport else None) or reason_of(error)
        raise ServerAway(texts("away", server=spec.name, reason=reason)) from None


def _asking(texts: Texts, limit: asyncio.Timeout, seconds: float) -> Any:
    """Returns what answers a server's question: the person at the terminal, whose time is not limited. Without a
    terminal it is None: there is no answer to give."""
    if not sys.stdin.isatty():
        return None

    async def ask(_context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        print(params.message, file=sys.stderr)  # noqa: T201 - a terminal program
        print(texts("approve"), end="", file=sys.stderr, flush=True)  # noqa: T201
        limit.reschedule(None)
        said = await asyncio.to_thread(sys.stdin.readline)
        limit.reschedule(asyncio.get_running_loop().time() + seconds)
        accepted = said.strip().lower() in ("s", "sí", "si", "y", "yes")
        return types.ElicitResult(action="accept" if accepted else "decline", content={} if accepted else None)

    return ask
