"""How long answers are kept, by the kind of request."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from llm_gateway.canonical import EmbeddingRequest, Request
from llm_gateway.settings import RequestKind


class Lifetimes(msgspec.Struct, frozen=True):
    """Seconds for each kind, and `default` for those that are not named. 0 keeps nothing of a kind."""

    default: float
    by_kind: Mapping[RequestKind, float] = {}

    def seconds(self, request: Request | EmbeddingRequest) -> float:
        """Returns how long the answer to `request` is kept."""
        return self.by_kind.get(_kind_of(request), self.default) if self.by_kind else self.default


def _kind_of(request: Request | EmbeddingRequest) -> RequestKind:
    if isinstance(request, EmbeddingRequest):
        return "embeddings"
    if request.tools:
        return "tools"
    return "json" if request.response_format is not None else "chat"
