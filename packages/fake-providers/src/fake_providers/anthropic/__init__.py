"""Anthropic for tests: Messages over a real socket, told beforehand how to behave.

    anthropic = FakeAnthropic(Says("Hola"), Fails(529, "overloaded_error"))
    async with running(anthropic) as base_url: ...         # base_url is what a client is given
    anthropic.calls[0].body["model"]

It is as loud as the other fakes: what Anthropic would refuse is refused in its way, and `check` tells.
"""

from .behaviours import Counts, Endless, Fails, Says
from .fake_anthropic import FakeAnthropic

__all__ = ["Counts", "Endless", "Fails", "FakeAnthropic", "Says"]
