"""The outcome of a route: the answer, and the model that gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from llm_gateway.catalog.models import Model
from llm_gateway.routing.segments import Segment

T = TypeVar("T")


class Routed(Generic[T]):
    """An answer, the model that gave it, and the parameters of the request that this model was not sent.

    A stream that is continued by another changes its `model` on the way, and gets `broken` parts.
    """

    __slots__ = ("broken", "dropped", "model", "value")

    def __init__(self, value: T, model: Model, dropped: tuple[str, ...]) -> None:
        self.value = value
        self.model = model
        self.dropped = dropped
        self.broken: Sequence[Segment] = ()
