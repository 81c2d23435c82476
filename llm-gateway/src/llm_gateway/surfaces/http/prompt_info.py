"""The prompt API beside its prompts: models, status, and the cache."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from pydantic import ConfigDict
from service_kit.auth.principal import principal_in, require_role

from llm_gateway.cache.kept import EVERYTHING, Selector
from llm_gateway.cache.labels import prompt_tag
from llm_gateway.cache.levels import CacheLevels
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.errors import InvalidRequest, ModelNotFound
from llm_gateway.surfaces.status import CacheFigures, CamelModel, PromptModels, PromptStatus, StatusReader


class Invalidation(CamelModel):
    """Which answers are forgotten, by one of four: the `key` that an answer bore as `x-cache-key`, every answer of a
    `model`, every answer to a `prompt` (the last words of the user, as they were sent), or `all`."""

    model_config = ConfigDict(extra="forbid")

    key: str | None = None
    model: str | None = None
    prompt: str | None = None
    all: bool = False

    def selector(self, catalog: Catalog) -> Selector:
        """Returns what that means to a cache; a model may be named as in any request.

        Raises:
            InvalidRequest: it does not say which entries, or says it twice, or the key is none.
        """
        if sum((self.key is not None, self.model is not None, self.prompt is not None, self.all)) != 1:
            raise InvalidRequest("Exactly one of key, model, prompt and all is needed.")
        if self.key is not None:
            if not _is_key(self.key):
                raise InvalidRequest("key: must be 32 hexadecimal digits, as in x-cache-key", param="key")
            return Selector(key=bytes.fromhex(self.key))
        if self.model is not None:
            return Selector(model=_known(self.model, catalog))
        return EVERYTHING if self.prompt is None else Selector(prompt=prompt_tag(self.prompt))


class Invalidated(CamelModel):
    invalidated: int


def prompt_routes(catalog: Callable[[], Catalog], cache: CacheLevels | None, reader: StatusReader) -> APIRouter:
    router = APIRouter(tags=["prompt"])

    @router.get("/api/v1/models", summary="The models that answer prompts", operation_id="list_prompt_models")
    async def models(request: Request) -> PromptModels:
        return reader.models(principal_in(request.scope))

    @router.get("/api/v1/status", summary="What works and what does not", operation_id="get_prompt_status")
    @router.get("/status", summary="The same as /api/v1/status", operation_id="get_status")
    async def status() -> PromptStatus:
        return reader.status()

    @router.get("/api/v1/cache/stats", summary="What the cache has done so far", operation_id="get_cache_stats")
    async def stats() -> CacheFigures:
        return reader.cache()

    @router.post(
        "/api/v1/cache/invalidate",
        summary="Forget some kept answers; for operators",
        operation_id="invalidate_cache",
        responses={
            400: {"description": "Not exactly one of `key`, `model`, `prompt` and `all`."},
            403: {"description": "The key does not have the role of an operator (`operator_required`)."},
        },
    )
    async def invalidate(request: Request, which: Invalidation) -> Invalidated:
        require_role(request.scope, "operator")
        selector = which.selector(catalog())
        return Invalidated(invalidated=await cache.remove(selector) if cache else 0)

    return router


def _is_key(text: str) -> bool:
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def _known(name: str, catalog: Catalog) -> str:
    """Returns the catalog's name of a model; one that it does not have any more may still have entries."""
    try:
        return catalog.resolve(name).name
    except ModelNotFound:
        return name
