"""From the file's rows to the snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from llm_gateway.canonical.parameters import EVERYTHING, UnknownParameter, droppable
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.document import Place
from llm_gateway.catalog.endpoints import Endpoints
from llm_gateway.catalog.models import OFFLINE, Endpoint, Model
from llm_gateway.catalog.pricing import FREE, Rate, Rates, rates_of
from llm_gateway.catalog.rows import CatalogRows, DeploymentRow, ModelRow, Placed, PriceRow, ProviderRow, TimeoutsRow
from llm_gateway.net.timeouts import Timeouts
from llm_gateway.settings import GatewaySettings


class CatalogBuilder:
    """From rows to the snapshot. `top` is the file that a mistake of the whole is named by."""

    def __init__(self, rows: CatalogRows, top: Place, settings: GatewaySettings, environ: Mapping[str, str]) -> None:
        self._rows = rows
        self._top = top
        self._settings = settings
        self._environ = environ
        self._warnings = list(top.document.warnings())
        self._timeouts = Timeouts(
            connect=settings.upstream_connect_timeout,
            first_token=settings.upstream_first_token_timeout,
            idle=settings.upstream_idle_timeout,
            total=settings.upstream_total_timeout,
        )

    def build(self) -> Catalog:
        self._check_parameters()
        endpoints = Endpoints(self._settings, self._environ, self._warnings)
        built = {name: endpoints.build(name, row, place) for name, (row, place, _) in self._rows.providers.items()}
        models = {placed.row.name: self._model(placed, built) for placed in self._rows.models}
        self._check(models)
        settings = self._settings
        default = settings.default_model or self._named_default()
        catalog = Catalog(
            endpoints=built,
            provider_aliases=dict(self._provider_names()),
            models=models,
            aliases=self._aliases(models),
            retired=self._rows.retired,
            timeouts=self._timeouts,
            retries=settings.upstream_retries,
            default_model=self._current(default, "DEFAULT_MODEL") if default else None,
            default_provider=settings.default_provider,
            model_provider=settings.model_provider,
            offline_fallback=settings.offline_fallback == "auto",
            warnings=tuple(self._warnings),
        )
        catalog.resolve(catalog.default)
        return catalog

    def _check_parameters(self) -> None:
        for placed in (*self._rows.providers.values(), *self._rows.models):
            _check_parameters(placed.row, placed.place)

    def _provider_names(self) -> Iterator[tuple[str, str]]:
        for name, placed in self._rows.providers.items():
            yield name, name
            for alias in placed.row.aliases:
                yield alias, name

    def _named_default(self) -> str | None:
        """Returns what MODEL_NAME says, of the provider that MODEL_PROVIDER says."""
        name, provider = self._settings.model_name, self._settings.model_provider
        return f"{provider}/{name}" if name and provider else name

    def _model(self, placed: Placed[ModelRow], endpoints: Mapping[str, Endpoint]) -> Model:
        row = placed.row
        if row.system_prompt and "embeddings" in row.supports:
            raise placed.place.at("system_prompt").mistake("it gives embeddings, which have no system prompt")
        found = [self._deployment(row, one, place, endpoints) for one, place in _deployments(row, placed.place)]
        usable = tuple(keyed for model in found if model.available for keyed in model.with_each_key())
        if len(usable) > 1:
            return msgspec.structs.replace(usable[0], deployments=usable)
        return usable[0] if usable else found[0]

    def _deployment(
        self, entry: ModelRow, row: DeploymentRow, place: Place, endpoints: Mapping[str, Endpoint]
    ) -> Model:
        if row.provider not in endpoints:
            raise place.at("provider").mistake(f"there is no provider '{row.provider}'")
        endpoint, provider = endpoints[row.provider], self._rows.providers[row.provider].row
        id_ = self._environ.get(row.id_variable or "") or row.id
        return Model(
            name=entry.name,
            provider=row.provider,
            id=self._current(id_, row.id_variable or entry.name),
            endpoint=endpoint,
            timeouts=self._merged(entry.timeouts),
            description=entry.description or f"{row.id} on {row.provider}",
            context_window=entry.context_window,
            max_output_tokens=entry.max_output_tokens,
            supports=entry.supports,
            rates=_rates(row.price or entry.price, endpoint, id_),
            fallbacks=entry.fallbacks,
            context_window_fallbacks=entry.context_window_fallbacks,
            content_filter_fallbacks=entry.content_filter_fallbacks,
            retries=self._settings.upstream_retries if entry.retries is None else entry.retries,
            lacks=tuple(dict.fromkeys((*provider.lacks, *entry.lacks))),
            drop_params=_droppable(provider.drop_params) | _droppable(entry.drop_params),
            safe_stream=entry.safe_stream,
            system_prompt=entry.system_prompt,
            tags=tuple(dict.fromkeys(entry.tags)),
            strategy=entry.strategy,
            weight=row.weight,
        )

    def _current(self, id_: str, source: str) -> str:
        replacement = self._rows.retired.get(id_)
        if replacement is None:
            return id_
        self._warnings.append(f"{source}: '{id_}' has been shut down by its provider; '{replacement}' is used instead")
        return replacement

    def _merged(self, partial: TimeoutsRow) -> Timeouts:
        given = {name: value for name, value in msgspec.structs.asdict(partial).items() if value is not None}
        return msgspec.structs.replace(self._timeouts, **given)

    def _aliases(self, models: Mapping[str, Model]) -> dict[str, tuple[str, ...]]:
        """Other names of each model, its provider's own id among them; an operator's come before the built-in ones."""
        aliases: dict[str, tuple[str, ...]] = {}
        for row, _, _ in sorted(self._rows.models, key=lambda placed: not placed.claims):
            for alias in dict.fromkeys((*row.aliases, models[row.name].id)):
                aliases[alias] = (*aliases.get(alias, ()), row.name)
        return aliases

    def _check(self, models: Mapping[str, Model]) -> None:
        if OFFLINE not in models:
            raise self._top.at("models").mistake(f"the model '{OFFLINE}' must stay listed")
        names = set(models) | set(self._aliases(models))
        for row, place, _ in self._rows.models:
            for field in ("fallbacks", "context_window_fallbacks", "content_filter_fallbacks"):
                for fallback in getattr(row, field):
                    if fallback not in names and fallback.partition("/")[0] not in self._rows.providers:
                        raise place.at(field).mistake(f"there is no model '{fallback}'")


def _deployments(row: ModelRow, place: Place) -> Iterator[tuple[DeploymentRow, Place]]:
    """Returns the model's deployments and their place in the file; a model that lists none is its own only one."""
    if row.deployments:
        for name in ("provider", "id", "id_variable"):
            if getattr(row, name) is not None:
                raise place.at(name).mistake(f"{name} belongs to each of the deployments here")
        for index, deployment in enumerate(row.deployments):
            yield deployment, place.at("deployments", index)
        return
    if row.provider is None or row.id is None:
        raise place.mistake("it needs a provider and an id, or deployments")
    yield DeploymentRow(row.provider, row.id, row.id_variable), place


def _droppable(names: tuple[str, ...] | str) -> frozenset[str]:
    return droppable((names,) if isinstance(names, str) else names)


def _check_parameters(row: ProviderRow | ModelRow, place: Place) -> None:
    """Raises CatalogError for a parameter that there is none of."""
    for index, name in enumerate(row.lacks):
        if name not in EVERYTHING:
            raise place.at("lacks", index).mistake(str(UnknownParameter(name)))
    try:
        _droppable(row.drop_params)
    except UnknownParameter as error:
        raise place.at("drop_params").mistake(str(error)) from error


def _rates(price: str | PriceRow | None, endpoint: Endpoint, id_: str) -> Rates | None:
    if isinstance(price, PriceRow):
        return _explicit(price)
    if endpoint.free:
        return FREE
    return rates_of(endpoint.prices, price or id_) if endpoint.prices else None


def _explicit(price: PriceRow) -> Rates:
    def rate(value: float) -> Rate:
        return Rate(Decimal(repr(value)))

    cached = price.cached_input_usd_per_mtok
    return Rates(
        input=rate(price.input_usd_per_mtok),
        output=rate(price.output_usd_per_mtok),
        cached_input=None if cached is None else rate(cached),
    )
