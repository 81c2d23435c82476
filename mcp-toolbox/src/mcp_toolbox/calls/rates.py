"""How often a tool may be called: a rate for each caller and tool."""

from __future__ import annotations

from collections.abc import Iterable

from service_kit.limits.limiter import Limiter, Rate
from service_kit.limits.memory import MemoryLimiter

from mcp_toolbox.calls.per_tool import PerTool
from mcp_toolbox.errors import RateLimitedError


class Rates:
    """Counts calls of each principal to each tool that has a rate, where `limiter` keeps them."""

    def __init__(self, rates: Iterable[tuple[str, Rate]] = (), limiter: Limiter | None = None) -> None:
        self._rates: PerTool[Rate | None] = PerTool(rates, None)
        self._limiter = MemoryLimiter() if limiter is None else limiter

    async def take(self, principal: str, tool: str) -> None:
        """Counts a call.

        Raises:
            RateLimitedError: it is one too many; it says how long to wait.
        """
        rate = self._rates[tool]
        if rate is None:
            return
        decision = await self._limiter.take(f"tool:{principal}:{tool}", rate)
        if not decision.allowed:
            raise RateLimitedError(tool, decision.retry_after)
