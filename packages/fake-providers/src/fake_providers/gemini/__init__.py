"""A fake Gemini for tests, with a script of behaviors like the other fakes.

    gemini = FakeGemini(Says("Hola"), Fails(429, "RESOURCE_EXHAUSTED", retry_delay="17s"))
    async with running(gemini) as base_url: ...            # base_url is what a client is given

`Sends` and `Silent` of `fake_providers` work here too.
"""

from .behaviors import Blocks, Embeds, Endless, Fails, Says
from .fake_gemini import FakeGemini

__all__ = ["Blocks", "Embeds", "Endless", "Fails", "FakeGemini", "Says"]
