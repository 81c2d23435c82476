"""Names to models: what answers a name. One immutable snapshot at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from llm_gateway.catalog.models import OFFLINE, Endpoint, Model
from llm_gateway.catalog.pricing import FREE, rates_of
from llm_gateway.errors import ModelNotFound, ProviderNotConfigured
from llm_gateway.net.timeouts import Timeouts

_MAX_REMEMBERED_ROUTES = 4096
_MAX_ID = 256


class Route(msgspec.Struct, frozen=True):
    """The models to ask, in order. `asked` is the catalog's name of the model that the client wanted.

    The other two are asked in place of what is left of `targets`, once a model says that the request is too long for
    it, or that its content policy forbids it.
    """

    asked: str
    targets: tuple[Model, ...]
    context_window: tuple[Model, ...] = ()
    content_filter: tuple[Model, ...] = ()

    def fallback_from(self, answered: Model) -> str | None:
        """Returns what the client asked for, when something else answered."""
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
        self._by_id = {at: one for model in reversed(list(models.values())) for at, one in _by_id(model)}
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
        """Returns a provider's own default: what its variable says, else its first model in the catalog."""
        endpoint = self.endpoints.get(provider)
        if endpoint is not None and endpoint.default_id:
            return f"{provider}/{endpoint.default_id}"
        return next((model.name for model in self.models.values() if model.provider == provider), None)

    def route(self, name: str, provider: str | None = None) -> Route:
        """Returns the models that may answer a request for `name` (empty: the default model), in order.

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
        """Returns the models of these names that are configured, each once; `first` is the first one where it is
        known."""
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

    def with_own_provider(self, name: str) -> str:
        """Returns `PROVIDER/…` with the catalog's own name of that provider, and what is no such name unchanged."""
        prefix, slash, rest = name.partition("/")
        own = self._provider_aliases.get(prefix.lower()) if slash else None
        return f"{own}/{rest}" if own else name

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
        model = Model(
            name=f"{provider}/{id_}", provider=provider, id=id_, endpoint=endpoint, rates=rates,
            timeouts=self._timeouts, retries=self._retries,
        )  # fmt: skip
        return _one_of(model.with_each_key())

    def _choose(self, candidates: list[Model]) -> Model:
        """Of several providers' models of one name: the default provider's, else the first configured one's."""
        for model in candidates:
            if model.provider == self._default_provider:
                return model
        return next((model for model in candidates if model.available), candidates[0])


def _by_id(model: Model) -> Iterator[tuple[tuple[str, str], Model]]:
    """Yields a model by each provider and id that answers it, with all keys that this provider has."""
    deployments: dict[tuple[str, str], tuple[Model, ...]] = {}
    for one in model.deployments or (model,):
        at = (one.provider, one.id)
        deployments[at] = (*deployments.get(at, ()), one)
    for at, ones in deployments.items():
        yield at, _one_of(ones)


def _one_of(deployments: tuple[Model, ...]) -> Model:
    """Returns the model that these deployments answer."""
    first = deployments[0]
    return first if len(deployments) == 1 else msgspec.structs.replace(first, deployments=deployments)
