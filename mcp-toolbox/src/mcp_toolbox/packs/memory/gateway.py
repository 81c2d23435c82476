"""Vectors from the LLM gateway: `POST /v1/embeddings`, as in OpenAI's API.

Source: https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
import numpy as np
from service_kit.telemetry.logs import get_logger

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs.memory.embedder import Vectors, normalized

_log = get_logger(__name__)

_BATCH = 64


class GatewayEmbedder:
    """An `Embedder` that calls the gateway through `client`, which has the gateway's base URL and key."""

    def __init__(self, client: httpx2.AsyncClient, model: str) -> None:
        self.model = f"gateway/{model}"
        self._client = client
        self._name = model

    async def embed(self, texts: Sequence[str]) -> Vectors:
        batches = [await self._batch(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        if len({batch.shape[1] for batch in batches}) > 1:
            raise _unusable("vectors of different lengths")
        return normalized(np.concatenate(batches))

    async def _batch(self, texts: Sequence[str]) -> Vectors:
        body = {"model": self._name, "input": list(texts), "encoding_format": "float"}
        try:
            response = await self._client.post("/v1/embeddings", json=body)
        except httpx2.HTTPError as error:
            raise _unusable(type(error).__name__) from None
        if response.status_code != 200:
            raise _unusable(f"status {response.status_code}: {response.text[:200]}")
        try:
            return _vectors(response.json()["data"], len(texts))
        except (ValueError, KeyError, TypeError) as error:
            raise _unusable(f"an answer that is not embeddings: {error}") from None


def _vectors(data: list[Any], count: int) -> Vectors:
    if len(data) != count:
        raise ValueError(f"{len(data)} vectors for {count} texts")
    ordered = sorted(data, key=lambda item: item["index"])
    vectors = np.array([item["embedding"] for item in ordered], dtype=np.float32)
    if vectors.ndim != 2 or not vectors.shape[1] or not np.isfinite(vectors).all():
        raise ValueError("no vectors of finite numbers")
    return vectors


def _unusable(why: str) -> ToolFailedError:
    _log.warning("no embeddings from the gateway", error=why)
    return ToolFailedError("The service that makes embeddings does not answer as it should; try again in a minute.")
