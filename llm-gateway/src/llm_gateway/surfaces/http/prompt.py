"""The prompt API's surface: `/api/v1/generate` and `/api/v1/generate/stream`."""

from __future__ import annotations

from llm_gateway.canonical import Request
from llm_gateway.pipeline.caller import Caller
from llm_gateway.surfaces.http.exchange import Exchange
from llm_gateway.surfaces.http.generation import GenerationSurface
from llm_gateway.surfaces.http.raw_endpoint import in_session

PROMPT = "/api/v1/generate"
PROMPT_STREAM = "/api/v1/generate/stream"
BATCH = "/api/v1/generate/batch"
BATCH_STREAM = "/api/v1/generate/batch/stream"


class PromptSurface(GenerationSurface):
    """`POST` of one prompt. Every call belongs to a session: the one that the caller names, or a new one."""

    async def answer(self, request: Request, caller: Caller, exchange: Exchange) -> None:
        await super().answer(request, in_session(caller), exchange)
