"""The cache key: everything that a provider is sent and that may change its answer.

That is so by construction: what has no effect is listed here, and all else counts, so that a field which is added
somewhere costs a hit at worst.
"""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import Any

import msgspec

from llm_gateway.canonical import EmbeddingRequest, Request
from llm_gateway.catalog.models import Model

_encode = msgspec.json.Encoder().encode

_NO_EFFECT = frozenset({"model", "provider", "stream", "include_usage", "user", "hints", "dialect", "extra"})
"""Fields of a request that are no part of the question, or are looked at one by one."""
NO_EFFECT_HINTS = frozenset(
    {
        # the asker and its purpose
        "metadata", "safety_identifier", "user",
        # how it is served and billed
        "inference_geo", "service_tier", "speed", "store",
        # what the provider may keep of the prompt
        "cache_control", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
        # how the stream is written, and what is measured of it
        "diagnostics", "prediction", "stream_options.include_obfuscation",
    }
)  # fmt: skip
"""Hints that change no answer: identity, service and billing, the provider's own cache, the transport."""

_effect = attrgetter(*(name for name in Request.__struct_fields__ if name not in _NO_EFFECT))
_embedding_effect = attrgetter(*(name for name in EmbeddingRequest.__struct_fields__ if name not in _NO_EFFECT))

_worded_by_dialect = attrgetter("response_format", "reasoning_effort", "reasoning_budget")
_SAID_NOTHING = (None, None, None)
"""Fields that a provider of the client's own dialect is sent as they came, and others in a translation of their own."""


def cache_key(request: Request, model: Model, tenant: str) -> bytes:
    """16 bytes that are equal for equal questions to the same model by the same tenant.

    Whether the answer is streamed does not matter. The order of the names in a JSON object does: a model fills in a
    schema in the order of its properties. Unknown fields count, since what they change is unknown.
    """
    own = None
    if request.hints or request.extra or _worded_by_dialect(request) != _SAID_NOTHING:
        own = _own_words(request)
    return _hashed((tenant, model.terms, _effect(request), own))


def embedding_key(request: EmbeddingRequest, model: Model, tenant: str) -> bytes:
    """The same for vectors; in which form they are written does not matter."""
    own = (request.dialect, request.extra) if request.extra else None
    return _hashed(("embeddings", tenant, model.terms, _embedding_effect(request), own))


def _own_words(request: Request) -> tuple[Any, ...] | None:
    """Returns what the client's dialect says beyond the canonical fields, or None. The dialect is part of it: it
    decides which providers are sent these fields, and in which words."""
    effective = {name: value for name, value in request.hints.items() if name not in NO_EFFECT_HINTS}
    if not effective and not request.extra and _worded_by_dialect(request) == _SAID_NOTHING:
        return None
    return request.dialect, request.extra, effective


def _hashed(material: tuple[Any, ...]) -> bytes:
    return hashlib.blake2b(_encode(material), digest_size=16).digest()
