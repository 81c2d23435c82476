"""Admission: a call gets a ticket, or is refused.

The only limiter here bounds the number of calls under way, in all and for each provider. Limiters of keys and budgets
have the same shape.
"""

from __future__ import annotations

from enum import Enum

from llm_gateway.errors import GatewaySaturated, ProviderSaturated


class TicketState(Enum):
    """A ticket is held until it is either settled or released, once."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"


_HELD, _SETTLED, _RELEASED = TicketState  # a member of an enum costs five times as much to find as a name of the module


class Ticket:
    """A place among the calls under way. Its holder settles or releases it, whatever ends the call. Both may be called
    again; only the first call counts."""

    __slots__ = ("_admission", "provider", "state")

    def __init__(self, admission: AdmissionControl, provider: str | None) -> None:
        self._admission = admission
        self.provider = provider
        self.state = _HELD

    def settle(self) -> None:
        """Gives the place back: the call is complete and priced. Sending the answer needs no place."""
        self._end(_SETTLED)

    def release(self) -> None:
        """Gives the place back: the call ended without an answer. Does nothing to a ticket that is settled."""
        self._end(_RELEASED)

    def _end(self, state: TicketState) -> None:
        if self.state is _HELD:
            self.state = state
            self._admission._gave_back(self.provider)  # pyright: ignore[reportPrivateUsage]


class AdmissionControl:
    """Admits `most` callers at a time, and `most_per_provider` calls to each provider.

    A caller that is answered from the cache, or that shares a call, takes no place at a provider.
    """

    def __init__(self, most: int, most_per_provider: int) -> None:
        self._most = most
        self._most_per_provider = most_per_provider
        self._callers = 0
        self._calls: dict[str, int] = {}

    @property
    def most(self) -> int:
        """The number of callers that may be admitted at a time."""
        return self._most

    @property
    def callers(self) -> int:
        """The number of callers that are admitted now."""
        return self._callers

    def calls(self, provider: str) -> int:
        """The number of calls that are under way at a provider."""
        return self._calls.get(provider, 0)

    def admit(self) -> Ticket:
        """Returns a caller's ticket. Raises GatewaySaturated."""
        if self._callers >= self._most:
            raise GatewaySaturated
        self._callers += 1
        return Ticket(self, None)

    def dispatch(self, provider: str) -> Ticket:
        """Returns a ticket for a call to `provider`. Raises ProviderSaturated."""
        calls = self._calls.get(provider, 0)
        if calls >= self._most_per_provider:
            raise ProviderSaturated(
                message=f"The gateway has as many calls under way to '{provider}' as it may.",
                spanish=f"El gateway ya tiene en curso todas las llamadas que puede a '{provider}'.",
            )
        self._calls[provider] = calls + 1
        return Ticket(self, provider)

    def _gave_back(self, provider: str | None) -> None:
        if provider is None:
            self._callers -= 1
            return
        calls = self._calls[provider] - 1
        if calls:
            self._calls[provider] = calls
        else:  # names of providers are few, but a reload of the catalog changes them
            del self._calls[provider]
