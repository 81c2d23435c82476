"""Names to models: who answers a name, under which id, on what terms. One immutable snapshot at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from llm_gateway.catalog.pricing import FREE, Rates, rates_of
from llm_gateway.errors import ModelNotFound, ProviderNotConfigured

OFFLINE = "offline"
SafeStream = Literal["off", "hold", "continue"]
"""What is done for a stream that may break: nothing, hold it back until it is whole, or let another continue it."""
Strategy = Literal["weighted", "least_latency"]
"""How one of several deployments is chosen."""
ReasoningBack = Literal["details", "tool_turns"]
"""As OpenRouter's `reasoning_details`, or as the `reasoning_content` of turns that called tools."""
_MAX_REMEMBERED_ROUTES = 4096
_MAX_ID = 256


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In seconds: to connect, to the first content, between two pieces of it, and in all."""

    connect: float
    first_token: float
    idle: float
    total: float


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as it is configured here. `headers` hold its credentials and are never shown.

    `unavailable` says why it cannot be called, or is None. `prices` is its id in genai-prices. `cache_marks` says
    that an endpoint with OpenAI's API takes Anthropic's marks, `also_carries` names parameters that it takes beyond
    OpenAI's own, `reasoning_back` how it wants to see its earlier thoughts again, if at all. Of embeddings: how many
    inputs it takes at once, whether as token ids too, and whether it can send vectors in base64.
    `credential_variable` and `address_variable` name the variables that its credential and its address came from.
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
    credential_variable: str | None = None
    address_variable: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.provider!r}, {self.base_url!r})"

    def url(self, model_id: str) -> str:
        """The address of an answer by `model_id`."""
        return self._address(self.path, model_id)

    def stream_url(self, model_id: str) -> str:
        """The address of a streamed answer by `model_id`."""
        return self._address(self.stream_path, model_id)

    def embeddings_url(self, model_id: str) -> str:
        """The address of embeddings by `model_id`."""
        return self._address(self.embeddings_path, model_id)

    def _address(self, path: str, model_id: str) -> str:
        named = path.replace("{id}", quote(model_id, safe="")) if "{id}" in path else path
        query = self.query if "?" not in named else self.query.replace("?", "&", 1)
        return f"{self.base_url}{named}{query}"

    def redacted(self, text: str) -> str:
        """`text`, a provider's own words, without the credentials that it may have echoed."""
        for value in self.headers.values():
            if secret := value.removeprefix("Bearer "):
                text = text.replace(secret, "***")
        return text


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One name that clients may use.

    `retries` bounds further attempts at it after the first. `lacks` are optional parameters that it does not take
    although its provider's API has them; `drop_params` those that may be left out rather than refused.
    A model that several deployments answer is each of its `deployments` in turn: they bear its name, and it
    describes the first one that is configured.

    Two are made from the others, once: `deployment` is what answers, whatever it is called (the provider, its address
    and the id there), `kind` all that decides which parameters it takes.
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
    strategy: Strategy = "weighted"
    weight: float = 1.0
    deployments: tuple[Model, ...] = ()
    deployment: tuple[str, str, str] = ("", "", "")
    kind: tuple[str, frozenset[str], tuple[str, ...]] = ("", frozenset(), ())

    def __post_init__(self) -> None:
        endpoint = self.endpoint
        msgspec.structs.force_setattr(self, "deployment", (self.provider, endpoint.base_url or "", self.id))
        msgspec.structs.force_setattr(self, "kind", (endpoint.dialect, endpoint.also_carries, self.lacks))

    @property
    def available(self) -> bool:
        return self.endpoint.unavailable is None


class Route(msgspec.Struct, frozen=True):
    """Who is asked, in order. `asked` is the catalogue's name of what the client wanted.

    The other two are asked in place of what is left of `targets`, once a model says that the request is too long for
    it, or that its content policy forbids it.
    """

    asked: str
    targets: tuple[Model, ...]
    context_window: tuple[Model, ...] = ()
    content_filter: tuple[Model, ...] = ()

    def fallback_from(self, answered: Model) -> str | None:
        """What the client asked for, when something else answered."""
        return None if answered.name == self.asked else self.asked


