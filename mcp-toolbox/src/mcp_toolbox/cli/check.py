"""The check of an mcpServers file: each server as the toolbox would see it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_toolbox.registry.tools import ToolRegistry
from mcp_toolbox.upstream.manager import UpstreamManager
from mcp_toolbox.upstream.spec import Limits

_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Checked:
    """A server: its entry in `/health`, and after how many seconds it was settled (None for a disabled one)."""

    name: str
    health: Mapping[str, Any]
    seconds: float | None

    @property
    def is_wrong(self) -> bool:
        """Whether it is neither connected nor disabled, or something is wrong with its tools."""
        return self.health["status"] not in ("connected", "disabled") or bool(self.health.get("problems"))


async def checked(file: Path, environ: Mapping[str, str], seconds: float) -> list[Checked]:
    """Returns the servers of the file, each after its first attempt to connect, which may take `seconds`.

    Raises:
        ServersFileError: the file cannot be read, or is wrong.
    """
    manager = UpstreamManager(file, environ, defaults=Limits(connect_seconds=seconds))
    settled: dict[str, float] = {}
    began = time.monotonic()
    async with manager.running(ToolRegistry()):
        while True:
            health = manager.to_health()
            passed = time.monotonic() - began
            for name, entry in health.items():
                if entry["status"] != "connecting":
                    settled.setdefault(name, passed)
            if len(settled) == len(health) or passed > seconds + _GRACE_SECONDS:
                break
            await asyncio.sleep(_LOOK_SECONDS)
    return [
        Checked(name, entry, None if entry["status"] == "disabled" else settled.get(name))
        for name, entry in health.items()
    ]
