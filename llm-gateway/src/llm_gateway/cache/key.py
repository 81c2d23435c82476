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

_encode = msgspec.json.Encoder(order="deterministic").encode

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


def cache_key(request: Request, model: Model, tenant: str) -> bytes:
    """16 bytes that are equal for equal questions to the same model by the same tenant.

    The order of JSON keys does not matter; whether the answer is streamed does not either. Unknown fields
    count, since what they change is unknown.
    """
    own = _own_words(request.dialect, request.extra, request.hints) if request.hints or request.extra else None
    return _hashed((tenant, *_place(model), _effect(request), own))


def embedding_key(request: EmbeddingRequest, model: Model, tenant: str) -> bytes:
    """The same for vectors; in which form they are written does not matter."""
    own = _own_words(request.dialect, request.extra, {}) if request.extra else None
    return _hashed(("embeddings", tenant, *_place(model), _embedding_effect(request), own))


def prompt_digest(prompt: str) -> bytes:
    """16 bytes by which the entries of one prompt are found, whatever was said before it."""
    return hashlib.blake2b(prompt.strip().encode(errors="replace"), digest_size=16).digest()


def _place(model: Model) -> tuple[Any, ...]:
    """Returns what identifies the model, and what its endpoint adds to every body."""
    endpoint = model.endpoint
    return model.provider, model.id, endpoint.base_url, endpoint.extra_body


def _own_words(dialect: str, extra: dict[str, Any], hints: dict[str, Any]) -> tuple[Any, ...] | None:
    """Returns what only the client's dialect can say, or None. The dialect is part of it: it decides which providers
    are sent these fields."""
    effective = {name: value for name, value in hints.items() if name not in NO_EFFECT_HINTS}
    return (dialect, extra, effective) if effective or extra else None


def _hashed(material: tuple[Any, ...]) -> bytes:
    return hashlib.blake2b(_encode(material), digest_size=16).digest()
