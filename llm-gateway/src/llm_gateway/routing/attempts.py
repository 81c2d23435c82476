"""The order of attempts for one request, until a model answers or none is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
from service_kit.telemetry.logs import get_logger

from llm_gateway.canonical import Request
from llm_gateway.catalog.catalog import Route
from llm_gateway.catalog.models import Model
from llm_gateway.errors import CircuitOpen, InvalidRequest, UpstreamError, UpstreamRateLimited, UpstreamUnavailable
from llm_gateway.routing.attempt import Attempt, Entered
from llm_gateway.routing.balance import Balancer
from llm_gateway.routing.breakers import Admission, Breakers, Deployment, Pause
from llm_gateway.routing.retry import COUNTED, RetryPolicy, RetryScope, retry_scope

_log = get_logger(__name__)

Fit = Callable[[Model], tuple[Request, tuple[str, ...]]]
"""A request as a model takes it, and what was left out of it; raises InvalidRequest."""

_NORMAL, _PROBE, _REFUSED = Admission
_NOTHING: frozenset[Any] = frozenset()
_NEVER: dict[Deployment, float] = {}


class RoutingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What decides on attempts, for all requests alike. `clock` is in seconds, `draw` gives numbers from 0 to 1."""

    breakers: Breakers
    balancer: Balancer
    retry: RetryPolicy
    clock: Callable[[], float]
    draw: Callable[[], float]


