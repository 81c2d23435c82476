"""Providers: an endpoint of the catalog with its credentials and its dialect, or the embedded planner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from llm_gateway.canonical import Event, Request, Result
from llm_gateway.catalog.models import Model


class Provider(Protocol):
    """Answers requests for a model. Every method raises UpstreamError, or InvalidRequest for what it lacks."""

    async def complete(self, request: Request, model: Model) -> Result:
        """Returns the whole answer."""
        ...

    def stream(self, request: Request, model: Model) -> AsyncIterator[list[Event]]:
        """Returns the answer as it comes, a list of events for each piece that arrived; closing it ends the call."""
        ...

    def carries(self, model: Model) -> frozenset[str]:
        """Returns the optional parameters (`parameters.OPTIONAL`) that can be said to `model`."""
        ...

    def dropped(self, request: Request, model: Model) -> tuple[str, ...]:
        """Returns the names of the hints in `request` that this provider is not sent."""
        ...
