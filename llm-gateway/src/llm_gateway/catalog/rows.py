"""The catalog's rows, as an operator writes them."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from llm_gateway.catalog.document import Place
from llm_gateway.catalog.models import ReasoningBack, SafeStream, Strategy, SystemPrompt

T = TypeVar("T")

_Usd = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class ProviderRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider, as the file has it."""

    dialect: Literal["openai_chat", "anthropic", "gemini", "bedrock", "offline"] = "openai_chat"
    base_url: str | None = None
    base_url_variable: str | None = None
    key_variable: str | None = None
    keys: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)] = ()
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


class PriceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens, as an operator writes it."""

    input_usd_per_mtok: _Usd
    output_usd_per_mtok: _Usd
    cached_input_usd_per_mtok: _Usd | None = None


class TimeoutsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connect: _Seconds | None = None
    first_token: _Seconds | None = None
    idle: _Seconds | None = None
    total: _Seconds | None = None


class DeploymentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several deployments that answer for a model."""

    provider: str
    id: str
    id_variable: str | None = None
    weight: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 1.0
    price: str | PriceRow | None = None


class ModelRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model, as the file has it: with a `provider` and an `id`, or with `deployments`."""

    name: str
    provider: str | None = None
    id: str | None = None
    id_variable: str | None = None
    deployments: tuple[DeploymentRow, ...] = ()
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
    system_prompt: SystemPrompt | None = None
    tags: tuple[_Word, ...] = ()
    price: str | PriceRow | None = None
    timeouts: TimeoutsRow = TimeoutsRow()


class CatalogFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it stands. A row may be partial, or null where one is removed: each is checked once it is whole."""

    extends: Literal["builtin", "nothing"] = "builtin"
    providers: dict[str, Any] = {}
    models: tuple[Any, ...] = ()
    retired: dict[str, Any] = {}


class Placed(NamedTuple, Generic[T]):
    """A row, and where a mistake in it is found. `claims` says that its aliases come before those of other rows."""

    row: T
    place: Place
    claims: bool = False


class CatalogRows(msgspec.Struct, frozen=True):
    """What a catalog is built from: whole rows, whatever files they came from."""

    providers: dict[str, Placed[ProviderRow]]
    models: tuple[Placed[ModelRow], ...]
    retired: dict[str, str]
