"""A provider for tests: OpenAI's chat completions over a real socket, told beforehand how to behave.

    openai = FakeOpenAI(Says("Hola"), Fails(429, retry_after="7"))
    async with running(openai) as base_url: ...            # base_url + "/v1" is what a client is given
    openai.calls[0].body["model"]

It is loud: a request that OpenAI would refuse is refused in OpenAI's words, one more request than was scripted is
an error that `check` raises, and so is a script that nobody played to its end.
"""

from .behaviours import Behaviour, Endless, Fails, Says, Sends, Silent
from .embeds import Embeds
from .exchange import Call, CutConnection, Exchange
from .fake_openai import FakeOpenAI
from .fake_provider import FakeProvider
from .family_answers import AzureFilters, AzureSays, OllamaSays, OpenRouterSays
from .look_alikes import FakeAzure, FakeOllama, FakeOpenRouter, FakeVllm

__all__ = [
    "AzureFilters",
    "AzureSays",
    "Behaviour",
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
