"""The lists of models: `/mcp/llm/list`, `/v1/models`, `/v1/models/{id}`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from service_kit.auth.principal import principal_in

from llm_gateway.catalog.access import may_use
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.models import OFFLINE, Model
from llm_gateway.catalog.pricing import Rates
from llm_gateway.errors import ModelNotFound


class Price(BaseModel):
    """USD per million tokens, for a prompt below the first price tier; models that say nothing have no output price."""

    input_usd_per_mtok: float
    output_usd_per_mtok: float | None
    cached_input_usd_per_mtok: float | None = None


class Llm(BaseModel):
    name: str
    provider: str
    provider_model: str
    description: str
    available: bool
    reason: str | None = None
    kind: Literal["language_model", "embedding_model", "planner"]
    context_window: int | None
    max_output_tokens: int | None
    supports: list[str]
    fallbacks: list[str]
    tags: list[str]
    price: Price | None


class LlmList(BaseModel):
    llms: list[Llm]
    default: str


class OpenAIModel(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class OpenAIModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[OpenAIModel]


def model_routes(catalog: Callable[[], Catalog], started_at: int) -> APIRouter:
    """`started_at` (seconds since 1970) stands for the creation time that OpenAI's list has. A key is shown the models
    that it may use."""
    router = APIRouter(tags=["models"])

    def own(request: Request) -> list[Model]:
        """The models that the request's key may use."""
        now, names = catalog(), principal_in(request.scope).models
        return [model for model in now.models.values() if may_use(model, names, now)]

    @router.get(
        "/mcp/llm/list",
        summary="Every model of the catalog, and whether it can be used",
        operation_id="list_catalog",
    )
    async def llm_list(request: Request) -> LlmList:
        return LlmList(llms=[_llm(model) for model in own(request)], default=catalog().default)

    @router.get(
        "/v1/models",
        summary="The models that can be used, as OpenAI lists them",
        operation_id="list_models",
    )
    async def models(request: Request) -> OpenAIModelList:
        return OpenAIModelList(data=[_openai(model, started_at) for model in own(request) if model.available])

    @router.get("/v1/models/{id:path}", summary="One model, as OpenAI describes it", operation_id="get_model")
    async def model(id: str, request: Request) -> OpenAIModel:
        now = catalog()
        found = now.resolve(id) if id else None
        if found is None or not may_use(found, principal_in(request.scope).models, now):
            raise ModelNotFound(id)
        return _openai(found, started_at)

    return router


def _llm(model: Model) -> Llm:
    return Llm(
        name=model.name,
        provider=model.provider,
        provider_model=model.id,
        description=model.description,
        available=model.available,
        reason=model.endpoint.unavailable,
        kind=_kind(model),
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        supports=list(model.supports),
        fallbacks=list(model.fallbacks),
        tags=list(model.tags),
        price=_price(model.rates),
    )


def _kind(model: Model) -> Literal["language_model", "embedding_model", "planner"]:
    if model.provider == OFFLINE:
        return "planner"
    return "embedding_model" if "embeddings" in model.supports else "language_model"


def _price(rates: Rates | None) -> Price | None:
    if rates is None:
        return None
    return Price(
        input_usd_per_mtok=float(rates.input.base),
        output_usd_per_mtok=float(rates.output.base) if rates.output else None,
        cached_input_usd_per_mtok=float(rates.cached_input.base) if rates.cached_input else None,
    )


def _openai(model: Model, created: int) -> OpenAIModel:
    return OpenAIModel(id=model.name, created=created, owned_by=model.provider)
