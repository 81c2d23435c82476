"""The models that the gateway lists, kept for some seconds, so that many runs share one request."""

from __future__ import annotations

import asyncio
import time

import msgspec
from service_kit.errors import ApiError

from agent_core.clients.gateway import Gateway, ListedModel
from agent_core.deadline import Deadline

_FRESH_SECONDS = 5.0
_STATUS_SECONDS = 0.5
_SETTLED_SECONDS = 60.0

FALLBACK_DEFAULT = "bedrock-nova-pro"
"""What the gateway's own rules end in when nothing else is configured."""


class Listing(msgspec.Struct, frozen=True):
    """The gateway's list of models; empty and not `connected` when the gateway did not answer."""

    models: list[ListedModel] = []
    default: str | None = None
    connected: bool = False


class Models:
    """Keeps the gateway's list of models for some seconds."""

    def __init__(self, gateway: Gateway, default: str | None) -> None:
        self._gateway = gateway
        self._configured_default = default
        self._listing = Listing()
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def listing(self, *, fresh: bool = False) -> Listing:
        """Returns the models, at most five seconds old (`fresh`: half a second), within two seconds; never raises."""
        return await self._not_older_than(_STATUS_SECONDS if fresh else _FRESH_SECONDS)

    async def default(self, deadline: Deadline) -> str:
        """The model that answers when none is asked for: DEFAULT_MODEL, else the gateway's own default.

        Raises the gateway's errors when the gateway has not told its default and cannot be reached: a guess would send
        the question to a model that is not meant.
        """
        if self._configured_default:
            return self._configured_default
        listing = await self._settled_listing()
        if not listing.connected:
            listing = await self._asked_until(deadline)
        return listing.default or FALLBACK_DEFAULT

    async def _asked_until(self, deadline: Deadline) -> Listing:
        # Outside the lock, so that `listing`, and with it /health, does not wait while the gateway is away.
        models, default = await self._gateway.models(deadline)
        self._listing = Listing(models, default, True)
        self._asked_at = time.monotonic()
        return self._listing

    async def _settled_listing(self) -> Listing:
        """Returns a list at most a minute old, five seconds if the gateway was away; for what changes rarely."""
        return await self._not_older_than(_SETTLED_SECONDS if self._listing.connected else _FRESH_SECONDS)

    async def takes_tools(self, name: str) -> bool:
        """Returns whether a model can be offered tools, as of the last minute; a model that is not listed can.

        `emulated_tools` alone does not count: the gateway can ask any model for calls, but a very small one chooses
        badly. An operator can list `tools` beside it.
        """
        listing = await self._settled_listing()
        listed = next((model for model in listing.models if model.name == name), None)
        return listed is None or not listed.supports or "tools" in listed.supports

    async def _not_older_than(self, seconds: float) -> Listing:
        async with self._asking:
            if time.monotonic() - self._asked_at > seconds:
                try:
                    models, default = await self._gateway.models()
                    self._listing = Listing(models, default, True)
                except ApiError:
                    self._listing = Listing()
                self._asked_at = time.monotonic()
            return self._listing
