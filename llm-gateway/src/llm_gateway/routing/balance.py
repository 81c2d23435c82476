"""Which of several deployments of one model is asked: by weight, or the one that answered fastest lately.

Those that differ in their key alone are one in this, and take turns.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from llm_gateway.catalog.models import Model
from llm_gateway.routing.breakers import Deployment

_NEW_SHARE = 0.3
"""How much of the average the newest answer is."""
_EXPLORED = 0.05
"""How often the fastest is passed over, so that one which was slow once is tried again."""


class Balancer:
    """Chooses. `draw` gives numbers from 0 to 1 (exclusive)."""

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._seconds: dict[tuple[Deployment, bool], float] = {}
        self._turns: dict[tuple[str, str | None, str], int] = {}
        self._turn = 0

    def choose(self, candidates: Sequence[Model], *, streamed: bool) -> Model:
        """Returns one of `candidates`, deployments of one model of which there is at least one."""
        if len(candidates) == 1 and not candidates[0].endpoint.key:
            return candidates[0]
        chosen = self._choose(self._next_keys(candidates), streamed=streamed)
        if chosen.endpoint.key:
            self._turn += 1
            self._turns[_key_of(chosen)] = self._turn
        return chosen

    def _choose(self, candidates: Sequence[Model], *, streamed: bool) -> Model:
        if candidates[0].strategy == "weighted" or self._draw() < _EXPLORED:
            return self._by_weight(candidates)
        timed = [(self.latency(model, streamed=streamed), model) for model in candidates]
        unknown = [model for seconds, model in timed if seconds is None]
        if unknown:
            return self._by_weight(unknown)
        return min(timed, key=lambda pair: pair[0] or 0.0)[1]

    def _next_keys(self, candidates: Sequence[Model]) -> Sequence[Model]:
        """Returns, for each provider, address and id, the deployment whose key was used longest ago: a key that is not
        used for a while leaves its turns to all others alike."""
        if not any(model.endpoint.key for model in candidates):
            return candidates
        found: dict[Deployment, Model] = {}
        for model in candidates:
            same = model.deployment[:3]
            held = found.get(same)
            if held is None or self._turns.get(_key_of(model), 0) < self._turns.get(_key_of(held), 0):
                found[same] = model
        return list(found.values())

    def _by_weight(self, candidates: Sequence[Model]) -> Model:
        point = self._draw() * sum(model.weight for model in candidates)
        for model in candidates:
            point -= model.weight
            if point < 0:
                return model
        return candidates[-1]

    def took(self, model: Model, seconds: float, *, streamed: bool) -> None:
        """Notes how long the deployment took: a stream until its first content, a plain call until the answer."""
        key = (model.deployment, streamed)
        before = self._seconds.get(key)
        self._seconds[key] = seconds if before is None else before + _NEW_SHARE * (seconds - before)

    def latency(self, model: Model, *, streamed: bool) -> float | None:
        """Returns the moving average in seconds; None for one that has not answered yet."""
        return self._seconds.get((model.deployment, streamed))


def _key_of(model: Model) -> tuple[str, str | None, str]:
    """Returns what identifies a provider's key: whichever model is asked for, requests count for that key's account."""
    return model.provider, model.endpoint.base_url, model.endpoint.key
