"""From the file's rows to the snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from llm_gateway.aws_settings import aws_credential_variable, aws_missing, bedrock_url
from llm_gateway.canonical.parameters import EVERYTHING, UnknownParameter, droppable
from llm_gateway.catalog.models import OFFLINE, Catalog, Endpoint, Model, Timeouts
from llm_gateway.catalog.pricing import FREE, Rate, Rates, rates_of
from llm_gateway.catalog.rows import CatalogFile, DeploymentRow, ModelRow, PriceRow, ProviderRow, TimeoutsRow
from llm_gateway.settings import GatewaySettings

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class Mistake(Exception):
    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def _base(url: str, path: str) -> str:
    """`url` without a version at its end that `path` begins with: vendors' clients differ in where it belongs."""
    url = url.rstrip("/")
    return url.removesuffix("/v1") if path.startswith("/v1/") else url


class CatalogBuilder:
    """From the file's rows to the snapshot."""

    def __init__(self, file: CatalogFile, settings: GatewaySettings, environ: Mapping[str, str]) -> None:
        self._file = file
        self._settings = settings
        self._environ = environ
        self._warnings: list[str] = []
        self._timeouts = Timeouts(
            connect=settings.upstream_connect_timeout,
            first_token=settings.upstream_first_token_timeout,
            idle=settings.upstream_idle_timeout,
            total=settings.upstream_total_timeout,
        )

    def build(self) -> Catalog:
        self._check_parameters()
        endpoints = {name: self._endpoint(name, row) for name, row in self._file.providers.items()}
        models = dict(self._models(endpoints))
        self._check(models)
        settings = self._settings
        default = settings.default_model or self._named_default()
        catalog = Catalog(
            endpoints=endpoints,
            provider_aliases=dict(self._provider_names()),
            models=models,
            aliases=self._aliases(models),
            retired=self._file.retired,
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
        for name, row in self._file.providers.items():
            _check_parameters(row, f"$.providers.{name}")
        for index, entry in enumerate(self._file.models):
            _check_parameters(entry, f"$.models[{index}]")

    def _provider_names(self) -> Iterator[tuple[str, str]]:
        for name, row in self._file.providers.items():
            yield name, name
            for alias in row.aliases:
                yield alias, name

    def _named_default(self) -> str | None:
        """What MODEL_NAME says, of the provider that MODEL_PROVIDER says."""
        name, provider = self._settings.model_name, self._settings.model_provider
        return f"{provider}/{name}" if name and provider else name

    def _endpoint(self, name: str, row: ProviderRow) -> Endpoint:
        key = self._environ.get(row.key_variable or row.optional_key_variable or "")
        base_url = self._environ.get(row.base_url_variable or "") or row.base_url
        if base_url is None and row.dialect == "bedrock":
            base_url = bedrock_url(self._settings)
        if base_url and "://" not in base_url:
            base_url = f"http://{base_url}"
        query = "&".join(f"{key}={self._expand(value)}" for key, value in row.query.items())
        headers = {name: self._expand(value) for name, value in row.headers.items()}
        token = self._environ.get(row.token_variable or "")
        if token:
            headers["authorization"] = f"Bearer {token}"
        elif key:
            headers[row.key_header] = f"Bearer {key}" if row.key_header == "authorization" else key
        return Endpoint(
            provider=name,
            dialect=row.dialect,
            base_url=_base(base_url, row.path) if base_url else None,
            path=row.path,
            stream_path=row.stream_path or row.path,
            embeddings_path=row.embeddings_path,
            query=f"?{query}" if query else "",
            headers=headers,
            max_tokens_field=row.max_tokens_field,
            extra_body=row.extra_body,
            cache_marks=row.cache_marks,
            also_carries=row.also_carries,
            reasoning_back=row.reasoning_back,
            embeddings_batch=row.embeddings_batch,
            token_inputs=row.token_inputs,
            packed_vectors=row.packed_vectors,
            prices=row.prices,
            free=row.free,
            unavailable=self._why_unavailable(name, row, token or key, base_url),
            default_id=self._environ.get(row.default_model_variable or ""),
            credential_variable=self._credential_variable(row),
            address_variable=row.base_url_variable if row.base_url_variable in self._environ else None,
        )

    def _credential_variable(self, row: ProviderRow) -> str | None:
        """The variable that the credential comes from: the first one that is set of those that would be used."""
        for variable in (row.token_variable, row.key_variable, row.optional_key_variable):
            if variable in self._environ:
                return variable
        return aws_credential_variable(self._settings) if row.dialect == "bedrock" else None

    def _why_unavailable(self, name: str, row: ProviderRow, key: str | None, base_url: str | None) -> str | None:
        if name == OFFLINE:
            return None
        if row.dialect == "bedrock":
            return aws_missing(self._settings, has_api_key=key is not None)
        if row.unsupported:
            return row.unsupported
        credentials = row.token_variable and f"{row.key_variable} (or {row.token_variable})"
        missing = [
            variable
            for variable, present in ((credentials or row.key_variable, key), (row.base_url_variable, base_url))
            if variable and not present
        ]
        return f"set {' and '.join(missing)}" if missing else None

    def _expand(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: self._environ.get(found[1]) or found[2] or "", text)

    def _models(self, endpoints: Mapping[str, Endpoint]) -> Iterator[tuple[str, Model]]:
        seen: set[str] = set()
        for index, entry in enumerate(self._file.models):
            where = f"$.models[{index}]"
            if entry.name in seen:
                raise Mistake(f"{where}.name", f"the name '{entry.name}' is there twice")
            seen.add(entry.name)
            yield entry.name, self._model(entry, where, endpoints)

    def _model(self, entry: ModelRow, where: str, endpoints: Mapping[str, Endpoint]) -> Model:
        found = [self._deployment(entry, row, path, endpoints) for row, path in _deployments(entry, where)]
        usable = tuple(model for model in found if model.available)
        if len(usable) > 1:
            return msgspec.structs.replace(usable[0], deployments=usable)
        return usable[0] if usable else found[0]

    def _deployment(self, entry: ModelRow, row: DeploymentRow, where: str, endpoints: Mapping[str, Endpoint]) -> Model:
        if row.provider not in endpoints:
            raise Mistake(f"{where}.provider", f"there is no provider '{row.provider}'")
        endpoint, provider = endpoints[row.provider], self._file.providers[row.provider]
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
            strategy=entry.strategy,
            weight=row.weight,
        )

    def _current(self, id_: str, source: str) -> str:
        replacement = self._file.retired.get(id_)
        if replacement is None:
            return id_
        self._warnings.append(f"{source}: '{id_}' has been shut down by its provider; '{replacement}' is used instead")
        return replacement

    def _merged(self, partial: TimeoutsRow) -> Timeouts:
        given = {name: value for name, value in msgspec.structs.asdict(partial).items() if value is not None}
        return msgspec.structs.replace(self._timeouts, **given)

    def _aliases(self, models: Mapping[str, Model]) -> dict[str, tuple[str, ...]]:
        """Other names of each model, its provider's own id among them."""
        aliases: dict[str, tuple[str, ...]] = {}
        for entry in self._file.models:
            for alias in dict.fromkeys((*entry.aliases, models[entry.name].id)):
                aliases[alias] = (*aliases.get(alias, ()), entry.name)
        return aliases

    def _check(self, models: Mapping[str, Model]) -> None:
        if OFFLINE not in models:
            raise Mistake("$.models", f"the model '{OFFLINE}' must stay listed")
        names = set(models) | set(self._aliases(models))
        for index, entry in enumerate(self._file.models):
            for field in ("fallbacks", "context_window_fallbacks", "content_filter_fallbacks"):
                for fallback in getattr(entry, field):
                    if fallback not in names and fallback.partition("/")[0] not in self._file.providers:
                        raise Mistake(f"$.models[{index}].{field}", f"there is no model '{fallback}'")


