"""One log line for each run: its user, model, outcome, duration, tokens and cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

from service_kit.errors import ApiError
from service_kit.telemetry.logs import get_logger

from agent_core.clients.gateway_stream import ModelAnswer
from agent_core.state import RunRequest, RunState
from agent_core.usage import Usage, total_cost

_log = get_logger(__name__)

Outcome = Literal["done", "failed", "cancelled"]


class RunLog:
    """The line of one run, written by one of `done`, `failed` and `cancelled`; its time begins when this is made."""

    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._started = time.perf_counter()
        self._state: RunState | None = None

    def follow(self, state: RunState) -> None:
        """Takes tokens, cost and model from `state`, as they are when the run ends."""
        self._state = state

    def done(self) -> None:
        """Writes that the run has given its answer."""
        _log.info("run", **self._fields("done"))

    def cancelled(self) -> None:
        """Writes that the run was stopped."""
        _log.info("run cancelled", **self._fields("cancelled"))

    def failed(self, error: Exception) -> None:
        """Writes that the run has failed; an error that is no ApiError is a fault of ours."""
        code = error.code if isinstance(error, ApiError) else "internal_error"
        _log.warning("run failed", **self._fields("failed"), error=code)

    def _fields(self, outcome: Outcome) -> dict[str, Any]:
        request = self._request
        fields: dict[str, Any] = {
            "requestId": request.request_id or None,
            "runId": request.run_id,
            "userId": request.user,
            "sessionId": request.thread_id,
            "status": outcome,
            "model": request.model,
            "processingTime": round((time.perf_counter() - self._started) * 1000, 2),
        }
        if self._state is not None:
            fields |= {"model": self._state["model"] or request.model, "steps": len(self._state["steps"])}
            fields |= _answered(self._state["answers"])
        return {name: value for name, value in fields.items() if value is not None}


def _answered(answers: Sequence[ModelAnswer]) -> dict[str, Any]:
    """What the models' answers were together; nothing where there was none."""
    if not answers:
        return {}
    last = answers[-1]
    cost = total_cost([answer.cost_usd for answer in answers])
    return {
        "model": last.model,
        "provider": last.provider,
        "fallbackFrom": last.fallback_from,
        "tokensUsed": sum((answer.usage for answer in answers), Usage()).total_tokens,
        "costUsd": None if cost is None else float(cost),
        "toolCalls": sum(len(answer.tool_calls) for answer in answers),
        "cached": all(answer.cached for answer in answers),
    }
