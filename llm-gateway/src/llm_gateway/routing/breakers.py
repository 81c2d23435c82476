"""Circuit breakers and cool-downs, one a deployment: one that keeps failing or asks for a pause is left alone.

    closed ── five failures in a row, or half of many ──► open ── 15 s ──► half open ── a probe succeeds ──► closed
                                                            ▲                  │
                                                            └── a probe fails ─┘

A cool-down is what a provider asked for with Retry-After: it lasts exactly that long, and needs no probe. One header
cannot take a deployment away for hours, though: what is asked beyond a few minutes ends with a probe after those.
All methods take constant time and none awaits, so that no two tasks can get the same probe.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Literal

import msgspec

State = Literal["closed", "open", "half_open"]

Deployment = tuple[str, ...]
"""A provider, its address, and the id of a model there; and the variable of the key, where the provider has several."""

_SEVERITY: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}
_TIMER_ERROR = 0.001
"""uvloop's timers count in milliseconds and fire up to one early."""
_MOST_CIRCUITS = 4096
"""Ids that clients make up must not grow the table for ever; the oldest is forgotten first."""


class Admission(Enum):
    """Whether a deployment may be asked; a `PROBE` is the only one at its time, and must be settled."""

    NORMAL = "normal"
    PROBE = "probe"
    REFUSED = "refused"


_NORMAL, _PROBE, _REFUSED = Admission  # a member of an enum costs five times as much to find as a name of the module


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """When a circuit opens and for how long; times in seconds.

    It opens after `failures` in a row, or when of at least `volume` calls within `window` the part `rate` failed.
    `longest_cool_down` is how long a provider's own word is taken without asking again.
    """

    failures: int = 5
    rate: float = 0.5
    volume: int = 20
    window: float = 30.0
    open: float = 15.0
    longest_cool_down: float = 300.0


class Pause(msgspec.Struct, frozen=True):
    """Why a deployment is not asked: for how many seconds more, and whether its provider asked for that."""

    seconds: float
    cooling: bool


class CircuitReport(msgspec.Struct, frozen=True):
    """One circuit as people see it; `retry_in` are the seconds until it may be asked again."""

    deployment: Deployment
    state: State
    retry_in: float
    cooling: bool


class _Circuit:
    """What is known of one deployment that failed lately."""

    __slots__ = ("asked", "cooling_until", "failed", "open_until", "probing", "row", "since")

    def __init__(self, now: float) -> None:
        self.row = 0  # failures without a success between them
        self.since, self.asked, self.failed = now, 0, 0  # the window
        self.open_until: float | None = None
        self.cooling_until = now
        self.probing = False

    def state(self, now: float) -> State:
        if now < self.cooling_until:
            return "open"
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def count(self, now: float, rules: Rules, *, failed: bool) -> None:
        if now - self.since > rules.window:
            self.since, self.asked, self.failed = now, 0, 0
        self.asked += 1
        self.failed += failed
        self.row = self.row + 1 if failed else 0

    def tripped(self, rules: Rules) -> bool:
        often = self.asked >= rules.volume and self.failed >= rules.rate * self.asked
        return self.row >= rules.failures or often


