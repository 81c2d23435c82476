"""The catalogue as a file: YAML in, a `Catalog` out, or a complaint that names the line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from service_kit.secret_files import SecretFileError, with_secret_files
from service_kit.settings import SettingsError
from yaml.nodes import MappingNode, Node, SequenceNode

from llm_gateway.aws_settings import aws_missing, bedrock_url
from llm_gateway.catalog import OFFLINE, Catalog, Endpoint, Model, ReasoningBack, SafeStream, Strategy, Timeouts
from llm_gateway.parameters import EVERYTHING, UnknownParameter, droppable
from llm_gateway.pricing import FREE, Rate, Rates, rates_of
from llm_gateway.settings import GatewaySettings

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_NAMED_FIELD = re.compile(r"field `([^`]+)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


_Usd = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class CatalogError(Exception):
    """A catalogue that cannot be used; the message says where and why."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider, as the file has it."""

    dialect: Literal["openai_chat", "anthropic", "gemini", "bedrock", "offline"] = "openai_chat"
    base_url: str | None = None
    base_url_variable: str | None = None
    key_variable: str | None = None
    optional_key_variable: str | None = None
    token_variable: str | None = None
    key_header: str = "authorization"
    path: str = "/chat/completions"
    stream_path: str | None = None
    embeddings_path: str = "/embeddings"
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    max_tokens_field: str = "max_tokens"
    extra_body: dict[str, Any] = {}
    cache_marks: bool = False
    also_carries: frozenset[Literal["top_k", "reasoning_budget"]] = frozenset()
    reasoning_back: ReasoningBack | None = None
    embeddings_batch: Annotated[int, msgspec.Meta(ge=1)] = 2048
    token_inputs: bool = False
    packed_vectors: bool = False
    default_model_variable: str | None = None
    aliases: tuple[str, ...] = ()
    prices: str | None = None
    free: bool = False
    unsupported: str | None = None
    lacks: tuple[str, ...] = ()
    drop_params: tuple[str, ...] | Literal["all"] = ()


class _Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens, as an operator writes it."""

    input_usd_per_mtok: _Usd
    output_usd_per_mtok: _Usd
    cached_input_usd_per_mtok: _Usd | None = None


class _PartialTimeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connect: _Seconds | None = None
    first_token: _Seconds | None = None
    idle: _Seconds | None = None
    total: _Seconds | None = None


class _Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several who answer a model."""

    provider: str
    id: str
    id_variable: str | None = None
    weight: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 1.0
    price: str | _Price | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model, as the file has it: with a `provider` and an `id`, or with `deployments`."""

    name: str
    provider: str | None = None
    id: str | None = None
    id_variable: str | None = None
    deployments: tuple[_Deployment, ...] = ()
    strategy: Strategy = "weighted"
    description: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    supports: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: tuple[str, ...] = ()
    content_filter_fallbacks: tuple[str, ...] = ()
    retries: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None
    lacks: tuple[str, ...] = ()
    drop_params: tuple[str, ...] | Literal["all"] = ()
    safe_stream: SafeStream = "off"
    price: str | _Price | None = None
    timeouts: _PartialTimeouts = _PartialTimeouts()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    providers: dict[str, _Row]
    models: tuple[_Entry, ...]
    retired: dict[str, str] = {}


def load_catalog(settings: GatewaySettings, environ: Mapping[str, str], path: Path | None = None) -> Catalog:
    """The catalogue in `path`, or the one that comes with the package, with `environ`'s credentials.

    A provider's key may come from a file: see `with_secret_files`.

    Raises:
        CatalogError: the file cannot be read, does not parse, or contradicts itself.
        SettingsError: the file of a provider's key cannot be used.
    """
    try:
        text = (path or files("llm_gateway").joinpath("catalog.yaml")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: {error}") from error
    parsed, node = _parse(text, str(path or "catalog.yaml"))
    try:
        given = with_secret_files(environ, _key_variables(parsed))
    except SecretFileError as error:
        raise SettingsError(str(error)) from None
    present = {name: value for name, value in given.items() if value.strip()}
    try:
        return _Builder(parsed, settings, present).build()
    except _MistakeError as mistake:
        raise CatalogError(f"{path or 'catalog.yaml'}:{_line(node, mistake.path)}: {mistake}") from None


def _key_variables(file: _File) -> set[str]:
    """The variables that hold the providers' keys."""
    rows = file.providers.values()
    return {name for row in rows for name in (row.key_variable, row.optional_key_variable, row.token_variable) if name}