class Catalog:
    """A snapshot: endpoints, models, and how names resolve. Built by `loader`."""

    def __init__(
        self,
        *,
        endpoints: Mapping[str, Endpoint],
        provider_aliases: Mapping[str, str],
        models: Mapping[str, Model],
        aliases: Mapping[str, tuple[str, ...]],
        retired: Mapping[str, str],
        timeouts: Timeouts,
        default_model: str | None,
        default_provider: str | None,
        model_provider: str | None = None,
        offline_fallback: bool,
        retries: int = 0,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.endpoints = endpoints
        self.models = models
        self.warnings = warnings
        self._provider_aliases = provider_aliases
        self._aliases = aliases
        self._retired = retired
        self._timeouts = timeouts
        self._retries = retries
        self._default_provider = self._provider(default_provider) if default_provider else None
        self._by_id = {
            (deployment.provider, deployment.id): deployment
            for model in reversed(list(models.values()))
            for deployment in (model.deployments or (model,))
        }
        self.configured = [
            name for name, endpoint in endpoints.items() if endpoint.unavailable is None and name != OFFLINE
        ]
        self._offline_fallback = offline_fallback and not self.configured
        self._routes: dict[tuple[str, str | None], Route] = {}
        preferred = self.default_of(self._provider(model_provider)) if model_provider else None
        self.default = default_model or preferred or self._implied_default()

    def _implied_default(self) -> str:
        """`bedrock-nova-pro` when AWS or nothing is configured, else the first configured provider's default."""
        first = next(iter(self.models.values()))
        if not self.configured or first.provider in self.configured:
            return first.name
        ordered = dict.fromkeys(model.provider for model in self.models.values())
        provider = next((name for name in ordered if name in self.configured), self.configured[0])
        return self.default_of(provider) or first.name

    def default_of(self, provider: str) -> str | None:
        """A provider's own default: what its variable says, else its first model in the catalogue."""
        endpoint = self.endpoints.get(provider)
        if endpoint is not None and endpoint.default_id:
            return f"{provider}/{endpoint.default_id}"
        return next((model.name for model in self.models.values() if model.provider == provider), None)

    def route(self, name: str, provider: str | None = None) -> Route:
        """Who answers `name` (empty: the default model), in order.

        Raises:
            ModelNotFound: nothing has that name.
            ProviderNotConfigured: it, and everything that may stand in for it, lacks credentials.
        """
        known = self._routes.get((name, provider))
        if known is not None:
            return known
        route = self._find_route(name or self.default, provider)
        if len(self._routes) >= _MAX_REMEMBERED_ROUTES:  # clients make names up: start again rather than grow
            self._routes.clear()
        self._routes[(name, provider)] = route
        return route

    def _find_route(self, name: str, provider: str | None) -> Route:
        model = self.resolve(name, provider)
        targets = self._available((model.name, *model.fallbacks), first=model)
        if not targets and self._offline_fallback and model.name in self.models:
            targets = (self.models[OFFLINE],)
        if not targets:
            raise ProviderNotConfigured(model.provider, model.endpoint.unavailable or "")
        return Route(
            model.name,
            targets,
            context_window=self._available(model.context_window_fallbacks),
            content_filter=self._available(model.content_filter_fallbacks),
        )

    def _available(self, names: tuple[str, ...], first: Model | None = None) -> tuple[Model, ...]:
        """The models of these names that are configured, each once; `first` is the first one where it is known."""
        found = {name: self.resolve(name) for name in names[first is not None :]}
        chain = {model.name: model for model in ((first,) if first else ()) + tuple(found.values())}
        return tuple(model for model in chain.values() if model.available)

    def resolve(self, name: str, provider: str | None = None) -> Model:
        """Exact name, then alias, then a provider (its default), then `PROVIDER/ID`; with
        `provider`, that provider's model of this name or id.

        Raises:
            ModelNotFound: nothing has that name.
        """
        name = self._retired.get(name, name)
        if provider:
            return self._of_provider(self._provider(provider), name, asked=f"{provider}/{name}")
        if name in self.models:
            return self.models[name]
        if name in self._aliases:
            return self._choose([self.models[candidate] for candidate in self._aliases[name]])
        if name.lower() in self._provider_aliases:
            default = self.default_of(self._provider(name))
            return self.resolve(default or "")
        prefix, slash, id_ = name.partition("/")
        if slash and id_ and prefix.lower() in self._provider_aliases:
            return self._of_provider(self._provider(prefix), id_, asked=name)
        raise ModelNotFound(name)

    def _provider(self, name: str) -> str:
        known = self._provider_aliases.get(name.lower())
        if known is None:
            raise ModelNotFound(name)
        return known

    def _of_provider(self, provider: str, name: str, asked: str) -> Model:
        if not name.strip(".") or len(name) > _MAX_ID:  # ids become part of addresses, and are remembered
            raise ModelNotFound(asked)
        name = self._retired.get(name, name)
        exact = self.models.get(name)
        if exact is not None and exact.provider == provider:
            return exact
        listed = self.models.get(f"{provider}/{name}") or self._by_id.get((provider, name))
        if listed is not None:
            return listed
        for candidate in self._aliases.get(name, ()):
            if self.models[candidate].provider == provider:
                return self.models[candidate]
        if provider == OFFLINE:
            raise ModelNotFound(asked)
        return self._unlisted(provider, name)

    def _unlisted(self, provider: str, id_: str) -> Model:
        endpoint = self.endpoints[provider]
        rates = FREE if endpoint.free else rates_of(endpoint.prices, id_) if endpoint.prices else None
        return Model(
            name=f"{provider}/{id_}", provider=provider, id=id_, endpoint=endpoint, rates=rates,
            timeouts=self._timeouts, retries=self._retries,
        )  # fmt: skip

    def _choose(self, candidates: list[Model]) -> Model:
        """Of several providers' models of one name: the default provider's, else the first configured one's."""
        for model in candidates:
            if model.provider == self._default_provider:
                return model
        return next((model for model in candidates if model.available), candidates[0])
