"""Google's Gemini for tests, as `fake_providers` explains it, in Gemini's own wire format.

    gemini = FakeGemini(Says("Hola"), Fails(429, "RESOURCE_EXHAUSTED", retry_delay="17s"))
    async with running(gemini) as base_url: ...            # base_url is what a client is given

`Sends` and `Silent` of `fake_providers` play here too.
"""

from .behaviours import Blocks, Embeds, Endless, Fails, Says
from .fake_gemini import FakeGemini

__all__ = ["Blocks", "Embeds", "Endless", "Fails", "FakeGemini", "Says"]