class Breakers:
    """Every deployment's circuit. One that has not failed lately has none, and costs one look-up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, rules: Rules | None = None) -> None:
        self._clock = clock
        self._rules = rules or Rules()
        self._circuits: dict[Deployment, _Circuit] = {}

    # --- before a call ---

    def enter(self, deployment: Deployment, served: float = 0.0) -> Admission:
        """Returns whether it may be asked now. A probe is settled by `succeeded`, `failed` or `left`, whatever happens.

        `served` are the seconds that the attempt has waited as it was asked to. It is let in unless a longer pause was
        asked for meanwhile: timers may fire early by a fraction of what they were set to, and the answers to other
        requests move the end of a pause by less than its length.
        """
        circuit = self._circuits.get(deployment)
        if circuit is None:
            return _NORMAL
        now = self._clock()
        left = circuit.cooling_until - now
        if left > 0 and (not served or left >= max(served, _TIMER_ERROR)):
            return _REFUSED
        if circuit.open_until is None:
            return _NORMAL
        if now < circuit.open_until or circuit.probing:
            return _REFUSED
        circuit.probing = True
        return _PROBE

    def pause(self, deployment: Deployment) -> Pause:
        """Returns, for a deployment that was refused, until when and why."""
        circuit = self._circuits.get(deployment)
        if circuit is None:
            return Pause(0.0, False)
        now = self._clock()
        cooling, closed_for = circuit.cooling_until - now, (circuit.open_until or now) - now
        return Pause(max(cooling, closed_for, 0.0), cooling > 0 and cooling >= closed_for)

    # --- after it ---

    def succeeded(self, deployment: Deployment, admission: Admission = _NORMAL) -> None:
        """Notes an answer. Of an open circuit only a probe's answer counts: others were asked before it opened."""
        circuit = self._circuits.get(deployment)
        if circuit is None:
            return
        now = self._clock()
        if admission is _PROBE:
            if now >= circuit.cooling_until:
                del self._circuits[deployment]
            else:
                circuit.open_until, circuit.probing, circuit.row = None, False, 0
        elif circuit.open_until is None:
            if now - circuit.since > self._rules.window and now >= circuit.cooling_until:
                del self._circuits[deployment]
            else:
                circuit.count(now, self._rules, failed=False)

    def failed(self, deployment: Deployment, admission: Admission = _NORMAL) -> None:
        """Notes a failure of the deployment."""
        circuit, now = self._circuit(deployment), self._clock()
        if admission is _PROBE:
            circuit.probing = False
            circuit.open_until = now + self._rules.open
        elif circuit.open_until is None:
            circuit.count(now, self._rules, failed=True)
            if circuit.tripped(self._rules):
                circuit.open_until = now + self._rules.open

    def cool_down(self, deployment: Deployment, seconds: float) -> None:
        """Leaves it alone for so long, up to the rules' limit, behind which a probe decides whether more was meant; a
        pause that it asked for before is never shortened."""
        circuit = self._circuit(deployment)
        until = self._clock() + min(seconds, self._rules.longest_cool_down)
        circuit.cooling_until = max(circuit.cooling_until, until)
        if seconds > self._rules.longest_cool_down:
            circuit.open_until = max(circuit.open_until or until, until)

    def left(self, deployment: Deployment, admission: Admission) -> None:
        """Notes a call that said nothing about the deployment: cancelled, or refused for what it was."""
        if admission is _PROBE and (circuit := self._circuits.get(deployment)) is not None:
            circuit.probing = False

    def _circuit(self, deployment: Deployment) -> _Circuit:
        circuit = self._circuits.get(deployment)
        if circuit is None:
            if len(self._circuits) >= _MOST_CIRCUITS:
                del self._circuits[next(iter(self._circuits))]
            circuit = self._circuits[deployment] = _Circuit(self._clock())
        return circuit

    # --- for people ---

    def state(self, deployment: Deployment) -> State:
        circuit = self._circuits.get(deployment)
        return "closed" if circuit is None else circuit.state(self._clock())

    def reports(self) -> Iterator[CircuitReport]:
        """Yields every circuit that is not closed."""
        now = self._clock()
        for deployment, circuit in self._circuits.items():
            state = circuit.state(now)
            if state != "closed":
                pause = self.pause(deployment)
                yield CircuitReport(deployment, state, round(pause.seconds, 3), pause.cooling)

    def providers(self) -> dict[str, State]:
        """Returns the worst state of each provider's circuits; those that are not named are closed."""
        worst: dict[str, State] = {}
        for report in self.reports():
            provider = report.deployment[0]
            if _SEVERITY[report.state] > _SEVERITY[worst.get(provider, "closed")]:
                worst[provider] = report.state
        return worst
