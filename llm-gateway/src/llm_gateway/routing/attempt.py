"""One attempt at a deployment, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

from llm_gateway.canonical import Request
from llm_gateway.catalog.models import Model
from llm_gateway.routing.breakers import Admission
from llm_gateway.telemetry.record import AttemptOutcome

_NORMAL = Admission.NORMAL  # a member of an enum costs five times as much to find as a name of the module


class Attempt:
    """One deployment asked once. `wait` are the seconds to let pass before.

    `outcome` is what came of it by now, and `began` and `ended` when that was, by the policy's clock; `answered` says
    that it had at least begun to answer.
    """

    __slots__ = (
        "admission",
        "answered",
        "began",
        "dropped",
        "ended",
        "error_code",
        "model",
        "outcome",
        "request",
        "wait",
    )

    def __init__(self, model: Model, request: Request, dropped: tuple[str, ...], wait: float) -> None:
        self.model = model
        self.request = request
        self.dropped = dropped
        self.wait = wait
        self.admission = _NORMAL
        self.began = self.ended = 0.0
        self.outcome: AttemptOutcome = "cancelled"  # which is true of one that is left without another word
        self.error_code: str | None = None
        self.answered = False

    def end(self, outcome: AttemptOutcome, now: float, error_code: str | None = None) -> None:
        """Notes what came of the attempt; called again when a stream that had begun ends."""
        self.outcome, self.ended, self.error_code = outcome, now, error_code
        self.answered = self.answered or outcome == "answered"


Entered = Callable[[Attempt], None]
"""Is told of an attempt as it begins; may raise an UpstreamError in place of it."""
