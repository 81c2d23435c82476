"""Fake providers for tests: real servers on a real socket, with a script of behaviors. This one is OpenAI's.

    openai = FakeOpenAI(Says("Hola"), Fails(429, retry_after="7"))
    async with running(openai) as base_url: ...            # base_url + "/v1" is what a client is given
    openai.calls[0].body["model"]

Misuse does not go unnoticed: a request that OpenAI would refuse is refused with OpenAI's message, and `check` raises
for it, for a request beyond the script, and for a script that was not played to its end.
"""

from .behaviors import Behavior, Endless, Fails, Says, Sends, Silent
from .embeds import Embeds
from .exchange import Call, CutConnection, Exchange
from .fake_openai import FakeOpenAI
from .fake_provider import FakeProvider
from .family_answers import AzureFilters, AzureSays, OllamaSays, OpenRouterSays
from .look_alikes import FakeAzure, FakeOllama, FakeOpenRouter, FakeVllm

__all__ = [
    "AzureFilters",
    "AzureSays",
    "Behavior",
    "Call",
    "CutConnection",
    "Embeds",
    "Endless",
    "Exchange",
    "Fails",
    "FakeAzure",
    "FakeOllama",
    "FakeOpenAI",
    "FakeOpenRouter",
    "FakeProvider",
    "FakeVllm",
    "OllamaSays",
    "OpenRouterSays",
    "Says",
    "Sends",
    "Silent",
]
