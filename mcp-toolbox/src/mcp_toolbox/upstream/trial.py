"""A server that is tried once: connected, asked for its tools, and let go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mcp_toolbox.registry.tool import Tool
from mcp_toolbox.upstream.account import Account
from mcp_toolbox.upstream.pins import Pins
from mcp_toolbox.upstream.resources_and_prompts import Listed
from mcp_toolbox.upstream.spec import ServerSpec
from mcp_toolbox.upstream.upstream import Upstream

TRIAL_SECONDS = 20.0
"""The time for a server to connect and list its tools."""

_AT_ONCE = 4


@dataclass(frozen=True)
class Tried:
    """What came of it: whether the server listed its tools, why not, its tools, and what is wrong with them."""

    connected: bool
    error: str | None = None
    tools: tuple[Tool, ...] = ()
    problems: tuple[str, ...] = ()


class Trials:
    """Tries servers, a few at a time. Nothing of a trial is pinned or offered, and it may ask no questions."""

    def __init__(self, environ: Mapping[str, str], account: Account | None, seconds: float = TRIAL_SECONDS) -> None:
        self._environ = environ
        self._account = account
        self._seconds = seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def tried(self, spec: ServerSpec, toolbox: str = "") -> Tried:
        """Returns what came of one server; no process or connection of it is left."""
        async with self._turns:
            return await self._try(spec, toolbox)

    async def _try(self, spec: ServerSpec, toolbox: str) -> Tried:
        seen: list[Tool] = []

        def offer(_: str, tools: list[Tool]) -> list[str]:
            if tools:  # it is called without any when the server leaves
                seen[:] = tools
            return []

        seconds = min(self._seconds, spec.limits.connect_seconds)
        spec = replace(spec, elicits=False, pin="off", limits=replace(spec.limits, connect_seconds=seconds))
        upstream = Upstream(spec, self._environ, Pins(), offer, _nothing, account=self._account, toolbox=toolbox)
        life = asyncio.create_task(upstream.run(), name=f"trial of {spec.name}")
        try:
            async with asyncio.timeout(seconds + 1):
                await upstream.settled.wait()
        except TimeoutError:
            return Tried(False, f"did not list its tools within {seconds:g} s")
        else:
            connected = upstream.status == "connected"
            return Tried(connected, upstream.error, tuple(seen) if connected else (), upstream.problems)
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


def _nothing(_: str, __: Listed) -> list[str]:
    return []
