"""The cache key: everything that changes the answer, and nothing else."""

from __future__ import annotations

import hashlib
from operator import attrgetter

import msgspec

from llm_gateway.canonical import EmbeddingRequest, Request
from llm_gateway.catalog.models import Model

_encode = msgspec.json.Encoder(order="deterministic").encode

_NO_EFFECT = frozenset({"model", "provider", "stream", "include_usage", "user", "hints", "dialect"})
_effect = attrgetter(*(name for name in Request.__struct_fields__ if name not in _NO_EFFECT))
_EMBEDDING_EFFECT = tuple(name for name in EmbeddingRequest.__struct_fields__ if name not in _NO_EFFECT)


def cache_key(request: Request, model: Model, tenant: str) -> bytes:
    """16 bytes that are equal for equal questions to the same model by the same tenant.

    The order of JSON keys does not matter; whether the answer is streamed does not either. Unknown fields
    count, since nobody knows what they change.
    """
    material = _encode((tenant, model.provider, model.id, model.endpoint.base_url, _effect(request)))
    return hashlib.blake2b(material, digest_size=16).digest()


def embedding_key(request: EmbeddingRequest, model: Model, tenant: str) -> bytes:
    """The same for vectors; in which form they are written does not matter."""
    question = [getattr(request, name) for name in _EMBEDDING_EFFECT]
    material = _encode(("embeddings", tenant, model.provider, model.id, model.endpoint.base_url, question))
    return hashlib.blake2b(material, digest_size=16).digest()