class Attempts:
    """The attempts of one request, in order. `ends_at` is when its caller stops waiting, by the policy's clock.

    Each attempt that `next` gives is entered, and then settled by exactly one of `answered`, `failed`, `unfit`
    and `left`.
    """

    __slots__ = (
        "_asked",
        "_ends_at",
        "_entered",
        "_failure",
        "_fit",
        "_left",
        "_line",
        "_not_before",
        "_paused",
        "_place",
        "_policy",
        "_retries",
        "_route",
        "_spent",
        "_streamed",
        "_unfit",
        "made",
    )  # fmt: skip

    def __init__(
        self,
        policy: RoutingPolicy,
        route: Route,
        fit: Fit,
        ends_at: float | None,
        entered: Entered | None = None,
        *,
        streamed: bool,
    ) -> None:
        self._policy = policy
        self._route = route
        self._fit = fit
        self._ends_at = ends_at
        self._entered = entered
        self._streamed = streamed
        self._line: Sequence[Model] = route.targets
        self._place = 0
        self._retries = 0  # made at the model in this place
        # Most requests are answered at once, and need none of these: they are made after a first failure.
        self._spent: AbstractSet[Deployment] = _NOTHING  # not to be asked (again) for this request
        self._not_before: Mapping[Deployment, float] = _NEVER  # failed once, may be asked again from then on
        self._paused: tuple[tuple[Pause, Model], ...] = ()
        self._asked: AbstractSet[str] = _NOTHING
        self._failure: UpstreamError | None = None
        self._unfit: InvalidRequest | None = None
        self.made = 0

    # --- the next attempt ---

    def next(self) -> Attempt:
        """Returns the next attempt.

        Raises:
            UpstreamError: no model is left; the last failure.
            InvalidRequest: the model that was meant cannot do what the request asks for.
        """
        line = self._line
        while self._place < len(line):
            model = line[self._place]
            if (self._retries or model.name not in self._asked) and self._retries <= model.retries:
                attempt = self._attempt_at(model)
                if attempt is not None:
                    return attempt
            self._advance(model)
        raise self._failure or self._refusal()

    def _advance(self, model: Model) -> None:
        self._asked |= {model.name}
        if self._unfit is not None and not self.made and not self._paused:
            raise self._unfit  # the model that was meant could not do it: others are not asked in its place
        self._place += 1
        self._retries = 0

    def _attempt_at(self, model: Model) -> Attempt | None:
        if not (model.deployments or self._spent or self._not_before):
            return self._tried(model, 0.0)
        candidates = [one for one in model.deployments or (model,) if one.deployment not in self._spent]
        fresh = [one for one in candidates if one.deployment not in self._not_before]
        while fresh:
            chosen = self._policy.balancer.choose(fresh, streamed=self._streamed)
            attempt = self._tried(chosen, 0.0)
            if attempt is not None:
                return attempt
            fresh.remove(chosen)
        return self._repeated([one for one in candidates if one.deployment in self._not_before])

    def _repeated(self, candidates: list[Model]) -> Attempt | None:
        """Returns a repeated attempt after a pause, or None if that would take too long."""
        if not candidates:
            return None
        chosen = min(candidates, key=lambda one: self._not_before[one.deployment])
        now = self._policy.clock()
        wait = max(0.0, self._not_before[chosen.deployment] - now)
        too_late = self._ends_at is not None and now + wait >= self._ends_at
        if too_late or wait > self._policy.retry.longest:
            return None
        return self._tried(chosen, wait)

    def _tried(self, model: Model, wait: float) -> Attempt | None:
        try:
            request, dropped = self._fit(model)
        except InvalidRequest as error:
            self._spent |= {model.deployment}
            self._unfit = self._unfit or error
            return None
        return Attempt(model, request, dropped, wait)

    def enter(self, attempt: Attempt) -> bool:
        """Begins the attempt, after its wait; False when the deployment's circuit does not let it.

        Raises:
            UpstreamError: the attempt has failed already, since it may not be made.
        """
        policy, model = self._policy, attempt.model
        attempt.admission = policy.breakers.enter(model.deployment, served=attempt.wait)
        if attempt.admission is _REFUSED:
            self._paused += ((policy.breakers.pause(model.deployment), model),)
            self._spent |= {model.deployment}
            return False
        self.made += 1
        attempt.began = policy.clock()
        if self._entered is not None:
            self._entered(attempt)
        return True

    # --- what came of it ---

    def answered(self, attempt: Attempt) -> None:
        policy, model = self._policy, attempt.model
        policy.breakers.succeeded(model.deployment, attempt.admission)
        attempt.end("answered", policy.clock())
        if model.strategy == "least_latency":
            policy.balancer.took(model, attempt.ended - attempt.began, streamed=self._streamed)

    def left(self, attempt: Attempt) -> None:
        """Notes that the attempt was given up, which says nothing about the deployment."""
        self._policy.breakers.left(attempt.model.deployment, attempt.admission)
        attempt.end("cancelled", self._policy.clock())

    def unfit(self, attempt: Attempt, error: InvalidRequest) -> None:
        """Notes that the deployment cannot do what the request asks for, as its dialect found."""
        self.left(attempt)
        attempt.end("unfit", self._policy.clock(), error.code)
        self.made -= 1
        self._spent |= {attempt.model.deployment}
        self._unfit = self._unfit or error

    def failed(self, attempt: Attempt, error: UpstreamError) -> None:
        """Notes a failure. Raises `error` if no other model would do better."""
        model = attempt.model
        attempt.end("failed", self._policy.clock(), error.code)
        report_failure(self._policy.breakers, model, error, attempt.admission, number=self.made)
        self._failure = error
        what = retry_scope(error)
        if what is RetryScope.NONE:
            self._turn(error)
            return
        self._retries += 1
        if what is RetryScope.SAME:
            asked_again = self._policy.clock() + self._pause_after(error)
            self._not_before = {**self._not_before, model.deployment: asked_again}
            return
        self._spent |= {model.deployment}
        if what is RetryScope.ELSEWHERE:
            address = model.deployment[:2]
            self._spent |= {one.deployment for one in model_deployments(self._line[self._place], address)}

    def _pause_after(self, error: UpstreamError) -> float:
        if error.asked_to_wait is not None:
            return error.asked_to_wait
        return self._policy.retry.backoff(self._retries, self._policy.draw())

    def _turn(self, error: UpstreamError) -> None:
        """Turns to the fallbacks for requests that are too long, or that the provider's filter refused."""
        self._asked |= {self._line[self._place].name}
        if error.code == "context_length_exceeded" and self._line is not self._route.context_window:
            self._line = self._route.context_window
        elif error.code == "content_policy_violation" and self._line is not self._route.content_filter:
            self._line = self._route.content_filter
        elif error.code in ("context_length_exceeded", "content_policy_violation"):
            self._place += 1
            self._retries = 0
            return
        else:
            raise error
        self._place = self._retries = 0

    def _refusal(self) -> UpstreamError:
        """Returns the error for a route of which every circuit is open; the shortest pause is its Retry-After."""
        if not self._paused:
            return UpstreamUnavailable("an empty route")
        pause, model = min(self._paused, key=lambda paused: paused[0].seconds)
        kind = UpstreamRateLimited if pause.cooling else CircuitOpen
        error = kind(f"not asked: {pause.seconds:.1f} s left", retry_after=max(pause.seconds, 0.001))
        error.blame(model.provider)
        return error


def model_deployments(model: Model, address: tuple[str, ...]) -> list[Model]:
    """Returns the deployments of `model` at this provider and address."""
    return [one for one in model.deployments or (model,) if one.deployment[:2] == address]


def report_failure(
    breakers: Breakers, model: Model, error: UpstreamError, admission: Admission = _NORMAL, *, number: int = 1
) -> None:
    """Logs a failure, and counts it where it speaks against the deployment."""
    endpoint = model.endpoint
    error.blame(model.provider, credential=endpoint.credential_variable, address=endpoint.address_variable)
    error.detail = endpoint.redacted(error.detail)
    _log.warning(
        "provider failed",
        provider=model.provider, model=model.name, providerModel=model.id, code=error.code, attempt=number,
        detail=error.detail,
    )  # fmt: skip
    if isinstance(error, COUNTED):
        breakers.failed(model.deployment, admission)
    else:
        breakers.left(model.deployment, admission)
    if error.asked_to_wait:
        breakers.cool_down(model.deployment, error.asked_to_wait)
