"""What comes of a route: the answer, and who gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from llm_gateway.catalog import Model
from llm_gateway.routing.segments import Segment

T = TypeVar("T")


class Routed(Generic[T]):
    """What was answered, by whom, and which parameters of the request that model was not sent.

    A stream that is continued by another changes its `model` on the way, and gets `broken` parts.
    """

    __slots__ = ("broken", "dropped", "model", "value")

    def __init__(self, value: T, model: Model, dropped: tuple[str, ...]) -> None:
        self.value = value
        self.model = model
        self.dropped = dropped
        self.broken: Sequence[Segment] = ()
