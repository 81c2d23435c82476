"""A model as it is asked: where it is answered, under which id, on what terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec

from llm_gateway.catalog.pricing import Rates
from llm_gateway.net.timeouts import Timeouts

OFFLINE = "offline"
SafeStream = Literal["off", "hold", "continue"]
"""What is done for a stream that may break: nothing, hold it back until it is whole, or let another continue it."""
Strategy = Literal["weighted", "least_latency"]
"""How one of several deployments is chosen."""
ReasoningBack = Literal["details", "tool_turns"]
"""As OpenRouter's `reasoning_details`, or as the `reasoning_content` of turns that called tools."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as it is configured here. `headers` hold its credentials and are never shown.

    `unavailable` says why it cannot be called, or is None. `prices` is its id in genai-prices. `cache_marks` says
    that an endpoint with OpenAI's API takes Anthropic's marks, `also_carries` names parameters that it takes beyond
    OpenAI's own, `reasoning_back` how it wants to see its earlier thoughts again, if at all. Of embeddings: how many
    inputs it takes at once, whether as token ids too, and whether it can send vectors in base64.

    A provider with several keys is `keyed` once with each of them, itself with the first; `key` is then the variable
    that has it. `credential_variable` and `address_variable` name the variables that its credential and its address
    came from.
    """

    provider: str
    dialect: str
    base_url: str | None
    path: str
    stream_path: str
    embeddings_path: str
    query: str
    headers: Mapping[str, str]
    max_tokens_field: str
    extra_body: Mapping[str, Any]
    prices: str | None
    free: bool
    unavailable: str | None
    default_id: str | None = None
    cache_marks: bool = False
    also_carries: frozenset[str] = frozenset()
    reasoning_back: ReasoningBack | None = None
    embeddings_batch: int = 2048
    token_inputs: bool = False
    packed_vectors: bool = False
    key: str = ""
    keyed: tuple[Endpoint, ...] = ()
    credential_variable: str | None = None
    address_variable: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.provider!r}, {self.base_url!r})"

    def url(self, model_id: str) -> str:
        """Returns the address of an answer by `model_id`."""
        return self._address(self.path, model_id)

    def stream_url(self, model_id: str) -> str:
        """Returns the address of a streamed answer by `model_id`."""
        return self._address(self.stream_path, model_id)

    def embeddings_url(self, model_id: str) -> str:
        """Returns the address of embeddings by `model_id`."""
        return self._address(self.embeddings_path, model_id)

    def _address(self, path: str, model_id: str) -> str:
        named = path.replace("{id}", quote(model_id, safe="")) if "{id}" in path else path
        query = self.query if "?" not in named else self.query.replace("?", "&", 1)
        return f"{self.base_url}{named}{query}"

    def redacted(self, text: str) -> str:
        """Returns `text`, a provider's own words, without the credentials that it may have echoed."""
        for value in self.headers.values():
            if secret := value.removeprefix("Bearer "):
                text = text.replace(secret, "***")
        return text


class SystemPrompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model is told before each conversation: `default` where the caller tells it nothing, `prepend` before
    what the caller tells it, `replace` in place of that."""

    text: Annotated[str, msgspec.Meta(min_length=1)]
    mode: Literal["default", "prepend", "replace"] = "default"


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One name that clients may use.

    `retries` bounds further attempts at it after the first. `lacks` are optional parameters that it does not take
    although its provider's API has them; `drop_params` those that may be left out rather than refused.
    A model that several deployments answer is each of its `deployments` in turn: they bear its name, and it
    describes the first one that is configured. With each key of its provider it is a deployment of its own.
    `tags` are an operator's words for it.

    Three are made from the others, once: `deployment` is what answers, whatever it is called (the provider, its
    address, the id there, and the variable of the key where there are several), `kind` all that decides which
    parameters it takes, `terms` all of the row that may change an answer, as JSON.
    """

    name: str
    provider: str
    id: str
    endpoint: Endpoint
    timeouts: Timeouts
    description: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    supports: tuple[str, ...] = ()
    rates: Rates | None = None
    fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: tuple[str, ...] = ()
    content_filter_fallbacks: tuple[str, ...] = ()
    retries: int = 0
    lacks: tuple[str, ...] = ()
    drop_params: frozenset[str] = frozenset()
    safe_stream: SafeStream = "off"
    system_prompt: SystemPrompt | None = None
    tags: tuple[str, ...] = ()
    strategy: Strategy = "weighted"
    weight: float = 1.0
    deployments: tuple[Model, ...] = ()
    deployment: tuple[str, ...] = ()
    kind: tuple[str, frozenset[str], tuple[str, ...]] = ("", frozenset(), ())
    terms: str = ""

    def __post_init__(self) -> None:
        endpoint = self.endpoint
        key = (endpoint.key,) if endpoint.key else ()
        deployment = (self.provider, endpoint.base_url or "", self.id, *key)
        msgspec.structs.force_setattr(self, "deployment", deployment)
        msgspec.structs.force_setattr(self, "kind", (endpoint.dialect, endpoint.also_carries, self.lacks))
        msgspec.structs.force_setattr(self, "terms", self._terms())

    def _terms(self) -> str:
        """The name is one of them: what stands in for a model, and what is left out for it, are a name's own."""
        endpoint = self.endpoint
        place = (endpoint.provider, endpoint.dialect, endpoint.base_url, endpoint.path, endpoint.stream_path)
        words = (endpoint.embeddings_path, endpoint.query, endpoint.extra_body, endpoint.reasoning_back)
        row = (self.name, self.provider, self.id, self.supports, self.max_output_tokens)
        return msgspec.json.encode((place, words, sorted(endpoint.also_carries), row)).decode()

    @property
    def available(self) -> bool:
        return self.endpoint.unavailable is None

    def with_each_key(self) -> tuple[Model, ...]:
        """It with each key of its provider; it alone where there is one, or none."""
        return tuple(msgspec.structs.replace(self, endpoint=keyed) for keyed in self.endpoint.keyed) or (self,)