def _parse(text: str, name: str) -> tuple[_File, Node]:
    try:
        loader = yaml.CSafeLoader(text)
        node = loader.get_single_node()
        plain: Any = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogError(f"{name}:{line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise CatalogError(f"{name}: {error}") from error
    if node is None:
        raise CatalogError(f"{name}:1: the file is empty")
    try:
        return msgspec.convert(plain, _File), node
    except msgspec.ValidationError as error:
        message, path = _complaint(error)
        if path.startswith("$.providers[...]"):
            message, path = _provider_complaint(plain["providers"])
        raise CatalogError(f"{name}:{_line(node, path)}: {message}") from error


def _complaint(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong, and the path of it: of the field itself where it is one that does not belong there."""
    message, _, place = str(error).partition(" - at ")
    path = place.strip("`")
    named = _NAMED_FIELD.search(message)
    return message, f"{path or '$'}.{named[1]}" if named else path


def _provider_complaint(providers: Mapping[str, Any]) -> tuple[str, str]:
    """The first complaint about one of the providers; msgspec does not say which entry of a mapping it means."""
    for name, row in providers.items():
        try:
            msgspec.convert(row, _Row)
        except msgspec.ValidationError as error:
            message, path = _complaint(error)
            return message, f"$.providers.{name}{path.removeprefix('$')}"
    return "a provider is not as it should be", "$.providers"


def _line(node: Node, path: str) -> int:
    """The line of `$.models[3].price` in the file; of its nearest parent when it is not there."""
    line = node.start_mark.line
    for key, index in _STEP.findall(path):
        child = _child(node, key, index)
        if child is None:
            break
        node, line = child
    return line + 1


def _child(node: Node, key: str, index: str) -> tuple[Node, int] | None:
    if isinstance(node, MappingNode):
        for name, value in node.value:
            if name.value == key:
                return value, name.start_mark.line
    elif isinstance(node, SequenceNode) and index.isdigit() and int(index) < len(node.value):
        item = node.value[int(index)]
        return item, item.start_mark.line
    return None


class _MistakeError(Exception):
    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def _base(url: str, path: str) -> str:
    """`url` without a version at its end that `path` begins with: vendors' clients differ in where it belongs."""
    url = url.rstrip("/")
    return url.removesuffix("/v1") if path.startswith("/v1/") else url


class _Builder:
    """From the file's rows to the snapshot."""

    def __init__(self, file: _File, settings: GatewaySettings, environ: Mapping[str, str]) -> None:
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

    def _endpoint(self, name: str, row: _Row) -> Endpoint:
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
        )

    def _why_unavailable(self, name: str, row: _Row, key: str | None, base_url: str | None) -> str | None:
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
                raise _MistakeError(f"{where}.name", f"the name '{entry.name}' is there twice")
            seen.add(entry.name)
            yield entry.name, self._model(entry, where, endpoints)

    def _model(self, entry: _Entry, where: str, endpoints: Mapping[str, Endpoint]) -> Model:
        found = [self._deployment(entry, row, path, endpoints) for row, path in _deployments(entry, where)]
        usable = tuple(model for model in found if model.available)
        if len(usable) > 1:
            return msgspec.structs.replace(usable[0], deployments=usable)
        return usable[0] if usable else found[0]

    def _deployment(self, entry: _Entry, row: _Deployment, where: str, endpoints: Mapping[str, Endpoint]) -> Model:
        if row.provider not in endpoints:
            raise _MistakeError(f"{where}.provider", f"there is no provider '{row.provider}'")
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

    def _merged(self, partial: _PartialTimeouts) -> Timeouts:
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
            raise _MistakeError("$.models", f"the model '{OFFLINE}' must stay listed")
        names = set(models) | set(self._aliases(models))
        for index, entry in enumerate(self._file.models):
            for field in ("fallbacks", "context_window_fallbacks", "content_filter_fallbacks"):
                for fallback in getattr(entry, field):
                    if fallback not in names and fallback.partition("/")[0] not in self._file.providers:
                        raise _MistakeError(f"$.models[{index}].{field}", f"there is no model '{fallback}'")


def _deployments(entry: _Entry, where: str) -> Iterator[tuple[_Deployment, str]]:
    """Who answers, and where the file says so; a model that names nobody else is its own only deployment."""
    if entry.deployments:
        for name in ("provider", "id", "id_variable"):
            if getattr(entry, name) is not None:
                raise _MistakeError(f"{where}.{name}", f"{name} belongs to each of the deployments here")
        for index, row in enumerate(entry.deployments):
            yield row, f"{where}.deployments[{index}]"
        return
    if entry.provider is None or entry.id is None:
        raise _MistakeError(where, f"'{entry.name}' needs a provider and an id, or deployments")
    yield _Deployment(entry.provider, entry.id, entry.id_variable), where


def _droppable(names: tuple[str, ...] | str) -> frozenset[str]:
    return droppable((names,) if isinstance(names, str) else names)


def _check_parameters(row: _Row | _Entry, where: str) -> None:
    """Raises _MistakeError for a parameter that there is none of."""
    for index, name in enumerate(row.lacks):
        if name not in EVERYTHING:
            raise _MistakeError(f"{where}.lacks[{index}]", str(UnknownParameter(name)))
    try:
        _droppable(row.drop_params)
    except UnknownParameter as error:
        raise _MistakeError(f"{where}.drop_params", str(error)) from error


def _rates(price: str | _Price | None, endpoint: Endpoint, id_: str) -> Rates | None:
    if isinstance(price, _Price):
        return _explicit(price)
    if endpoint.free:
        return FREE
    return rates_of(endpoint.prices, price or id_) if endpoint.prices else None


def _explicit(price: _Price) -> Rates:
    def rate(value: float) -> Rate:
        return Rate(Decimal(repr(value)))

    cached = price.cached_input_usd_per_mtok
    return Rates(
        input=rate(price.input_usd_per_mtok),
        output=rate(price.output_usd_per_mtok),
        cached_input=None if cached is None else rate(cached),
    )