def _deployments(entry: ModelRow, where: str) -> Iterator[tuple[DeploymentRow, str]]:
    """Who answers, and where the file says so; a model that names nobody else is its own only deployment."""
    if entry.deployments:
        for name in ("provider", "id", "id_variable"):
            if getattr(entry, name) is not None:
                raise Mistake(f"{where}.{name}", f"{name} belongs to each of the deployments here")
        for index, row in enumerate(entry.deployments):
            yield row, f"{where}.deployments[{index}]"
        return
    if entry.provider is None or entry.id is None:
        raise Mistake(where, f"'{entry.name}' needs a provider and an id, or deployments")
    yield DeploymentRow(entry.provider, entry.id, entry.id_variable), where


def _droppable(names: tuple[str, ...] | str) -> frozenset[str]:
    return droppable((names,) if isinstance(names, str) else names)


def _check_parameters(row: ProviderRow | ModelRow, where: str) -> None:
    """Raises Mistake for a parameter that there is none of."""
    for index, name in enumerate(row.lacks):
        if name not in EVERYTHING:
            raise Mistake(f"{where}.lacks[{index}]", str(UnknownParameter(name)))
    try:
        _droppable(row.drop_params)
    except UnknownParameter as error:
        raise Mistake(f"{where}.drop_params", str(error)) from error


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
