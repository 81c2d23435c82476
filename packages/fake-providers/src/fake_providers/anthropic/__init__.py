"""A fake Anthropic for tests: Messages over a real socket, with a script of behaviors.

    anthropic = FakeAnthropic(Says("Hola"), Fails(529, "overloaded_error"))
    async with running(anthropic) as base_url: ...         # base_url is what a client is given
    anthropic.calls[0].body["model"]

A request that Anthropic would refuse is refused with its message, and `check` raises for it.
"""

from .behaviors import Counts, Endless, Fails, Says
from .fake_anthropic import FakeAnthropic

__all__ = ["Counts", "Endless", "Fails", "FakeAnthropic", "Says"]
